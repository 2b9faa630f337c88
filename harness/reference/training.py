"""Training a run and its perturbed copies side by side, and their envelope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.adapters import Task
from harness.reference.loss import loss_and_gradient, probabilities
from harness.reference.model import Parameters, backward, forward, split_output
from harness.reference.optimizer import Updater, clip_gradients


@dataclass
class Runs:
    """What training kept of every run.

    Args:
        losses: (steps, runs).
        gradients: before clipping, flat, (steps, runs, parameters).
        states: before each step and at the end, flat, (steps + 1, runs, parameters).
        predictions: (runs, examples, 1) at each evaluation step.
    """

    losses: np.ndarray
    gradients: np.ndarray
    states: np.ndarray
    predictions: list[np.ndarray]


def perturb(weights: Parameters, copies: int) -> Parameters:
    """Return the weights and copies of them, each value times 1 - or + 2**-23.

    Args:
        weights: arrays without a leading axis of runs.
        copies: number of perturbed copies; run 0 is the original.
    """
    random = np.random.RandomState(0)  # a stream that NumPy never changes
    runs = {}
    for name, value in weights.items():
        signs = random.choice([-1.0, 1.0], size=(copies, *value.shape))
        factors = np.concatenate([np.ones((1, *value.shape)), 1 + signs * 2.0**-23])
        runs[name] = (value * factors).astype(value.dtype)
    return runs


def train(task: Task, parameters: Parameters) -> Runs:
    """Train all runs, one batch a step.

    Args:
        parameters: with a leading axis of runs; updated in place.
    """
    variant, batches = task.variant, task.batches
    layers, activation = split_output(variant.layers)
    updater = Updater(variant.optimizer, parameters)
    start = _flat(parameters)
    evaluation_steps = set(task.evaluation_steps)
    kept = Runs(np.empty((batches.steps, len(start)), start.dtype),
                np.empty((batches.steps, *start.shape), start.dtype),
                np.empty((batches.steps + 1, *start.shape), start.dtype), [])

    def predict() -> None:
        output = forward(layers, parameters, batches.evaluation_inputs)[-1]
        kept.predictions.append(probabilities(activation, output))

    for step in range(batches.steps):
        if step in evaluation_steps:
            predict()
        kept.states[step] = _flat(parameters)
        values = forward(layers, parameters, [x[step] for x in batches.inputs])
        kept.losses[step], gradient = loss_and_gradient(variant.loss, values[-1],
                                                        batches.targets[step])
        gradients = backward(layers, parameters, values, gradient)
        kept.gradients[step] = _flat(gradients)
        updater.update(parameters, clip_gradients(variant.clip, gradients))
    kept.states[-1] = _flat(parameters)
    predict()
    return kept


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
    return np.concatenate([p.reshape(len(p), -1) for p in parameters.values()], axis=1)
