"""Harm: whether differences matter, from promises that are broken and from how far curves move.

Outside half.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from harness.compare.checks.finding import Finding, Verdict
from harness.compare.checks.pair import IMPLEMENTATION
from harness.words import few

SAID = 3
"""How many promises or sentences are said; the rest is counted."""


class Harm(Enum):
    """Whether differences matter: ``it ... matter``."""

    HARMFUL = "yes"
    BETTER = "no, it is better"
    POSSIBLE = "perhaps"
    UNLIKELY = "hardly"

    @property
    def sentence(self) -> str:
        """The same as the beginning of a sentence."""
        return {Harm.POSSIBLE: "It may matter", Harm.UNLIKELY: "It hardly matters"}.get(
            self, "It matters")


def weigh(differences: Sequence[Finding], observed: str = "the observed run",
          baseline: str = "the baseline") -> tuple[Harm, str]:
    """Return whether differences do harm, and why.

    Args:
        differences: findings that are differences, at least one.
        observed, baseline: what to call the two sides.
    """
    broken = _promises(differences, Verdict.REGRESSION)
    kept = _promises(differences, Verdict.IMPROVEMENT)
    words = [f"{observed} {verb}: {promises}" for verb, promises in (
        (f"breaks promises that {baseline} keeps", broken),
        (f"now keeps promises that {baseline} breaks", kept)) if promises]
    if words:
        return Harm.HARMFUL if broken else Harm.BETTER, "; ".join(words)
    start = "no promise of a case is broken; "
    moved = {precision: _largest(f for f in differences if f.check == f"{precision}_trajectory")
             for precision in ("float64", "float32")}
    single = _largest(f for f in differences if f.checkpoint)
    steps = f", tensors of a single step by {single:.1e}" if single else ""
    if moved["float64"]:
        harm = Harm.POSSIBLE if moved["float64"] > IMPLEMENTATION else Harm.UNLIKELY
        return harm, f"{start}float64 curves move by up to {moved['float64']:.1e}{steps}"
    if moved["float32"]:
        harm = Harm.POSSIBLE if moved["float32"] > IMPLEMENTATION else Harm.UNLIKELY
        return harm, f"{start}float32 losses move by up to {moved['float32']:.1e}{steps}"
    if single and all(f.is_stress for f in differences if f.checkpoint):
        return Harm.POSSIBLE, f"{start}only probes under stress differ, by up to {single:.1e}"
    if single:
        return Harm.POSSIBLE, (f"{start}no curve leaves its allowance, but tensors of a single "
                               f"step differ by up to {single:.1e}")
    return Harm.POSSIBLE, start + _few(f.sentence for f in differences)


def _promises(differences: Iterable[Finding], verdict: Verdict) -> str:
    """Return what was found of promises with a verdict, each once, not once in each precision."""
    told = (f.sentence.partition(" a promise: ")[2] or f.sentence
            for f in differences if f.verdict is verdict)
    return _few(text.partition("; baseline: ")[0] for text in told)


def _few(words: Iterable[str]) -> str:
    """Return the first of different words, and the number of the others."""
    return few([*dict.fromkeys(words)], SAID, "; ")


def _largest(found: Iterable[Finding]) -> float:
    return max((f.deviation for f in found if f.deviation is not None), default=0.0)
