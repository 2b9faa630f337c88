"""The checks: plain functions ``check_<claim>(pair) -> list[Finding]``.

Outside half. A check states what it found, harmless or not; what is done about
it is decided elsewhere. ``CHECKS`` is the list of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.case import PRECISIONS, Case, Variant
from harness.errors import HarnessError
from harness.finding import Finding, Verdict
from harness.health import evaluate
from harness.record import CURVES, Trajectory, VariantRecord

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


@dataclass(frozen=True)
class Pair:
    """Observed and baseline of one variant, and the reference's envelope."""

    case: Case
    variant: Variant
    observed: VariantRecord
    baseline: VariantRecord
    envelope: Mapping[str, list[float]] | None

    def trajectories(self, precision: str) -> tuple[Trajectory, Trajectory] | None:
        """Return both trajectories in a precision, or None if one was not measured."""
        if precision in self.observed.trajectories and precision in self.baseline.trajectories:
            return self.observed.trajectories[precision], self.baseline.trajectories[precision]
        return None

    def allowance(self, precision: str, curve: str) -> Array:
        """Return the allowed relative deviation at every step.

        Raises:
            HarnessError: the reference has no envelope for this variant.
        """
        if precision == "float64":
            steps = len(self.observed.trajectories[precision].loss)
            return np.full(steps, EQUIVALENT)
        if self.envelope is None:
            raise HarnessError("no envelope to learn the float32 allowance from",
                               f"{self.case.name} {self.variant.name}",
                               next_command="tox run -e reference, then harness accept reference")
        return FACTOR * (np.asarray(self.envelope[curve]) + FLOOR)


def deviation(observed: list[float], baseline: list[float], precision: str) -> Array:
    """Return |observed - baseline| / max(1, |baseline|) at every step.

    Two values that are both NaN, or infinite alike, do not deviate; one of them
    alone deviates infinitely.
    """
    o = np.asarray(observed, precision).astype(np.float64)
    b = np.asarray(baseline, precision).astype(np.float64)
    with np.errstate(invalid="ignore"):
        relative = np.abs(o - b) / np.maximum(1, np.abs(b))
    same = (o == b) | (np.isnan(o) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isfinite(relative), relative, np.inf))


def shared_curves(observed: Trajectory, baseline: Trajectory) -> list[str]:
    """Return the curves that both trajectories have."""
    return [name for name in CURVES
            if getattr(observed, name) is not None and getattr(baseline, name) is not None]


def check_float64_trajectory(pair: Pair) -> list[Finding]:
    """Loss, gradient norm and update norm agree at every step in float64."""
    sides = pair.trajectories("float64")
    if sides is None:
        return []
    curves = {name: deviation(getattr(sides[0], name), getattr(sides[1], name), "float64")
              for name in shared_curves(*sides)}
    largest = max(float(d.max()) for d in curves.values())
    if largest <= EQUIVALENT:
        verdict = Verdict.IDENTICAL if largest <= IDENTICAL else Verdict.EQUIVALENT
        return [Finding("float64_trajectory", verdict, f"float64 agrees to {largest:.1e}",
                        deviation=largest, allowance=EQUIVALENT, required=largest / EQUIVALENT)]
    name = min(curves, key=lambda n: _first(curves[n] > EQUIVALENT))
    step = _first(curves[name] > EQUIVALENT)
    change = "implementation changed" if largest <= IMPLEMENTATION else "behaviour changed"
    return [_differs("float64_trajectory", sides, name, step, largest, EQUIVALENT,
                     largest / EQUIVALENT, change)]


def check_float32_trajectory(pair: Pair) -> list[Finding]:
    """The float32 loss stays within what rounding alone can do to it."""
    sides = pair.trajectories("float32")
    if sides is None:
        return []
    deviations = deviation(sides[0].loss, sides[1].loss, "float32")
    allowance = pair.allowance("float32", "loss")
    with np.errstate(invalid="ignore"):  # infinite both: rounding alone can do that too
        ratio = np.nan_to_num(deviations / allowance, nan=0, posinf=np.inf)
    largest, required = float(deviations.max()), float(ratio.max())
    if required <= 1:
        verdict = Verdict.IDENTICAL if largest == 0 else Verdict.EQUIVALENT
        words = "is the same to the bit" if largest == 0 else f"agrees to {largest:.1e}"
        return [Finding("float32_trajectory", verdict, f"float32 {words}", deviation=largest,
                        allowance=float(allowance[int(ratio.argmax())]), required=required)]
    step = _first(deviations > allowance)
    return [_differs("float32_trajectory", sides, "loss", step, largest, float(allowance[step]),
                     required, "more than rounding")]


def check_health(pair: Pair) -> list[Finding]:
    """The observed run keeps every promise of the case that the baseline keeps."""
    findings = []
    for precision in PRECISIONS:
        sides = pair.trajectories(precision)
        for promise in pair.case.promises if sides else ():
            assert sides is not None
            observed, baseline = (evaluate(promise, side) for side in sides)
            if observed is None or baseline is None or observed.kept == baseline.kept:
                continue
            verdict = Verdict.IMPROVEMENT if observed.kept else Verdict.REGRESSION
            verb = "now keeps" if observed.kept else "breaks"
            findings.append(Finding(
                "health", verdict,
                f"{precision}: {verb} a promise: {observed.words}; baseline: {baseline.words}",
                step=observed.step, observed=observed.value, baseline=baseline.value))
    return findings


CHECKS = (check_float64_trajectory, check_float32_trajectory, check_health)


def _first(exceeds: NDArray[np.bool_]) -> int:
    """Return the first step at which a condition holds, or the number of steps."""
    return int(exceeds.argmax()) if exceeds.any() else len(exceeds)


def _differs(check: str, sides: tuple[Trajectory, Trajectory], curve: str, step: int,
             largest: float, allowance: float, required: float, change: str) -> Finding:
    observed, baseline = (getattr(side, curve)[step] for side in sides)
    words = curve.replace("_", " ")
    return Finding(
        check, Verdict.DRIFT,
        f"{change}: {words} {observed:.9g} instead of {baseline:.9g} at step {step}, "
        f"up to {largest:.1e} off", step=step, observed=observed, baseline=baseline,
        deviation=largest, allowance=allowance, required=required)
