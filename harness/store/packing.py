"""Curves as differences in units in the last place (ulps), from another curve or from zero.

Outside half. Two versions that compute the same thing differ by a few ulps at every step;
kept as such, a step takes some 5 to 10 bits instead of 32 or 64. Pure functions: numbers in,
bytes out, and back to the same bits.
"""

from __future__ import annotations

import lzma
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ordinals = NDArray[np.int64]

ORDERS = (0, 1, 2)
"""How often neighbouring differences are subtracted from each other: 0 suits last-bit noise,
1 and 2 a smooth drift, and a curve without a parent."""
PACKINGS = ("zlib", "lzma")
_FILTERS = [{"id": lzma.FILTER_LZMA1, "preset": 9, "dict_size": 1 << 16, "lc": 0, "lp": 0, "pb": 0}]
_BITS = {4: ("<i4", np.int64(2**31 - 1)), 8: ("<i8", np.int64(2**63 - 1))}
"""By size: the integer with the same bits, and all of its bits but the sign."""


def canonical(curve: Any, precision: str) -> NDArray[Any]:
    """Return a curve in its precision, every NaN the same one.

    Args:
        curve: numbers, shape (steps,).
        precision: ``float64`` or ``float32``.
    """
    values = np.asarray(curve, precision)
    return np.where(np.isnan(values), np.array(np.nan, precision), values)


def ordinals(curve: NDArray[Any]) -> Ordinals:
    """Return every number's place among all of its precision; neighbours are 1 apart.

    0.0 is 0, -0.0 is -1; infinities and NaN have places beyond the largest numbers.
    """
    integer, magnitude = _BITS[curve.dtype.itemsize]
    same = curve.view(integer).astype(np.int64)
    return np.where(same < 0, -(same & magnitude) - 1, same)


def from_ordinals(places: Ordinals, precision: str) -> NDArray[Any]:
    """Return the numbers at the places; the inverse of ``ordinals``."""
    integer, magnitude = _BITS[np.dtype(precision).itemsize]
    same = np.where(places < 0, -(places + 1) | ~magnitude, places)
    return same.astype(integer).view(precision)


def bits(curve: NDArray[Any], parent: NDArray[Any]) -> float:
    """Return about how many bits the difference of two curves takes, to compare parents."""
    difference = ordinals(curve) - ordinals(parent)
    return min(float(np.log2(1.0 + _zigzag(_subtract(difference, order))).sum())
               for order in ORDERS[:2])


def encode(curve: NDArray[Any], parent: NDArray[Any] | None) -> tuple[int, str, bytes]:
    """Return the shortest encoding: its order, its packing and its bytes.

    Args:
        curve: shape (steps,), float64 or float32.
        parent: the same shape and dtype; None for zero at every step.
    """
    difference = ordinals(curve) - (0 if parent is None else ordinals(parent))
    planes = {order: _to_planes(_zigzag(_subtract(difference, order))) for order in ORDERS}
    found = [(order, "zlib", _deflate(planes[order])) for order in ORDERS]
    best = min(found, key=lambda one: len(one[2]))[0]
    found.append((best, "lzma", lzma.compress(planes[best], lzma.FORMAT_RAW, filters=_FILTERS)))
    return min(found, key=lambda one: len(one[2]))


def decode(encoded: tuple[int, str, bytes], parent: NDArray[Any] | None, steps: int,
           precision: str) -> NDArray[Any]:
    """Return the curve of an encoding.

    Args:
        parent: what it was encoded with.
        steps: length of the curve.

    Raises:
        ValueError, zlib.error, lzma.LZMAError: the bytes are no encoding of such a curve.
    """
    order, packing, data = encoded
    if packing not in PACKINGS or order not in ORDERS:
        raise ValueError(f"no encoding of order {order} by {packing}")
    unpacker: Any = zlib.decompressobj(-15) if packing == "zlib" \
        else lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS)
    planes = unpacker.decompress(data, 64 * _row(steps) + 1)
    if not unpacker.eof:
        raise ValueError("the curve is cut off, or longer than it says")
    places = _unzigzag(_from_planes(planes, steps))
    for _ in range(order):
        places = np.cumsum(places)
    if parent is not None:
        places = places + ordinals(parent)
    return from_ordinals(places, precision)


def _subtract(places: Ordinals, order: int) -> Ordinals:
    for _ in range(order):
        places = np.diff(places, prepend=np.int64(0))
    return places


def _zigzag(places: Ordinals) -> NDArray[np.uint64]:
    """Return 0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    return ((places << 1) ^ (places >> 63)).view(np.uint64)


def _unzigzag(codes: NDArray[np.uint64]) -> Ordinals:
    return (codes >> np.uint64(1)).view(np.int64) ^ -(codes & np.uint64(1)).view(np.int64)


def _to_planes(codes: NDArray[np.uint64]) -> bytes:
    """Return the lowest bit of every number, then the next, up to the highest that is set."""
    width = int(codes.max(initial=0)).bit_length()
    places = np.arange(width, dtype=np.uint64)[:, None]
    return np.packbits(((codes >> places) & np.uint64(1)).astype(np.uint8), axis=1).tobytes()


def _from_planes(planes: bytes, steps: int) -> NDArray[np.uint64]:
    row = _row(steps)
    if len(planes) % row or len(planes) > 64 * row:
        raise ValueError(f"{len(planes)} bytes are no bits of {steps} steps")
    rows = np.unpackbits(np.frombuffer(planes, np.uint8).reshape(-1, row), axis=1, count=steps)
    codes = np.zeros(steps, np.uint64)
    for place, row_bits in enumerate(rows):
        codes |= row_bits.astype(np.uint64) << np.uint64(place)
    return codes


def _row(steps: int) -> int:
    """Return the bytes of one bit of every number."""
    return max(1, -(-steps // 8))


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return packer.compress(data) + packer.flush()
