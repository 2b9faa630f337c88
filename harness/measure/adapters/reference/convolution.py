"""Convolutions over the length, and division by the maximum, forward and backward.

Arrays are (runs or 1, batch, length, channels). "Same" padding with an odd size is
``size // 2`` zeros at either end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.measure.adapters.reference.activation import Parameters, activate, deactivate
from harness.measure.adapters.reference.dense import affine, affine_backward
from harness.vocabulary.layers import Conv1D, DivideByMaximum, SeparableConv1D

Array = np.ndarray
EPSILON = 1e-8
"""Added to the maximum that DivideByMaximum divides by."""


def windows(x: Array, size: int) -> list[Array]:
    """Return ``size`` views of the padded input, shifted by one position each."""
    half = size // 2
    padded = np.pad(x, ((0, 0), (0, 0), (half, half), (0, 0)))
    return [padded[:, :, start:start + x.shape[2]] for start in range(size)]


def fold(gradients: list[Array]) -> Array:
    """Return the gradient by the input of ``windows``, given each view's."""
    runs, batch, length, channels = gradients[0].shape
    half = len(gradients) // 2
    total = np.zeros((runs, batch, length + 2 * half, channels), gradients[0].dtype)
    for start, gradient in enumerate(gradients):
        total[:, :, start:start + length] += gradient
    return total[:, :, half:half + length]


def conv(layer: Conv1D, weights: Parameters, x: Array, mask: Array | None) -> tuple[Array, Any]:
    """Return the output (runs, batch, length, filters) and what the backward pass needs."""
    columns = np.concatenate(windows(x, layer.size), axis=-1)
    y = activate(layer.activation, affine(columns, _matrix(weights["kernel"]), weights["bias"]))
    return y, (columns, y)


def conv_backward(layer: Conv1D, weights: Parameters, saved: Any,
                  gradient: Array) -> tuple[Array, Parameters]:
    """Return the gradient by the input, and by every part."""
    columns, y = saved
    gradient = deactivate(layer.activation, y, gradient)
    by_columns, kernel, bias = affine_backward(columns, _matrix(weights["kernel"]), gradient)
    by_x = fold(np.split(by_columns, layer.size, axis=-1))
    return by_x, {"kernel": kernel.reshape(weights["kernel"].shape), "bias": bias}


def separable(layer: SeparableConv1D, weights: Parameters, x: Array,
              mask: Array | None) -> tuple[Array, Any]:
    """Return the output (runs, batch, length, filters) and what the backward pass needs."""
    views = windows(x, layer.size)
    alone: Any = sum(view * factor
                     for view, factor in zip(views, _factors(weights["depthwise_kernel"])))
    z = affine(alone, weights["pointwise_kernel"][:, 0], weights["bias"])
    y = activate(layer.activation, z)
    return y, (views, alone, y)


def separable_backward(layer: SeparableConv1D, weights: Parameters, saved: Any,
                       gradient: Array) -> tuple[Array, Parameters]:
    """Return the gradient by the input, and by every part."""
    views, alone, y = saved
    gradient = deactivate(layer.activation, y, gradient)
    by_alone, mixing, bias = affine_backward(alone, weights["pointwise_kernel"][:, 0], gradient)
    depthwise = np.stack([(view * by_alone).sum(axis=(1, 2)) for view in views], axis=1)
    by_x = fold([by_alone * factor for factor in _factors(weights["depthwise_kernel"])])
    return by_x, {"depthwise_kernel": depthwise[..., None], "pointwise_kernel": mixing[:, None],
                  "bias": bias}


def divide(layer: DivideByMaximum, weights: Parameters, x: Array,
           mask: Array | None) -> tuple[Array, Any]:
    """Return ``x`` over its maximum along the length, and what the backward pass needs."""
    size = np.abs(x)
    top = size.max(axis=2, keepdims=True)
    y = x / (top + EPSILON)
    return y, (np.sign(x) * (size == top), top + EPSILON, y)


def divide_backward(layer: DivideByMaximum, weights: Parameters, saved: Any,
                    gradient: Array) -> tuple[Array, Parameters]:
    """Return the gradient by the input: the direct one, and that through the maximum."""
    tied, divisor, y = saved
    by_top = -(gradient * y).sum(axis=2, keepdims=True) / divisor
    # where all are 0 nothing ties with a sign, and nothing goes through
    ties = np.maximum(np.abs(tied).sum(axis=2, keepdims=True), 1)
    return gradient / divisor + by_top * tied / ties, {}


def _matrix(kernel: Array) -> Array:
    """Return a kernel (runs, size, channels, filters) as (runs, size * channels, filters)."""
    return kernel.reshape(len(kernel), -1, kernel.shape[-1])


def _factors(kernel: Array) -> list[Array]:
    """Return a depthwise kernel's factors (runs, 1, 1, channels), position by position."""
    return [kernel[:, None, None, start, :, 0] for start in range(kernel.shape[1])]
