"""Health: whether a variant's measurements keep a case's promises.

Outside half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.records.record import Drops, Trajectory, VariantRecord
from harness.vocabulary.case import CLAIMS, DropsOut, LossFalls, MetricReaches, Promise, StaysFinite

INVARIANCE = {"float64": 1e-12, "float32": 2.0**-20}
"""How much rounding may change a loss that should stay as it is."""
SPREAD = 5.0
"""Standard deviations by which a share may miss its expectation: chance alone does so once in
two million times."""
REPORTED = 1e-6
"""Largest difference of a reported metric: float32 counts and divides."""


@dataclass(frozen=True)
class Health:
    """Whether a promise is kept, the number that decides, and the words for it.

    Args:
        step: where it is decided, or broken first.
        phase: where the kind of promise tells it.
    """

    kept: bool
    value: float
    words: str
    step: int | None = None
    phase: str | None = None


def evaluate(promise: Promise, variant: VariantRecord, precision: str) -> Health | None:
    """Return whether a variant keeps the promise; None if that was not measured."""
    if type(promise) in CLAIMS:
        return _stays_invariant(CLAIMS[type(promise)], variant.invariances.get(precision, {}),
                                precision)
    if isinstance(promise, DropsOut):
        drops = variant.drops.get(precision)
        return None if drops is None else _drops_out(drops, INVARIANCE[precision])
    trajectory = variant.trajectories[precision]
    if isinstance(promise, StaysFinite):
        return _stays_finite(trajectory, precision)
    if isinstance(promise, LossFalls):
        return _loss_falls(trajectory, precision)
    assert isinstance(promise, MetricReaches)
    return _metric_reaches(promise, trajectory)


def _stays_invariant(claims: tuple[str, ...], figures: dict[str, float],
                     precision: str) -> Health | None:
    """A gradient of padding must be 0 exactly, every other change 0 but for rounding."""
    if not figures:
        return None
    for claim in claims:
        bound = 0.0 if claim == "padding_gradient" else INVARIANCE[precision]
        value, words = figures[claim], claim.replace("_", " ")
        if not value <= bound:
            return Health(False, value, f"{words} {value:.2g} is more than {bound:.2g}", 0)
    return Health(True, max(figures[claim] for claim in claims), f"no change by {claims[0]}", 0)


def _drops_out(drops: Drops, rounding: float) -> Health:
    """Shares may vary by chance alone, factors by rounding alone.

    Two consecutive passes treat a unit alike with probability q = p^2 + (1 - p)^2; shares of
    pairs that have a pass in common vary a little more than those of independent ones.
    """
    p, scale = drops.rate, 1 / (1 - drops.rate)
    q, thrice = p**2 + (1 - p)**2, p**3 + (1 - p)**3
    pairs = drops.count * (drops.passes - 1) / drops.passes
    share = SPREAD * (p * (1 - p) / drops.count)**0.5
    alike = SPREAD * ((q * (1 - q) + 2 * (thrice - q**2)) / pairs)**0.5
    for value, wanted, bound, phase, words in (
            (drops.dropped, p, share, "forward", "share of units dropped"),
            (drops.agreeing, q, alike, "forward", "share of units that two passes treat alike"),
            (drops.spread, 0.0, rounding, "forward",
             f"factor on a unit kept, {drops.scale:.4g} instead of {scale:.4g}: relative error"),
            (drops.mismatch, 0.0, rounding, "gradient",
             "factors on the way forth and back: relative difference")):
        if not abs(value - wanted) <= bound:
            return Health(False, value, f"dropout {p:g}: {words} {value:.3g}, expected "
                                        f"{wanted:.3g} within {bound:.2g}", 0, phase)
    return Health(True, drops.dropped, f"dropout {p:g} drops {drops.dropped:.3g}, scales by "
                                       f"{drops.scale:.4g}, alike on the way back", 0)


def _stays_finite(trajectory: Trajectory, precision: str) -> Health:
    broken = np.flatnonzero(~np.isfinite(np.asarray(trajectory.loss, precision)))
    if trajectory.nonfinite_from is not None:
        step = trajectory.nonfinite_from
        return Health(False, step, f"parameters not finite after step {step}", step)
    if broken.size:
        step = int(broken[0])
        return Health(False, step, f"loss not finite at step {step}", step)
    return Health(True, len(trajectory.loss), "loss and parameters finite")


def _loss_falls(trajectory: Trajectory, precision: str) -> Health:
    loss = np.asarray(trajectory.loss, precision).astype(np.float64)
    tenth = max(1, len(loss) // 10)
    first, last = float(loss[:tenth].mean()), float(loss[-tenth:].mean())
    verb = "falls" if last < first else "does not fall"
    return Health(last < first, last, f"loss {verb}, {first:.4g} to {last:.4g}", len(loss) - 1)


def _metric_reaches(promise: MetricReaches, trajectory: Trajectory) -> Health | None:
    values = trajectory.metrics.get(promise.metric)
    if not values:
        return None
    verb = "reaches" if values[-1] >= promise.minimum else "ends below"
    return Health(values[-1] >= promise.minimum, values[-1],
                  f"{promise.metric} {values[-1]:.3g} {verb} {promise.minimum:g}",
                  int(trajectory.metrics["step"][-1]))


def misreported(trajectory: Trajectory) -> tuple[str, int, float, float] | None:
    """Return metric, step, reported and computed value where they first differ, if they do."""
    reported, computed = trajectory.reported or {}, trajectory.metrics
    for row, step in enumerate(reported.get("step", [])):
        for name in reported.keys() & computed.keys() - {"step"}:
            said, real = reported[name][row], computed[name][computed["step"].index(step)]
            if not abs(said - real) <= REPORTED:
                return name, int(step), said, real
    return None
