"""What a comparison of two runs of a program says: findings, notes, harm and the verdict.

Outside half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.compare.checks.finding import Verdict
from harness.errors import DIFFERENCE, FAILURE, MATCH, HarnessError


@dataclass(frozen=True)
class Cause:
    """One thing that differs, and all that follows from it counted.

    Args:
        channel: in which it begins; the phase.
        kind: ``value``, ``random stream``, ``structure``, ``precision`` or ``relation`` (the
            update that a gradient leads to).
        verdict: how bad it is; ``equivalent`` if it is only said.
        step: updates finished before it.
        tensor: name of the event; empty if it has none.
        module: path of the module it belongs to, and its class.
        occurrence: of the event in its step.
        deviation: relative to the baseline's norm or value; infinite if shapes differ or one
            side is not finite; None where there is nothing to measure.
        allowance: of the deviation.
        factor: the observed tensor is so many times the baseline's; None if it is not.
        pattern: what else sketches tell, in words; empty if nothing.
        observed, baseline: the values of a plain number.
        alike: other tensors of the same channel and step that are off as well.
        following: by channel, how many tensors are off later.
        proof: what is equal before it, in words.
        is_confirmed: whether it was seen again between runs from other weights; None if not tried.
        sentence: the cause in words.
    """

    channel: str
    kind: str
    verdict: Verdict
    sentence: str
    step: int | None = None
    tensor: str = ""
    module: str = ""
    module_class: str = ""
    occurrence: int = 0
    deviation: float | None = None
    allowance: float | None = None
    factor: float | None = None
    pattern: str = ""
    observed: float | None = None
    baseline: float | None = None
    alike: int = 0
    following: Mapping[str, int] = field(default_factory=dict)
    proof: str = ""
    is_confirmed: bool | None = None


@dataclass(frozen=True)
class Outcome:
    """What a difference does to the training as a whole.

    Args:
        verdict: regression, improvement or drift; equivalent if the curves agree.
        sentence: in words, with numbers.
        largest: relative difference of the losses, over all steps.
        final: relative difference of the losses at the end.
        envelope: the same between runs of the baseline.
        trains: whether the loss falls, on the observed side and on the baseline's.
    """

    verdict: Verdict
    sentence: str
    largest: float | None = None
    final: float | None = None
    envelope: float | None = None
    trains: tuple[bool | None, bool | None] = (None, None)


@dataclass(frozen=True)
class Judgement:
    """The verdict on a program under two sides.

    Args:
        causes: one for each cause, the first in causal order first.
        notes: what else is to be known, in sentences.
        outcome: None if nothing differs.
        problem: why nothing can be said; then there are no causes.
        compared: events that both sides have.
        updates: of the observed and the baseline's run.
        chaotic_from: step from which on runs from last bits are unlike.
        chance: how far an unchanged run of the baseline is off where it first differs, relative;
            0 if by no more than rounding.
        needs_weights: whether the observed side must be run from the baseline's weights to go on.
    """

    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()
    outcome: Outcome | None = None
    problem: HarnessError | None = None
    is_identical: bool = False
    compared: int = 0
    updates: tuple[int, int] = (0, 0)
    chaotic_from: int | None = None
    needs_weights: bool = False
    chance: float = 0.0

    @property
    def differences(self) -> list[Cause]:
        """The causes that are a difference; others are only said."""
        return [cause for cause in self.causes if cause.verdict.is_difference]

    @property
    def verdict(self) -> Verdict:
        """The worst of all, or error."""
        if self.problem is not None:
            return Verdict.ERROR
        if self.is_identical:
            return Verdict.IDENTICAL
        if not self.differences:
            return Verdict.EQUIVALENT
        worst = max(cause.verdict for cause in self.differences)
        return max(worst, self.outcome.verdict) if self.outcome else worst

    @property
    def exit_code(self) -> int:
        """0 match, 1 difference, 3 nothing can be said."""
        if self.problem is not None:
            return FAILURE
        return DIFFERENCE if self.verdict.is_difference else MATCH

    @property
    def first(self) -> Cause | None:
        """The cause to show: the first difference."""
        return next(iter(self.differences), None)

    @property
    def wants_again(self) -> bool:
        """Whether a second pair of runs should tell what differs from an accident of one."""
        return any(cause.is_confirmed is None and cause.kind in ("value", "relation")
                   and cause.channel not in ("initialisation", "data", "schedule")
                   for cause in self.differences)

    @property
    def capture_step(self) -> int | None:
        """The step of which whole tensors tell more; None where they do not."""
        return next((cause.step for cause in self.differences
                     if cause.kind in ("value", "random stream") and cause.tensor
                     and cause.channel in ("forward", "loss", "gradient", "update",
                                           "initialisation")),
                    None)

    @property
    def initialisation_differs(self) -> bool:
        """Whether the two sides begin with other weights."""
        return any(cause.channel == "initialisation" for cause in self.differences)

    @property
    def data_differs(self) -> bool:
        """Whether the two sides are given other data."""
        return any(cause.channel == "data" for cause in self.differences)
