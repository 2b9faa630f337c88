"""What must be said before a run becomes a baseline: what changed, why, and whom it harms.

Outside half. Golden values that are renewed unread prove nothing; so every cause of a change
gets its own reason, a regression needs a word on its harm, and what changed at once is told apart
first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from harness.compare.checks.finding import Comparison, Finding, Verdict
from harness.compare.question import Question, Report
from harness.environments import names as environments
from harness.errors import MissingRecordError, UsageError
from harness.nightly.tonight import NATIVE
from harness.programs.saved import accepting
from harness.programs.saved.comparing import compare
from harness.records.environment import REFERENCE
from harness.records.native_record import NativeRecord
from harness.records.record import Record
from harness.store import programs as stored
from harness.store.store import Store
from harness.words import few

PARTS = {"pins": "the pins", "case": "the case", "harness": "the harness"}
"""What a baseline is measured with, any one of which may change."""
UNKNOWN, NATIVELY = "unknown phase", "native runs"
FEW = 3
"""How many names or packages are listed; the rest is counted."""


@dataclass(frozen=True)
class Cause:
    """Differences from the own baseline that begin in one phase.

    Args:
        comparisons: one for each variant.
    """

    phase: str
    comparisons: tuple[Comparison, ...]

    @property
    def finding(self) -> Finding:
        """The largest of the differences."""
        return max((f for c in self.comparisons for f in c.findings if f.verdict.is_difference),
                   key=lambda f: (f.verdict, f.deviation or 0.0))

    @property
    def words(self) -> str:
        """Phase, where it is, and the largest difference."""
        names = [f"{c.case} {c.variant}" for c in self.comparisons]
        return f"{self.phase}: {few(names, FEW)}: {self.finding.sentence}"


@dataclass(frozen=True)
class Examination:
    """What accepting runs of an environment would settle.

    Args:
        causes: of the differences from the own baseline.
        regressions: comparisons, with any side, that break a promise and are not waived.
        moved: by case and part, what a baseline and its new one are not both measured with.
    """

    causes: tuple[Cause, ...]
    regressions: tuple[Comparison, ...]
    moved: Mapping[str, Mapping[str, str]]

    @property
    def parts(self) -> dict[str, list[str]]:
        """By part, in words, what of it changed."""
        found: dict[str, dict[str, None]] = {}
        for parts in self.moved.values():
            for part, words in parts.items():
                found.setdefault(part, {})[words] = None
        return {part: list(found[part]) for part in PARTS if part in found}


def examine(store: Store, environment: str, records: Sequence[Record],
            natives: Sequence[NativeRecord] = (), programs: Sequence[str] = ()) -> Examination:
    """Return what accepting records, native runs and runs of users' programs would settle.

    Raises:
        HarnessError: they cannot be compared, or waivers cannot be read.
    """
    names = [*(record.case for record in records), *(native.case for native in natives), *programs]
    cases = [case for case in dict.fromkeys(names) if _has_sides(store, case, environment)]
    report = compare(store.project, Question((environment,), None, tuple(cases))) if cases \
        else Report()
    groups: dict[str, list[Comparison]] = {}
    for c in report.comparisons:
        if c.against == "baseline" and not c.problem and c.verdict.is_difference:
            groups.setdefault(_phase(c), []).append(c)
    regressions = [c for c in report.comparisons if not c.problem
                   and any(f.verdict is Verdict.REGRESSION for f in c.open_findings)]
    return Examination(tuple(Cause(phase, tuple(found)) for phase, found in groups.items()),
                       tuple(regressions),
                       {**{record.case: _moved(record.case, _origins(store, record))
                           for record in records},
                        **{name: _moved(name, accepting.origins(store.project, name, environment))
                           for name in programs}})


def render(found: Examination) -> RenderableType:
    """Return why the baselines would change, in words."""
    lines = [f"changed: {PARTS[part]}: {few(words, FEW)}" for part, words in found.parts.items()]
    lines += [f"cause {number}: {cause.words}" for number, cause in enumerate(found.causes, 1)]
    lines += [f"regression: {c.case} {c.variant} against {c.side}: {_broken(c)}"
              for c in found.regressions]
    return Group(*map(Text, lines))


def require(found: Examination, environment: str, reasons: Sequence[str], harm: str | None,
            together: str | None) -> dict[str, dict[str, Any]]:
    """Return what is to be kept of why runs are accepted, by case.

    Args:
        reasons: one for each cause, in their order; one where there is none.
        harm: of a regression; None if nobody says.
        together: why what changed at once cannot be told apart; None if nobody says.

    Raises:
        UsageError: something is left unsaid.
    """
    if not all(text.strip() for text in (*reasons, harm or "x", together or "x")) or not reasons:
        raise UsageError("accepting needs a reason", environment,
                         next_command="--reason 'why it is right'")
    if found.causes and len(found.parts) > 1 and together is None:
        raise UsageError(
            "several things changed at once, so that nobody can say which one this comes from",
            environment, "; ".join(f"{PARTS[part]}: {few(words, FEW)}"
                                   for part, words in found.parts.items()),
            f"measure the new code on the old pins first and accept that: git log "
            f"constraints/{environment}.txt; or --together 'why they cannot be told apart'")
    if len(reasons) != max(1, len(found.causes)):
        raise UsageError(
            "every cause needs a reason of its own, in their order", environment,
            "\n         ".join([f"{len(reasons)} reasons for {len(found.causes)} causes", *(
                f"{number}. {cause.words}" for number, cause in enumerate(found.causes, 1))]),
            " ".join(["harness accept", environment, *("--reason '...'" for _ in
                                                       found.causes or (None,))]))
    if found.regressions and harm is None:
        c = found.regressions[0]
        raise UsageError(
            "a regression is not accepted without a word on its harm",
            f"{c.case} {c.variant} against {c.side}",
            f"{_broken(c)}; {len(found.regressions)} in all",
            "--harm 'whom it harms, and why that is right'")
    return {case: _kept(found, case, reasons, harm, together) for case in found.moved}


def _kept(found: Examination, case: str, reasons: Sequence[str], harm: str | None,
          together: str | None) -> dict[str, Any]:
    """Return what is kept of one case's baseline."""
    causes = [{"phase": cause.phase, "variants": names, "reason": reason.strip()}
              for cause, reason in zip(found.causes, reasons, strict=False)
              if (names := [c.variant for c in cause.comparisons if c.case == case])]
    kept: dict[str, Any] = {"changed": dict(found.moved[case]), "causes": causes,
                            "together": together and together.strip()}
    if any(c.case == case for c in found.regressions):
        kept["harm"] = harm and harm.strip()
    return {name: value for name, value in kept.items() if value}


