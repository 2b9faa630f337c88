"""Two sides of one variant, how far apart they are, and how far they may be.

Outside half.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.records.record import CURVES, Trajectory, VariantRecord
from harness.vocabulary.case import Case, Variant

Array = NDArray[np.float64]

IDENTICAL, EQUIVALENT, IMPLEMENTATION = 1e-12, 1e-9, 1e-4
"""Bounds on a float64 deviation: identical, equivalent, drift by another
implementation; above the last one behaviour changed. Measured: torch 1.12 to 2.13
agree to 3e-16, TensorFlow 2.0 to 2.16 to 2e-16, TensorFlow 2.11's new Adam differs
by 4e-6."""
FACTOR, FLOOR = 3.0, 2.0**-23
"""float32 allowance: FACTOR * (envelope + FLOOR); FLOOR is one ulp of 1.

Measured over 24 torch releases on the worst case known, a causal transformer under
Adam: the largest harmless ratio is 1.02. Where the perturbed runs all round to the
same loss the envelope is 0, and two ways of adding up one batch differ by up to two
half ulps (measured: xor, init 7); so the floor is a whole one."""
CHAOS = {"float64": 1e-9, "float32": 3e-4}
"""A trajectory is chaotic where rounding alone moves one of its curves (in float32: its loss) by
this much: from there on the envelope grows too fast to be a bound (measured in float32 on a
transformer under oneDNN's kernels: at most 0.56 of the allowance before, 2.4 soon after; in
float64 on a deep decoder under two TensorFlow releases: below 1 before, 3 soon after), and a
wider one would see nothing. The other precision and probes decide."""
LEAD = {"float64": 5.0, "float32": 2.0}
"""A trajectory that becomes chaotic is judged up to where rounding alone moves it by this part of
``CHAOS``: another machine rounds at every step, the perturbed runs at the first one only, and an
amplified rounding outgrows every multiple of the envelope soon (measured under other kernels, libm
and threads: 4 times as large as the envelope six steps before a float64 trajectory is chaotic; up
to 0.7 of the float32 allowance in the last step before)."""


Memory = dict[Hashable, Any]
"""What was computed of something that stays as it is, by what was asked."""
Value = TypeVar("Value")


def _forgetful() -> tuple[Memory, Memory, Memory]:
    return {}, {}, {}


@dataclass(frozen=True)
class Pair:
    """Observed and baseline of one variant, and the reference's envelopes by precision.

    Args:
        reference: the reference's record of the variant, of which the envelopes are.
        other_class: in words, that the sides were measured on two classes of machine.
        memories: of observed, baseline and envelopes; another pair with one of them may
            have been given the same memory.
    """

    case: Case
    variant: Variant
    observed: VariantRecord
    baseline: VariantRecord
    envelopes: Mapping[str, Mapping[str, Sequence[float]]]
    reference: VariantRecord | None = None
    other_class: str = ""
    memories: tuple[Memory, Memory, Memory] = field(default_factory=_forgetful, compare=False,
                                                    repr=False)

    def of_both(self, what: Hashable, compute: Callable[[VariantRecord], Value]
                ) -> tuple[Value, Value]:
        """Return what is computed of observed and of baseline, of each but once.

        Args:
            what: a name for it, with all that it depends on beside the record.
        """
        return (_remembered(self.memories[0], what, partial(compute, self.observed)),
                _remembered(self.memories[1], what, partial(compute, self.baseline)))

    def trajectories(self, precision: str) -> tuple[Trajectory, Trajectory] | None:
        """Return both trajectories in a precision, or None if one was not measured."""
        if precision in self.observed.trajectories and precision in self.baseline.trajectories:
            return self.observed.trajectories[precision], self.baseline.trajectories[precision]
        return None

    def deviation(self, precision: str, curve: str) -> Array:
        """Return how far the observed curve is from the baseline's at every step."""
        return deviation(*self.of_both((precision, curve), lambda side: _array(
            getattr(side.trajectories[precision], curve), precision)), precision)

    def agrees_with_reference(self, precision: str, curves: Sequence[str]) -> bool:
        """Return whether the observed trajectory is the reference's, within the allowance."""
        if self.reference is None or precision not in self.reference.trajectories:
            return False
        mine, right = (side.trajectories[precision] for side in (self.observed, self.reference))
        shared = [name for name in shared_curves(mine, right) if name in curves]
        end = self.chaotic_from(precision)
        return bool(shared) and all(
            (deviation(getattr(mine, name), getattr(right, name), precision)[:end]
             <= self.allowance(precision, name)[:end]).all() for name in shared)

    def allowance(self, precision: str, curve: str, floor: float = EQUIVALENT) -> Array:
        """Return the allowed relative deviation at every step.

        Args:
            floor: smallest one in float64.

        Raises:
            HarnessError: the reference has no envelope for this variant.
        """
        envelope = self.envelopes.get(precision)
        if precision == "float64":
            steps = len(self.observed.trajectories[precision].loss)
            learned = np.zeros(steps) if envelope is None \
                else FACTOR * self._envelope(precision, curve)
            return np.maximum(learned, floor)
        if envelope is None:
            raise HarnessError("no envelope to learn the float32 allowance from",
                               f"{self.case.name} {self.variant.name}",
                               next_command="tox run -e reference, then harness accept reference")
        return FACTOR * (self._envelope(precision, curve) + FLOOR)

    def _envelope(self, precision: str, curve: str) -> Array:
        """Return an envelope of the reference as an array."""
        return _remembered(self.memories[2], ("envelope", precision, curve),
                           lambda: np.asarray(self.envelopes[precision][curve]))

    def chaotic_from(self, precision: str) -> int | None:
        """Return the first step at which the trajectory is chaotic."""
        return _remembered(self.memories[2], ("chaotic from", precision),
                           lambda: self._chaotic_from(precision))

    def _chaotic_from(self, precision: str) -> int | None:
        envelope = self.envelopes.get(precision)
        if envelope is None:
            return None
        curves = CURVES if precision == "float64" else ("loss",)
        widest = np.max([np.asarray(envelope[curve]) for curve in curves], 0)
        if not (widest > CHAOS[precision]).any():
            return None
        return int((widest > CHAOS[precision] / LEAD[precision]).argmax())


