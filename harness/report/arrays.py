"""Curves as the report keeps them: numbers in base64, as a difference from another curve.

Outside half. Versions that agree but for rounding differ by a few last bits; so the difference of
two curves is that of their bits, as integers: nothing is lost, whatever is in them, and these
take little space once the page is compressed, while decimals of them would take 20 MB.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Array = dict[str, Any]
"""``{"dtype", "data"}``, or with ``base``, the index of the line that it is a difference from."""
_WIDTHS = (np.int8, np.int16, np.int32, np.int64)


def encode(values: np.ndarray, others: Mapping[int, np.ndarray] | None = None) -> Array:
    """Return numbers in base64, little-endian.

    Args:
        values: shape (steps,), float64 or float32.
        others: curves of the same kind by their lines' index. Of those that are as long, the
            nearest is what the numbers are a difference from: integers, to be added to its bits.
    """
    bits = _bits(values)
    with np.errstate(over="ignore"):  # what goes round comes back when it is added
        found = {index: bits - _bits(other) for index, other in (others or {}).items()
                 if other.shape == values.shape}
    if not found:
        return _array(values)
    base = min(found, key=lambda index: float(np.log2(np.abs(found[index], dtype=float) + 1).sum()))
    return {**_array(_narrow(found[base])), "base": base}


def rounded(values: ArrayLike) -> Array:
    """Return numbers that need no more than float32, shape (steps,), in base64."""
    return _array(np.asarray(values, np.float32))


def decode(array: Array, base: np.ndarray | None = None) -> np.ndarray:
    """Return the numbers, shape (steps,), in the precision that they were measured in.

    Args:
        base: the curve that the array is a difference from, if it is one.
    """
    found = np.frombuffer(base64.b64decode(array["data"]), array["dtype"])
    if base is None:
        return found
    with np.errstate(over="ignore"):
        return np.asarray((_bits(base) + found.astype(_bits(base).dtype)).view(base.dtype))


def lift(array: Array, block: bytearray) -> Array:
    """Return an array whose bytes are in a block that it shares with others.

    They pack better there: the first bytes of all its numbers come first, then their second
    ones. Instead of ``data`` it says ``at``, where it begins in the block, and ``bytes``, how
    long it is.
    """
    data, at = np.frombuffer(base64.b64decode(array["data"]), array["dtype"]), len(block)
    block += data.view(np.uint8).reshape(-1, data.itemsize).T.tobytes()
    rest = {name: value for name, value in array.items() if name != "data"}
    return {**rest, "at": at, "bytes": data.nbytes}


def _bits(values: np.ndarray) -> np.ndarray:
    return values.view(f"i{values.itemsize}")


def _narrow(values: np.ndarray) -> np.ndarray:
    """Return integers in the narrowest kind that holds them."""
    return next(values.astype(kind) for kind in _WIDTHS
                if kind().itemsize >= values.itemsize or not np.any(values != values.astype(kind)))


def _array(values: np.ndarray) -> Array:
    little = values.astype(values.dtype.newbyteorder("<"))
    return {"dtype": f"<{values.dtype.kind}{values.itemsize}",
            "data": base64.b64encode(little.tobytes()).decode()}
