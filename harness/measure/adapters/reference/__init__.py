"""The reference as an adapter: NumPy, float64 and float32, and the envelope.

The mathematics is plain NumPy, independent of every framework.
Parameters carry a leading axis of runs, so that one pass trains a run and its
perturbed copies together: kernel (runs, inputs, units), bias (runs, units).
Activations carry it too, or 1 in its place where no parameter came before.
Gradients are derived by hand; the tests check them against finite differences.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from harness.measure.adapters.reference import training
from harness.measure.adapters.reference.model import Factors
from harness.measure.adapters.task import Step, Task, Tensors, Training
from harness.records.record import Trajectory
from harness.vocabulary.case import Batch
from harness.vocabulary.layers import Dense, Dropout, Layer
from harness.vocabulary.metrics import tabulate

PACKAGES = ("numpy",)
COPIES = 8
"""Perturbed runs from which an allowance is learned."""
ULPS = 8
"""Last bits by which their initial weights are changed. One is enough while nothing but the
order of sums differs; but kernels differ by several (measured: oneDNN limited to SSE4.1), and
a relu that such a difference carries over its kink moves the loss by more than one did."""
NEGLIGIBLE = 1e-10
"""A float64 envelope is kept where it exceeds this: no fixed bound is as tight."""


def describe() -> dict[str, Any]:
    """Return the settings that could change the numbers."""
    return {"perturbed_copies": COPIES, "perturbed_ulps": ULPS}


def build(task: Task) -> Training:
    """Return the task's training in NumPy."""
    return Reference(task)


class Reference(Training):
    """A variant's mathematics, trained together with its perturbed copies."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def train(self) -> Trajectory:
        """Train one run, and beside it the perturbed copies."""
        task = self.task
        runs = training.train(task, training.perturb(task.weights, COPIES, ULPS))
        curves = {"loss": runs.losses, "gradient_norm": runs.gradient_norms,
                  "update_norm": runs.update_norms}
        envelope = {name: training.envelope(curve) for name, curve in curves.items()}
        matters = task.precision == "float32" or \
            any(curve[-1] > NEGLIGIBLE for curve in envelope.values())
        return Trajectory(
            **{name: curve[:, 0].tolist() for name, curve in curves.items()},
            metrics=tabulate(task.case.metrics, task.evaluation_steps,
                             [prediction[0] for prediction in runs.predictions],
                             task.batches.evaluation),
            nonfinite_from=runs.nonfinite_from, envelope=envelope if matters else None)

    def probe(self, weights: Tensors, batch: Batch) -> Step:
        """Take one step from other weights on a batch, with a new optimizer's state."""
        steps = training.step(self.task.variant, _one_run(weights), batch)
        gradient = steps.output_gradient
        return Step(steps.outputs[0], float(steps.losses[0]),
                    None if gradient is None else gradient[0],
                    {name: value[0] for name, value in steps.gradients.items()},
                    {name: value[0] for name, value in steps.updates.items()})

    def loss(self, weights: Tensors, batch: Batch) -> float:
        """Return the loss of a batch of any size, without a step."""
        return float(training.loss(self.task.variant, _one_run(weights), batch)[0])

    def sample(self, weights: Tensors, batch: Batch, seed: int, passes: int) -> list[Tensors]:
        """Return the gradients of several passes in training mode, after seeding; no updates."""
        random, variant, found = np.random.RandomState(seed), self.task.variant, []
        for _ in range(passes):
            drawn = replace(variant, layers=_draw(variant.layers, random, self.task.precision))
            steps = training.step(drawn, _one_run(weights), batch)
            found.append({name: value[0] for name, value in steps.gradients.items()})
        return found

    def stream(self) -> tuple[str, str | None]:
        """Return the name of the random stream of dropout, which no host decides."""
        return "numpy", None


def _draw(layers: tuple[Layer, ...], random: np.random.RandomState,
          precision: str) -> tuple[Any, ...]:
    """Return the layers with the factors of every dropout drawn, behind dense layers."""
    drawn: list[Any] = []
    for layer in layers:
        if isinstance(layer, Dropout):
            behind = drawn[-1]
            assert isinstance(behind, Dense)
            kept = random.random_sample(behind.units) >= layer.rate
            drawn.append(Factors((kept / (1 - layer.rate)).astype(precision)))
        else:
            drawn.append(layer)
    return tuple(drawn)


def _one_run(weights: Tensors) -> Tensors:
    return {name: value[None] for name, value in weights.items()}