def _has_sides(store: Store, case: str, environment: str) -> bool:
    """Return whether there is any baseline to compare with."""
    is_program = case in store.project.program_names()
    accepted = stored.accepted(store.project, case) if is_program else store.accepted(case)
    return environment in accepted or REFERENCE in accepted \
        or environments.previous(environment, accepted) is not None


def _phase(comparison: Comparison) -> str:
    if comparison.cause and comparison.cause.phase:
        return comparison.cause.phase
    checks = {f.check for f in comparison.findings if f.verdict.is_difference}
    return NATIVELY if checks == {NATIVE} else UNKNOWN


def _origins(store: Store, record: Record) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return with what a record's baseline and it were measured; None without a baseline."""
    try:
        return store.baseline(record.case, record.environment).provenance, record.provenance
    except MissingRecordError:
        return None


def _moved(name: str, origins: tuple[Mapping[str, Any], Mapping[str, Any]] | None
           ) -> dict[str, str]:
    """Return what a case is measured with and its baseline is not."""
    if origins is None:
        return {}
    before, now, moved = *origins, {}
    old, new = (_object(side.get("packages")) for side in (before, now))
    pins = [f"{package} {old.get(package, 'none')} -> {new.get(package, 'none')}"
            for package in sorted({*old, *new}) if old.get(package) != new.get(package)]
    if pins:
        moved["pins"] = few(pins, FEW)
    was, is_now = (_object(side.get("inputs")) for side in (before, now))
    for part, words in (("case", name), ("harness", "")):
        digests = was.get(part), is_now.get(part)
        if all(digests) and digests[0] != digests[1]:
            change = f"{str(digests[0])[:12]} -> {str(digests[1])[:12]}"
            moved[part] = f"{words} {change}".strip()
    return moved


def _object(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _broken(comparison: Comparison) -> str:
    """Return the promise that is broken, in words."""
    return next(f.sentence for f in comparison.open_findings
                if f.verdict is Verdict.REGRESSION)
