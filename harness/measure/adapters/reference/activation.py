"""Activations, with their derivatives, in NumPy."""

from __future__ import annotations

from typing import Callable, Dict

import numpy as np

from harness.errors import UnsupportedError

Parameters = Dict[str, np.ndarray]
"""Arrays (runs, ...): by ``<layer>.<part>`` of a model, by part of one layer."""
Function = Callable[[np.ndarray], np.ndarray]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z)), without overflow."""
    e = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1 / (1 + e), e / (1 + e)))


def softmax(z: np.ndarray) -> np.ndarray:
    """Return the softmax over the last axis, without overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


# value, and derivative as a function of that value
_HIDDEN: dict[str, tuple[Function, Function]] = {
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0).astype(h.dtype)),
    "sigmoid": (sigmoid, lambda h: h * (1 - h)),
}
"""Activations between layers. relu's derivative at 0 is 0, as in every framework."""


def activate(name: str | None, z: np.ndarray) -> np.ndarray:
    """Return an activation's value; None is the identity."""
    return z if name is None else _find(name)[0](z)


def deactivate(name: str | None, value: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the gradient by an activation's input, given its value and the value's gradient."""
    return gradient if name is None else gradient * _find(name)[1](value)


def _find(name: str) -> tuple[Function, Function]:
    if name not in _HIDDEN:
        raise UnsupportedError(f"the reference has no activation {name!r}")
    return _HIDDEN[name]
