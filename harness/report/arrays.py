"""Curves as the report keeps them: numbers in base64, as a difference from another curve.

Outside half. Versions that agree but for rounding differ by a few last bits; these take
little space once the page is compressed, while decimals of them would take 20 MB.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Array = dict[str, Any]
"""``{"dtype", "data"}``, or with ``base``, the index of the line that it is a difference from."""


def encode(values: ArrayLike, base: tuple[int, ArrayLike] | None = None) -> Array:
    """Return numbers in base64, little-endian.

    Args:
        values: shape (steps,), float64 or float32 values.
        base: index of another line of the chart, and its curve of the same kind. Then the
            numbers are float32 differences from it, if nothing is lost but their own
            rounding: relative 6e-8 of the difference.
    """
    own = np.asarray(values, np.float64)
    if base is not None:
        index, other = base
        difference = _difference(own, np.asarray(other, np.float64))
        if difference is not None:
            return {"dtype": "<f4", "base": index, "data": _base64(difference)}
    return {"dtype": "<f8", "data": _base64(own)}


def rounded(values: ArrayLike) -> Array:
    """Return numbers that need no more than float32, shape (steps,), in base64."""
    return {"dtype": "<f4", "data": _base64(np.asarray(values, np.float32))}


def decode(array: Array, base: ArrayLike | None = None) -> np.ndarray:
    """Return the numbers, float64, shape (steps,).

    Args:
        base: the curve that the array is a difference from, if it is one.
    """
    found = np.frombuffer(base64.b64decode(array["data"]), array["dtype"]).astype(np.float64)
    if "base" not in array:
        return found
    with np.errstate(invalid="ignore"):
        return np.asarray(np.asarray(base, np.float64) + found)


def _difference(own: np.ndarray, other: np.ndarray) -> np.ndarray | None:
    """Return the float32 difference, or None where adding it would not give the curve back."""
    if own.shape != other.shape or not np.isfinite(other).all():
        return None
    with np.errstate(over="ignore"):
        difference = (own - other).astype("<f4")
    lost = np.isfinite(own) & ~np.isfinite(difference)
    return None if lost.any() else difference


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode()
