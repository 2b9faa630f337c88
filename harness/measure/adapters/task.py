"""What an adapter is given and returns: a task, a step of it, its training, its trace.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Sequence

import numpy as np

from harness.records.record import Trajectory
from harness.vocabulary.case import Batch, Batches, Case, Variant
from harness.vocabulary.metrics import evaluation_steps, tabulate
from harness.vocabulary.padding import left

Tensors = Dict[str, np.ndarray]
"""Arrays by parameter, ``<layer>.<part>``, in the vocabulary's shapes and order."""
HELD = 2**21
"""Numbers that a trace holds before it reduces them to norms."""


@dataclass(frozen=True)
class Task:
    """One training: what an adapter is given.

    Args:
        precision: ``"float64"`` or ``"float32"``; batches and weights have it,
            tokens stay int64.
        weights: the initial ones.
    """

    case: Case
    variant: Variant
    precision: str
    batches: Batches
    weights: Tensors

    @property
    def evaluation_steps(self) -> tuple[int, ...]:
        """Steps before which to predict the evaluation set; the last is the end."""
        return tuple(evaluation_steps(self.batches.steps, self.case.metric_every))


@dataclass(frozen=True)
class Step:
    """One training step from given weights, with a new optimizer, tensor by tensor.

    Args:
        outputs: of the model; probabilities where it ends in an activation, which is
            (batch, 1) for a sigmoid and (batch, 2) for a softmax, otherwise logits.
        loss: before the update.
        output_gradient: of the loss by the logits (batch, length, vocabulary);
            sequences only.
        gradients: of every parameter, before clipping.
        updates: of every parameter, after minus before.
    """

    outputs: np.ndarray
    loss: float
    output_gradient: np.ndarray | None
    gradients: Tensors
    updates: Tensors


class Training:
    """A native model, loss and optimizer, built once and used from several weights.

    What an adapter's ``build`` returns. It trains one batch a step; everything that
    it was given stays as it was.
    """

    def train(self) -> Trajectory:
        """Train the task from its initial weights; return the trajectory."""
        raise NotImplementedError

    def probe(self, weights: Tensors, batch: Batch) -> Step:
        """Take one step from other weights on a batch, with a new optimizer's state."""
        raise NotImplementedError

    def loss(self, weights: Tensors, batch: Batch) -> float:
        """Return the loss of a batch of any size, without a step."""
        raise NotImplementedError

    def sample(self, weights: Tensors, batch: Batch, seed: int, passes: int) -> list[Tensors]:
        """Return the gradients of several passes in training mode, after seeding; no updates."""
        raise NotImplementedError

    def stream(self) -> tuple[str, str | None]:
        """Return the name of the random stream of dropout here, and the host if that decides it."""
        raise NotImplementedError


class Trace:
    """What a training loop keeps, reduced to norms as it goes.

    Args:
        stack: turns a list of rows into one array (rows, columns).
    """

    def __init__(self, task: Task, stack: Callable[[Sequence[Any]], np.ndarray]) -> None:
        self.task = task
        self.stack = stack
        self.rows: list[Any] = []
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.updates: list[float] = []
        self.last: np.ndarray | None = None
        self.nonfinite_from: int | None = None
        size = sum(value.size for value in task.weights.values())
        self.every = max(1, HELD // (2 * size + 1))

    def add(self, row: Any) -> None:
        """Keep one step: loss, all gradients before clipping, all parameters before it."""
        self.rows.append(row)
        if len(self.rows) >= self.every:
            self.flush()

    def flush(self) -> None:
        """Reduce the rows that are held."""
        if self.rows:
            self.reduce(self.stack(self.rows))
            self.rows = []

    def reduce(self, rows: np.ndarray) -> None:
        """Keep several steps, (steps, columns), each as ``add`` takes it."""
        gradients, states = np.split(rows[:, 1:], 2, axis=1)
        self.losses += rows[:, 0].tolist()
        self.norms += np.linalg.norm(gradients, axis=1).tolist()
        self._move(states)

    def _move(self, states: np.ndarray) -> None:
        if self.last is not None:
            states = np.vstack([self.last[None], states])
        self.updates += np.linalg.norm(np.diff(states, axis=0), axis=1).tolist()
        broken = np.flatnonzero(~np.isfinite(states).all(axis=1))
        if broken.size and self.nonfinite_from is None:
            first = len(self.updates) - len(states) + int(broken[0])
            self.nonfinite_from = max(0, first)
        self.last = states[-1].copy()

    def finish(self, end: np.ndarray, predictions: Sequence[np.ndarray],
               reported: dict[str, list[float]] | None = None) -> Trajectory:
        """Return the trajectory.

        Args:
            end: all parameters after the last step, flat.
            predictions: model outputs on the evaluation set at each evaluation step,
                probabilities of the positive class (examples, 1) or logits (examples,
                length, vocabulary).
            reported: the framework's own metrics at these steps.
        """
        self.flush()
        self._move(np.asarray(end)[None])
        evaluation = self.task.batches.evaluation
        steps = self.task.evaluation_steps
        return Trajectory(
            loss=self.losses, gradient_norm=self.norms, update_norm=self.updates,
            metrics=tabulate(self.task.case.metrics, steps, predictions, evaluation),
            reported=reported, nonfinite_from=self.nonfinite_from)


def prepare(case: Case, variant: Variant, precision: str, batches: Batches,
            weights: Tensors) -> Task:
    """Return a task with data and weights in the asked precision, padded as asked."""
    evaluation = batches.evaluation
    if variant.padding == "left":
        batches, evaluation = left(batches), left(evaluation)
    ready = Batches(inputs=tuple(_cast(x, precision) for x in batches.inputs),
                    targets=_cast(batches.targets, precision),
                    mask=None if batches.mask is None else _cast(batches.mask, precision),
                    evaluation=cast(evaluation, precision))
    return Task(case, variant, precision, ready,
                {name: value.astype(precision) for name, value in weights.items()})


def cast(batch: Batch, precision: str) -> Batch:
    """Return a batch in the asked precision; tokens stay as they are."""
    return Batch(tuple(_cast(x, precision) for x in batch.inputs),
                 _cast(batch.targets, precision),
                 None if batch.mask is None else _cast(batch.mask, precision))


def _cast(array: np.ndarray, precision: str) -> np.ndarray:
    return array.astype(precision) if array.dtype.kind == "f" else array
