"""Matrix layers: Dense and Embedding, and the product that other layers share."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.measure.adapters.reference.activation import Parameters, activate, deactivate
from harness.vocabulary.layers import Dense, Embedding

Array = np.ndarray


def affine(x: Array, kernel: Array, bias: Array) -> Array:
    """Return ``x @ kernel + bias`` over the last axis, (runs, ..., units).

    Args:
        x: (runs or 1, ..., inputs).
        kernel: (runs, inputs, units).
        bias: (runs, units).
    """
    z = x.reshape(len(x), -1, x.shape[-1]) @ kernel + bias[:, None, :]
    return np.asarray(z.reshape(len(z), *x.shape[1:-1], z.shape[-1]))


def affine_backward(x: Array, kernel: Array, gradient: Array) -> tuple[Array, Array, Array]:
    """Return the gradients by x, kernel and bias.

    Args:
        x, kernel: as ``affine`` took them.
        gradient: by what it returned.
    """
    flat = gradient.reshape(len(gradient), -1, gradient.shape[-1])
    rows = x.reshape(len(x), -1, x.shape[-1])
    by_x = flat @ np.swapaxes(kernel, -1, -2)
    return (by_x.reshape(len(by_x), *x.shape[1:]), np.swapaxes(rows, -1, -2) @ flat,
            flat.sum(axis=-2))


def dense(layer: Dense, weights: Parameters, x: Array, mask: Array | None) -> tuple[Array, Any]:
    """Return the output (runs, ..., units) and what ``dense_backward`` needs."""
    y = activate(layer.activation, affine(x, weights["kernel"], weights["bias"]))
    return y, (x, y)


def dense_backward(layer: Dense, weights: Parameters, saved: Any,
                   gradient: Array) -> tuple[Array, Parameters]:
    """Return the gradient by the input, and by every part."""
    x, y = saved
    gradient = deactivate(layer.activation, y, gradient)
    by_x, kernel, bias = affine_backward(x, weights["kernel"], gradient)
    return by_x, {"kernel": kernel, "bias": bias}


def embedding(layer: Embedding, weights: Parameters, x: Array,
              mask: Array | None) -> tuple[Array, Any]:
    """Return the rows (runs, batch, length, width) of tokens (1, batch, length)."""
    return weights["table"][:, x[0]], x[0]


def embedding_backward(layer: Embedding, weights: Parameters, saved: Any,
                       gradient: Array) -> tuple[Array, Parameters]:
    """Return nothing by the tokens, and the table's gradient: each row's, summed."""
    one_hot = np.eye(layer.vocabulary, dtype=gradient.dtype)[saved.ravel()]
    rows = gradient.reshape(len(gradient), -1, layer.width)
    return np.zeros((1, *saved.shape)), {"table": one_hot.T @ rows}
