"""Health: whether a trajectory keeps a case's promises.

Outside half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.case import LossFalls, MetricReaches, Promise, StaysFinite
from harness.record import Trajectory


@dataclass(frozen=True)
class Health:
    """Whether a promise is kept, the number that decides, and the words for it.

    Args:
        step: where it is decided, or broken first.
    """

    kept: bool
    value: float
    words: str
    step: int | None = None


def evaluate(promise: Promise, trajectory: Trajectory) -> Health | None:
    """Return whether the trajectory keeps the promise; None if it was not measured."""
    if isinstance(promise, StaysFinite):
        return _stays_finite(trajectory)
    if isinstance(promise, LossFalls):
        return _loss_falls(trajectory)
    assert isinstance(promise, MetricReaches)
    return _metric_reaches(promise, trajectory)


def _stays_finite(trajectory: Trajectory) -> Health:
    broken = np.flatnonzero(~np.isfinite(trajectory.loss))
    if trajectory.nonfinite_from is not None:
        step = trajectory.nonfinite_from
        return Health(False, step, f"parameters not finite after step {step}", step)
    if broken.size:
        step = int(broken[0])
        return Health(False, step, f"loss not finite at step {step}", step)
    return Health(True, len(trajectory.loss), "loss and parameters finite")


def _loss_falls(trajectory: Trajectory) -> Health:
    loss = np.asarray(trajectory.loss, np.float64)
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
