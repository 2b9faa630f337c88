"""What a comparison says: findings and verdicts, the words and their order.

Outside half.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from harness.vocabulary.checkpoint import parse

Key = tuple[str, str, str, str, str]
"""Case, variant, observed, against and baseline of a comparison."""
CAUSE = 1e-4
"""Smallest part of a difference that can be its cause. Two things may differ at once; a tiny
error of the outputs is not why the loss is far off."""


class Verdict(IntEnum):
    """The outcome of a comparison, from best to worst."""

    IDENTICAL = 0
    EQUIVALENT = 1
    DRIFT = 2
    IMPROVEMENT = 3
    REGRESSION = 4
    MISSING = 5
    ERROR = 6

    @property
    def word(self) -> str:
        """The verdict as it is written everywhere."""
        return self.name.lower()

    @property
    def is_difference(self) -> bool:
        """Whether it needs a waiver or an ``accept``."""
        return self in (Verdict.DRIFT, Verdict.IMPROVEMENT, Verdict.REGRESSION)


@dataclass(frozen=True)
class Waiver:
    """A known, explained difference that must not keep the nightly red.

    Every pattern is a shell pattern, or several apart by spaces.

    Args:
        against: a kind of comparison (``baseline``, ``previous``, ``reference``)
            or a pattern of the baseline's environment.
        at_most: largest deviation it covers; anything larger is not waived.
        reason: why this is known and harmless, or known and harmful.
        upstream: issue, pull request, paper or document that says so.
        date: when it was written, ISO 8601.
        from_version: first version that behaves so; then it covers what lies between an
            earlier version (or the reference) and this one or a later one, and nothing else.
    """

    environment: str
    against: str
    case: str
    variant: str
    check: str
    at_most: float
    reason: str
    upstream: str
    date: str
    from_version: str = ""


@dataclass(frozen=True)
class Finding:
    """What one check found in one variant.

    Args:
        check: the check's name, ``float64_trajectory``.
        precision: it was found in; None for native training.
        verdict: how bad it is.
        step: first step at which the allowance is exceeded, from 0.
        checkpoint: the probe's, ``step_10`` or ``scaled_30``.
        phase: initialisation, data order, forward, loss, gradient, update or metric;
            None if unknown.
        tensor: the first one that is off, such as ``gradient of dense_1.bias``.
        observed, baseline: the two values at that step.
        deviation: largest relative difference over all steps.
        allowance: the one at the first differing step, or the smallest bound.
        required: factor by which the allowance would have to grow.
        sentence: the finding in words, with numbers.
        waiver: the waiver that covers it.
        host: what of it belongs to the class of machine, and is no difference.
    """

    check: str
    verdict: Verdict
    sentence: str
    step: int | None = None
    checkpoint: str | None = None
    phase: str | None = None
    tensor: str | None = None
    observed: float | None = None
    baseline: float | None = None
    deviation: float | None = None
    allowance: float | None = None
    required: float | None = None
    waiver: Waiver | None = None
    precision: str | None = None
    host: str = ""

    @property
    def excess(self) -> float:
        """How many times its allowance it is; 0 where it has no size: a promise, a fingerprint."""
        if self.deviation is None:
            return 0.0
        found = self.required if self.required is not None else \
            self.deviation / self.allowance if self.allowance else math.inf
        return math.inf if math.isnan(found) else found

    @property
    def comes_right(self) -> bool:
        """Whether it is a probe's error that the baseline has and the observed side has not."""
        return self.checkpoint is not None and self.verdict.is_difference \
            and self.observed is not None and self.baseline is not None \
            and self.observed < self.baseline

    @property
    def is_stress(self) -> bool:
        """Whether it is of a checkpoint that training does not come to."""
        return self.checkpoint is not None and parse(self.checkpoint).is_stress

    @property
    def where(self) -> str:
        """The probe's checkpoint, or the first step that differs; empty if unknown."""
        if self.checkpoint:
            return f"probe {self.checkpoint}"
        return "" if self.step is None else f"step {self.step}"

    @property
    def size(self) -> str:
        """The deviation and what is allowed of it, ``6.6e-07 / 2.7e-12``; empty if it has none."""
        if self.deviation is None:
            return ""
        allowed = "" if self.allowance is None else f" / {self.allowance:.1e}"
        return f"{self.deviation:.1e}{allowed}"

    @property
    def onset(self) -> float:
        """How large a difference is where it begins.

        The error of a probe's tensor, on the side that has the larger one; of a curve, the
        relative deviation at the first step that differs; 0 of anything else.
        """
        if self.observed is None or self.baseline is None:
            return 0.0
        if self.checkpoint is not None:
            return max(self.observed, self.baseline)
        return relative(self.observed, self.baseline)

    def may_cause(self, other: Finding) -> bool:
        """Return whether this can be why the other differs: as little known, and large enough."""
        return not (self.waiver and not other.waiver) and self.onset >= CAUSE * other.onset