def _remembered(memory: Memory, what: Hashable, compute: Callable[[], Value]) -> Value:
    if what not in memory:
        memory[what] = compute()
    value: Value = memory[what]
    return value


def envelopes(reference: VariantRecord) -> dict[str, Mapping[str, Sequence[float]]]:
    """Return the envelopes that the reference's record has, by precision."""
    return {precision: trajectory.envelope
            for precision, trajectory in reference.trajectories.items()
            if trajectory.envelope is not None}


def deviation(observed: Sequence[float] | Array, baseline: Sequence[float] | Array,
              precision: str) -> Array:
    """Return |observed - baseline| / max(1, |baseline|) at every step.

    Two values that are both NaN, or infinite alike, do not deviate; one of them
    alone deviates infinitely.
    """
    o, b = _array(observed, precision), _array(baseline, precision)
    with np.errstate(invalid="ignore"):
        relative = np.abs(o - b) / np.maximum(1, np.abs(b))
    same = (o == b) | (np.isnan(o) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isfinite(relative), relative, np.inf))


def _array(curve: Sequence[float] | Array, precision: str) -> Array:
    """Return a curve as it was in its precision."""
    return np.asarray(np.asarray(curve, precision), np.float64)


def shared_curves(observed: Trajectory, baseline: Trajectory) -> list[str]:
    """Return the curves that both trajectories have."""
    return [name for name in CURVES
            if getattr(observed, name) is not None and getattr(baseline, name) is not None]
