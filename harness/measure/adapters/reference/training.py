"""Training a run and its perturbed copies side by side, and their envelope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

import numpy as np

from harness.measure.adapters.reference.activation import Parameters
from harness.measure.adapters.reference.loss import loss_and_gradient, outputs, predictions
from harness.measure.adapters.reference.model import backward, forward, split_output
from harness.measure.adapters.reference.optimizer import Updater, clip_gradients
from harness.measure.adapters.task import Task
from harness.vocabulary.case import Batch, Variant
from harness.vocabulary.losses import TokenCrossentropy


@dataclass
class Runs:
    """What training kept of every run.

    Args:
        losses: before each update, (steps, runs).
        gradient_norms: of all gradients together, before clipping, (steps, runs).
        update_norms: of all parameters' change, (steps, runs).
        predictions: of run 0 alone, (1, examples, ...), at each evaluation step.
        nonfinite_from: first step after which a parameter of run 0 is not finite.
    """

    losses: np.ndarray
    gradient_norms: np.ndarray
    update_norms: np.ndarray
    predictions: list[np.ndarray]
    nonfinite_from: int | None


@dataclass
class Steps:
    """One step of every run with a new optimizer; fields as in ``adapters.Step``, by run."""

    outputs: np.ndarray
    losses: np.ndarray
    output_gradient: np.ndarray | None
    gradients: Parameters
    updates: Parameters


class Model:
    """A variant's parameters of all runs as they are trained.

    They lie in one array (runs, numbers), for what does not tell them apart: norms and
    optimizers; the layers see views of it.
    """

    def __init__(self, variant: Variant, parameters: Parameters) -> None:
        self.variant = variant
        self.layers, self.activation = split_output(variant.layers)
        self.vector = _flat(parameters)
        self.parameters = _views(self.vector, parameters)
        self.updater = Updater(variant.optimizer, {"": self.vector})

    def predict(self, batch: Batch) -> np.ndarray:
        """Return run 0's predictions, (1, examples, ...)."""
        first = {name: value[:1] for name, value in self.parameters.items()}
        logits, _ = forward(self.layers, first, batch.inputs, batch.mask)
        return predictions(self.variant.loss, self.activation, logits)

    def differentiate(self, batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return logits, losses (runs,), and the gradients by logits and by all parameters."""
        logits, tape = forward(self.layers, self.parameters, batch.inputs, batch.mask)
        losses, by_logits = loss_and_gradient(self.variant.loss, logits, batch.targets, batch.mask)
        gradients = backward(self.layers, self.parameters, tape, by_logits)
        return logits, losses, by_logits, _flat(gradients)

    def update(self, gradients: np.ndarray) -> np.ndarray:
        """Take one step; return the parameters' change, (runs, numbers)."""
        before, clip = self.vector.copy(), self.variant.clip
        if clip is not None:
            gradients = _flat(clip_gradients(clip, _views(gradients, self.parameters)))
        self.updater.update({"": self.vector}, {"": gradients})
        return np.asarray(self.vector - before)


def perturb(weights: Parameters, copies: int, ulps: int = 1) -> Parameters:
    """Return the weights and copies of them, each value times 1 - or + some epsilons.

    Args:
        weights: arrays without a leading axis of runs, float64 (2**-52) or float32 (2**-23).
        copies: number of perturbed copies; run 0 is the original.
        ulps: by how many of the precision's epsilons they are perturbed.
    """
    random = np.random.RandomState(0)  # a stream that NumPy never changes
    runs = {}
    for name, value in weights.items():
        signs = random.choice([-1.0, 1.0], size=(copies, *value.shape))
        factors = np.concatenate([np.ones((1, *value.shape)),
                                  1 + signs * ulps * np.finfo(value.dtype).eps])
        runs[name] = (value * factors).astype(value.dtype)
    return runs


def train(task: Task, parameters: Parameters) -> Runs:
    """Train all runs, one batch a step.

    Args:
        parameters: with a leading axis of runs; not modified.
    """
    batches, evaluation_steps = task.batches, set(task.evaluation_steps)
    model = Model(task.variant, parameters)
    shape = (3, batches.steps, len(model.vector))
    losses, gradient_norms, update_norms = np.empty(shape, model.vector.dtype)
    kept = Runs(losses, gradient_norms, update_norms, [], None)
    for step in range(batches.steps):
        if step in evaluation_steps:
            kept.predictions.append(model.predict(batches.evaluation))
        _, losses[step], _, gradients = model.differentiate(batches[step])
        gradient_norms[step] = np.linalg.norm(gradients, axis=1)
        update_norms[step] = np.linalg.norm(model.update(gradients), axis=1)
        if kept.nonfinite_from is None and not np.isfinite(model.vector[0]).all():
            kept.nonfinite_from = step
    kept.predictions.append(model.predict(batches.evaluation))
    return kept


def step(variant: Variant, parameters: Parameters, batch: Batch) -> Steps:
    """Take one step of all runs on a batch, with a new optimizer's state.

    Args:
        parameters: with a leading axis of runs; not modified.
    """
    model = Model(variant, parameters)
    logits, losses, by_logits, gradients = model.differentiate(batch)
    tokens = isinstance(variant.loss, TokenCrossentropy)
    return Steps(outputs(model.activation, logits), losses, by_logits if tokens else None,
                 _views(gradients, parameters), _views(model.update(gradients), parameters))


def loss(variant: Variant, parameters: Parameters, batch: Batch) -> np.ndarray:
    """Return the loss of every run on a batch of any size, (runs,)."""
    layers, _ = split_output(variant.layers)
    logits, _ = forward(layers, parameters, batch.inputs, batch.mask)
    return loss_and_gradient(variant.loss, logits, batch.targets, batch.mask)[0]


def checkpoints(task: Task, steps: Iterable[int]) -> dict[int, Parameters]:
    """Return the parameters before each of the steps, without an axis of runs.

    Trains no further than the last of them; the number of batches is the end.

    Args:
        task: in float64, for the exact trajectory.
    """
    model = Model(task.variant, {name: value[None] for name, value in task.weights.items()})
    found, wanted = {}, sorted(set(steps))
    for index in range(wanted[-1] + 1 if wanted else 0):
        if index in wanted:
            found[index] = {name: value[0].copy() for name, value in model.parameters.items()}
        if index < wanted[-1]:
            model.update(model.differentiate(task.batches[index])[3])
    return found


def envelope(curve: np.ndarray) -> list[float]:
    """Return the running maximum of the perturbed runs' relative deviation.

    Args:
        curve: (steps, runs), run 0 unperturbed. A deviation is relative to the
            larger of 1 and the unperturbed value.
    """
    curve = curve.astype(np.float64)
    center = curve[:, :1]
    with np.errstate(invalid="ignore"):
        deviation = np.abs(curve - center) / np.maximum(1, np.abs(center))
    same = (curve == center) | (np.isnan(curve) & np.isnan(center))
    deviation = np.where(same, 0, np.where(np.isnan(deviation), np.inf, deviation))
    running: list[float] = np.maximum.accumulate(deviation.max(axis=1)).tolist()
    return running


def _flat(parameters: Parameters) -> np.ndarray:
    """Return all of them side by side, (runs, numbers), as a copy."""
    return np.concatenate([p.reshape(len(p), -1) for p in parameters.values()], axis=1)


def _views(vector: np.ndarray, like: Parameters) -> Parameters:
    """Return views of the vector with the names and shapes of other parameters."""
    views, start = {}, 0
    for name, value in like.items():
        stop = start + value[0].size
        views[name] = vector[:, start:stop].reshape(value.shape)
        start = stop
    return views
