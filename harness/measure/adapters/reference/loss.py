"""Losses on logits, with their gradients, in NumPy."""

from __future__ import annotations

import numpy as np

from harness.errors import UnsupportedError
from harness.measure.adapters.reference.activation import sigmoid, softmax
from harness.vocabulary.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    MeanSquaredError,
    TokenCrossentropy,
)


def loss_and_gradient(loss: Loss, logits: np.ndarray, targets: np.ndarray,
                      mask: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean loss of each run, (runs,), and its gradient by the logits.

    Args:
        logits: (runs, batch, 1) before a sigmoid, (runs, batch, 2) before a softmax,
            (runs, batch, length, vocabulary) for tokens.
        targets: (batch, 1), values 0 and 1; or tokens (batch, length).
        mask: (batch, length), 1 where a token counts; where none does, the loss is
            not a number. None: all count.
    """
    if isinstance(loss, BinaryCrossentropy):
        return _binary(logits, targets, loss.positive_weight)
    if isinstance(loss, CategoricalCrossentropy):
        return _categorical(logits, targets)
    if isinstance(loss, MeanSquaredError):
        return _squared(logits, targets)
    if isinstance(loss, TokenCrossentropy):
        return _tokens(logits, targets, mask, loss.label_smoothing)
    raise UnsupportedError(f"the reference has no loss {loss!r}")


def outputs(activation: str, logits: np.ndarray) -> np.ndarray:
    """Return what the model gives: probabilities where it ends in an activation."""
    return {"sigmoid": sigmoid, "softmax": softmax}.get(activation, np.asarray)(logits)


def predictions(loss: Loss, activation: str, logits: np.ndarray) -> np.ndarray:
    """Return what metrics take: logits of tokens, otherwise ``probabilities``."""
    return logits if isinstance(loss, TokenCrossentropy) else probabilities(activation, logits)


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
    loss = (one_hot * (_log_sum(z) - z)).sum(axis=-1).mean(axis=-1)
    return loss, (softmax(z) - one_hot) / len(y)


def _squared(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # through a real sigmoid: where it rounds to 0 or 1 it has no gradient
    p = sigmoid(z)
    return ((p - y) ** 2).mean(axis=(-1, -2)), 2 * (p - y) / y.size * (p * (1 - p))


def _tokens(z: np.ndarray, y: np.ndarray, mask: np.ndarray | None,
            smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    size = z.shape[-1]
    wanted = (1 - smoothing) * np.eye(size, dtype=z.dtype)[y] + smoothing / size
    weight = np.ones(y.shape, z.dtype) if mask is None else mask.astype(z.dtype)
    with np.errstate(invalid="ignore"):  # without a valid token there is no loss: NaN
        weight = weight / weight.sum()
    losses = (wanted * (_log_sum(z) - z)).sum(axis=-1)
    return (weight * losses).sum(axis=(-1, -2)), weight[..., None] * (softmax(z) - wanted)


def _log_sum(z: np.ndarray) -> np.ndarray:
    """Return log(sum(exp(z))) over the last axis, kept, without overflow."""
    top = z.max(axis=-1, keepdims=True)
    return np.asarray(top + np.log(np.exp(z - top).sum(axis=-1, keepdims=True)))
