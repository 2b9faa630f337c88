"""Optimizers, schedules and gradient clipping in NumPy."""

from __future__ import annotations

import numpy as np

from harness.errors import UnsupportedError
from harness.measure.adapters.reference.activation import Parameters
from harness.vocabulary.optimizers import (
    SGD,
    Adam,
    AdamW,
    Clip,
    ClipNorm,
    ClipValue,
    LearningRate,
    Optimizer,
    StepDecay,
)


def rate_at(learning_rate: LearningRate, step: int) -> float:
    """Return the learning rate of a step, counted from 0."""
    if isinstance(learning_rate, StepDecay):
        return learning_rate.initial * learning_rate.factor ** (step // learning_rate.every)
    if isinstance(learning_rate, float):
        return learning_rate
    raise UnsupportedError(f"the reference has no learning rate {learning_rate!r}")


def clip_gradients(clip: Clip | None, gradients: Parameters) -> Parameters:
    """Return the clipped gradients; each run has its own global norm."""
    if clip is None:
        return gradients
    if isinstance(clip, ClipNorm):
        squares = sum((g * g).reshape(len(g), -1).sum(axis=1) for g in gradients.values())
        norm = np.sqrt(squares)
        scale = np.where(norm > clip.maximum, clip.maximum / np.where(norm > 0, norm, 1), 1)
        return {name: g * scale.astype(g.dtype).reshape(-1, *[1] * (g.ndim - 1))
                for name, g in gradients.items()}
    if isinstance(clip, ClipValue):
        return {name: np.clip(g, -clip.maximum, clip.maximum) for name, g in gradients.items()}
    raise UnsupportedError(f"the reference has no clipping {clip!r}")


class Updater:
    """Apply an optimizer to parameters in place, keeping its state."""

    def __init__(self, optimizer: Optimizer, parameters: Parameters) -> None:
        if not isinstance(optimizer, (SGD, Adam, AdamW)):
            raise UnsupportedError(f"the reference has no optimizer {optimizer!r}")
        self.optimizer = optimizer
        self.step = 0
        self.first = {name: np.zeros_like(p) for name, p in parameters.items()}
        if not isinstance(optimizer, SGD):
            self.second = {name: np.zeros_like(p) for name, p in parameters.items()}

    def update(self, parameters: Parameters, gradients: Parameters) -> None:
        """Take one step."""
        rate = rate_at(self.optimizer.learning_rate, self.step)
        self.step += 1
        for name, gradient in gradients.items():
            if isinstance(self.optimizer, SGD):
                velocity = self._sgd(self.optimizer, name, gradient, parameters[name])
                parameters[name] -= rate * velocity
                continue
            if isinstance(self.optimizer, AdamW):
                parameters[name] -= rate * self.optimizer.weight_decay * parameters[name]
            parameters[name] -= self._adam(self.optimizer, name, gradient, rate)

    def _sgd(self, sgd: SGD, name: str, g: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return what the learning rate scales; the velocity, if there is momentum."""
        if sgd.maximize:
            g = -g
        if sgd.weight_decay:
            g = g + sgd.weight_decay * weights
        if sgd.momentum:
            g = self.first[name] = sgd.momentum * self.first[name] + g
        return g

    def _adam(self, adam: Adam | AdamW, name: str, g: np.ndarray, rate: float) -> np.ndarray:
        """Return Adam's decrement: Kingma & Ba 2015, algorithm 1."""
        m = self.first[name] = adam.beta_1 * self.first[name] + (1 - adam.beta_1) * g
        v = self.second[name] = adam.beta_2 * self.second[name] + (1 - adam.beta_2) * g * g
        m_hat = m / (1 - adam.beta_1 ** self.step)
        v_hat = v / (1 - adam.beta_2 ** self.step)
        return np.asarray(rate * m_hat / (np.sqrt(v_hat) + adam.epsilon))
