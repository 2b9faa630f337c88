"""Adapters: the only code that knows a framework; one module each.

Inside half. An adapter module is named as the flag, the tox factor and the
results prefix are, imports its framework when it is imported itself, and has

- ``PACKAGES``: the distributions whose versions decide how training behaves;
- ``train(task) -> Trajectory``: train natively, one batch a step, from the
  injected weights. Raises ``UnsupportedError`` for what it cannot express;
- ``describe() -> dict``: threads and other settings, for the provenance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.case import Batches, Case, Variant
from harness.errors import HarnessError, unknown
from harness.metrics import evaluation_steps, tabulate
from harness.record import Trajectory

FAMILIES: dict[str, tuple[str, str]] = {
    "reference": ("reference", ""),
    "torch": ("torch", "torch"),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "keras": ("tensorflow", "keras"),
}
"""Environment family -> its adapter, and the distribution that has its version."""


@dataclass(frozen=True)
class Task:
    """One training: what an adapter is given.

    Args:
        precision: ``"float64"`` or ``"float32"``; batches and weights have it.
        weights: by ``<layer>.kernel`` (inputs, units) and ``<layer>.bias`` (units,).
    """

    case: Case
    variant: Variant
    precision: str
    batches: Batches
    weights: dict[str, np.ndarray]

    @property
    def evaluation_steps(self) -> tuple[int, ...]:
        """Steps before which to predict the evaluation set; the last is the end."""
        return tuple(evaluation_steps(self.batches.steps, self.case.metric_every))

    def trajectory(self, losses: Any, gradients: Any, states: Any,
                   predictions: Any) -> Trajectory:
        """Return the trajectory from what a training loop kept.

        Args:
            losses: (steps,).
            gradients: all gradients before clipping, flat, (steps, parameters).
            states: all parameters before each step and at the end, flat,
                (steps + 1, parameters).
            predictions: probabilities (examples, 1) at each evaluation step.
        """
        states = np.asarray(states)
        broken = np.flatnonzero(~np.isfinite(states[1:]).all(axis=1))
        return Trajectory(
            loss=np.asarray(losses).tolist(),
            gradient_norm=np.linalg.norm(np.asarray(gradients), axis=1).tolist(),
            update_norm=np.linalg.norm(np.diff(states, axis=0), axis=1).tolist(),
            metrics=tabulate(self.case.metrics, self.evaluation_steps, predictions,
                             self.batches.evaluation_targets),
            nonfinite_from=int(broken[0]) if broken.size else None,
        )


def family(environment: str) -> str:
    """Return the environment's family, ``torch`` of ``torch-2.13.0``."""
    name = environment.split("-", 1)[0]
    if name not in FAMILIES:
        raise unknown("environment", environment, [f"{f}-VERSION" for f in FAMILIES])
    return name


def load(environment: str) -> Any:
    """Import and return the adapter module of an environment.

    Raises:
        HarnessError: its framework does not import; the cause is kept.
    """
    import importlib

    name = FAMILIES[family(environment)][0]
    try:
        return importlib.import_module(f"harness.adapters.{name}")
    except Exception as error:
        raise HarnessError(f"the framework of {environment} does not import",
                           numbers=f"{type(error).__name__}: {error}",
                           next_command=f"tox run -r -e {environment}") from error


def prepare(case: Case, variant: Variant, precision: str, batches: Batches,
            weights: dict[str, np.ndarray]) -> Task:
    """Return a task with data and weights in the asked precision."""
    def cast(arrays: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        return tuple(array.astype(precision) for array in arrays)

    ready = Batches(cast(batches.inputs), batches.targets.astype(precision),
                    cast(batches.evaluation_inputs), batches.evaluation_targets)
    return Task(case, variant, precision, ready,
                {name: value.astype(precision) for name, value in weights.items()})
