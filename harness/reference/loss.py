"""Losses on logits, with their gradients, in NumPy."""

from __future__ import annotations

import numpy as np

from harness.case import BinaryCrossentropy, CategoricalCrossentropy, Loss
from harness.errors import UnsupportedError
from harness.reference.model import sigmoid, softmax


def loss_and_gradient(loss: Loss, logits: np.ndarray,
                      targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean loss of each run, (runs,), and its gradient by the logits.

    Args:
        logits: (runs, batch, 1) for binary, (runs, batch, 2) for categorical.
        targets: (batch, 1), values 0 and 1.
    """
    if isinstance(loss, BinaryCrossentropy):
        return _binary(logits, targets, loss.positive_weight)
    if isinstance(loss, CategoricalCrossentropy):
        return _categorical(logits, targets)
    raise UnsupportedError(f"the reference has no loss {loss!r}")


def probabilities(activation: str, output: np.ndarray) -> np.ndarray:
    """Return the probability of the positive class, (runs, examples, 1)."""
    return softmax(output)[..., 1:] if activation == "softmax" else sigmoid(output)


def _binary(z: np.ndarray, y: np.ndarray, positive_weight: float) -> tuple[np.ndarray, np.ndarray]:
    # -y log p - (1 - y) log(1 - p) = softplus(z) - y z, with p = sigmoid(z)
    weight = 1 + (positive_weight - 1) * y
    softplus = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    loss = (weight * (softplus - y * z)).mean(axis=(-1, -2))
    return loss, weight * (sigmoid(z) - y) / len(y)


def _categorical(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    one_hot = np.concatenate([1 - y, y], axis=-1)
    top = z.max(axis=-1, keepdims=True)
    log_sum = top + np.log(np.exp(z - top).sum(axis=-1, keepdims=True))
    loss = (one_hot * (log_sum - z)).sum(axis=-1).mean(axis=-1)
    return loss, (softmax(z) - one_hot) / len(y)