def relative(observed: float, baseline: float) -> float:
    """Return |observed - baseline| / max(1, |baseline|): 0 of what is equal, else no NaN."""
    off = 0.0 if observed == baseline else abs(observed - baseline) / max(1.0, abs(baseline))
    return off if math.isfinite(off) else math.inf


def worst(findings: Iterable[Finding]) -> Finding | None:
    """Return the difference that stands for all of them, wherever one is shown.

    What is open comes before what is waived; of that, what is farthest beyond its allowance;
    then the worst verdict; then what begins earliest, under training before under stress.
    """
    return min((f for f in findings if f.verdict.is_difference), default=None, key=_order)


def cause(findings: Iterable[Finding]) -> Finding | None:
    """Return the difference that tells the phase of all of them; of what is open, if anything is.

    None if nothing does: a probe does not if its error is too small to be why a curve differs.
    One of a reference checkpoint, where trajectories come by, goes before one under stress,
    unless that is too large for it. Without a probe it is the worst that knows its phase.
    """
    known = [f for f in findings if f.verdict.is_difference]
    known = [f for f in known if f.waiver is None] or known
    probes = [f for f in known if f.checkpoint is not None]
    curves = [f for f in known if f.check.endswith("_trajectory")]
    telling = [f for f in known if f.phase and (
        f.checkpoint is None or all(f.may_cause(curve) for curve in curves))]
    return min(telling, default=None, key=lambda f: (
        f.checkpoint is None, not all(f.may_cause(probe) for probe in probes), f.is_stress,
        _order(f)))


def _order(finding: Finding) -> tuple[object, ...]:
    return (finding.waiver is not None, -finding.excess, -finding.verdict, finding.is_stress,
            finding.step if finding.step is not None else math.inf)


@dataclass(frozen=True)
class Comparison:
    """One variant of one environment against one baseline.

    Args:
        observed: environment that was measured.
        against: ``baseline``, ``previous``, ``reference`` or ``named``.
        baseline: environment it is compared with.
        problem: why it could not be compared; for verdicts missing and error.
        evidence: which records tell, where it is not the run and the baseline.
    """

    case: str
    variant: str
    observed: str
    against: str
    baseline: str
    findings: Sequence[Finding] = ()
    problem: str = ""
    problem_verdict: Verdict = Verdict.ERROR
    evidence: str = ""

    @property
    def key(self) -> Key:
        """What is compared with what."""
        return self.case, self.variant, self.observed, self.against, self.baseline

    @property
    def verdict(self) -> Verdict:
        """The worst finding's verdict."""
        if self.problem:
            return self.problem_verdict
        return max((f.verdict for f in self.findings), default=Verdict.IDENTICAL)

    @property
    def side(self) -> str:
        """What it is compared with: ``baseline``, ``previous torch-2.12.1``, ``reference``."""
        if self.baseline in (self.observed, self.against):
            return self.against
        return self.baseline if self.against == "named" else f"{self.against} {self.baseline}"

    @property
    def open_findings(self) -> list[Finding]:
        """The differences that no waiver covers."""
        return [f for f in self.findings if f.verdict.is_difference and f.waiver is None]

    @property
    def waivers(self) -> list[Waiver]:
        """The waivers that cover its differences."""
        return list(dict.fromkeys(f.waiver for f in self.findings if f.waiver is not None))

    @property
    def is_waived(self) -> bool:
        """Whether it differs, and waivers cover all of that."""
        return self.verdict.is_difference and not self.open_findings

    @property
    def differences(self) -> list[Finding]:
        """What differs, waived or not."""
        return [f for f in self.findings if f.verdict.is_difference]

    @property
    def cause(self) -> Finding | None:
        """The difference that tells the phase."""
        return cause(self.findings)

    @property
    def worst(self) -> Finding | None:
        """The difference to show."""
        return worst(self.findings)

    @property
    def rank(self) -> tuple[bool, bool, Verdict, float]:
        """How bad it is beside other comparisons: problems, then what is open, then the rest."""
        shown = self.worst
        return (bool(self.problem), bool(self.open_findings), self.verdict,
                shown.excess if shown else 0.0)


def tally(comparisons: Iterable[Comparison]) -> Counter[Verdict]:
    """Return how many comparisons have each verdict, those that are waived left out."""
    return Counter(c.verdict for c in comparisons if not c.is_waived)
