"""Sketches: a tensor in four numbers that tell how far two tensors are from each other.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

import zlib
from typing import Iterator, NamedTuple

import numpy as np

COLUMNS = 4093
"""Length of the rows that a flat tensor is cut into; a prime, so that no axis repeats with it."""
ROWS = 63
"""Rows that are converted at once: what is under way stays in a processor's cache."""
UNDIVIDED = 21
"""Rows that are added up at once: of more, a BLAS would divide the work among threads, which the
program's own keep busy."""
PROJECTIONS = 3
SMALL = 3 * COLUMNS
"""Elements up to which the difference of two tensors is formed element by element."""
LARGE = 2**16
"""Bytes from which on a digest is a hash that is faster than CRC-32."""
WORDS = 2**15
"""Words of 64 bits that are hashed at once."""
GAMMA = 0x9E3779B97F4A7C15
"""SplitMix64's increment: Steele, Lea & Flood, OOPSLA 2014."""
FIRST_FACTOR = 0xBF58476D1CE4E5B9
"""SplitMix64's first factor."""


class Sketch(NamedTuple):
    """What a trace keeps of a tensor.

    Attributes:
        size: number of elements; 0 for a plain number.
        dtype: name of the element type.
        digest: of the elements' bytes in C order, little-endian; 0 for a plain number.
        values: four, L2 norm and three projections, or a plain number and three zeros.
    """

    size: int
    dtype: str
    digest: int
    values: tuple[float, ...]


def draw(seed: int, start: int, count: int) -> np.ndarray:
    """Return outputs number ``start`` to ``start + count - 1`` of SplitMix64, as uint64."""
    index = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    z = np.uint64(seed) + index * np.uint64(GAMMA)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST_FACTOR)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draw_signs(seed: int, start: int, count: int) -> np.ndarray:
    """Return signs number ``start`` to ``start + count - 1`` of a stream, as float64.

    The top bit of SplitMix64's output decides: 1 is +1, 0 is -1.
    """
    return np.where(draw(seed, start, count) >> np.uint64(63), 1.0, -1.0)


class _Stream:
    """What is drawn once: signs of the projections, and the factors of the digest.

    The sign of an element is that of its row times that of its column.
    """

    def __init__(self) -> None:
        self.columns = draw_signs(1, 0, PROJECTIONS * COLUMNS).reshape(PROJECTIONS, COLUMNS)
        self.factors = draw(3, 0, WORDS) | np.uint64(1)
        self._rows = draw_signs(2, 0, PROJECTIONS * 1024).reshape(-1, PROJECTIONS).T.copy()

    def of_rows(self, count: int) -> np.ndarray:
        """Return the signs of the first rows, ``[3, at least count]``."""
        if self._rows.shape[1] < count:
            self._rows = draw_signs(2, 0, PROJECTIONS * 2 * count).reshape(
                -1, PROJECTIONS).T.copy()
        return self._rows


_stream: _Stream | None = None


def _get_stream() -> _Stream:
    global _stream
    if _stream is None:
        _stream = _Stream()
    return _stream


def sketch(array: np.ndarray, dtype: str = "") -> Sketch:
    """Return the sketch of a tensor.

    Args:
        array: any shape, of booleans, integers, real or complex numbers.
        dtype: its element type, where NumPy has another one for it (``bfloat16``).
    """
    flat = flatten(array)
    norm, projections = _summarise(*_sum_up(flat))
    return Sketch(flat.size, dtype or array.dtype.name, digest(flat), (norm, *projections))


def of_number(value: float) -> Sketch:
    """Return the sketch of a plain number."""
    return Sketch(0, "number", 0, (float(value), 0.0, 0.0, 0.0))


class Memory:
    """What has to be kept of a tensor to know by how much it changes: a copy, or its sums.

    Args:
        array: any shape.
        dtype: its element type, where NumPy has another one for it.
    """

    def __init__(self, array: np.ndarray, dtype: str = "") -> None:
        flat = flatten(array)
        self.size, self._dtype = flat.size, dtype or array.dtype.name
        self._copy = flat.copy() if flat.size <= SMALL else None
        self._sums = None if flat.size <= SMALL else _sum_up(flat, has_square=False)[1]
        self._sample = _sample(flat)

    def seems(self, array: np.ndarray) -> bool:
        """Return whether a tensor has not changed, as far as 4,093 of its elements tell."""
        return array.size == self.size and bool((_sample(flatten(array)) == self._sample).all())

    def follow(self, array: np.ndarray, dtype: str = "") -> tuple[Memory, Sketch]:
        """Return what is kept of the tensor as it is now, and the sketch of its change.

        The sketch's digest is that of the present state. Beyond 12,279 elements its norm is
        estimated from the sums, to about 1 %, by the same signs in every run.
        """
        now = Memory(array, dtype)
        if now._copy is not None and self._copy is not None:
            norm, projections = _summarise(*_sum_up(now._copy, self._copy))
        else:
            with np.errstate(all="ignore"):
                sums = np.asarray(now._sums) - np.asarray(self._sums)
                norm, projections = _summarise(float((sums * sums).sum()) / PROJECTIONS, sums)
        return now, Sketch(now.size, now._dtype, digest(flatten(array)), (norm, *projections))


def flatten(array: np.ndarray) -> np.ndarray:
    """Return the elements in C order, flat; complex ones as pairs, booleans as bytes."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.dtype.kind == "c":
        return flat.view(flat.real.dtype)
    return flat.view(np.uint8) if flat.dtype.kind == "b" else flat


def _sample(flat: np.ndarray) -> np.ndarray:
    """Return a copy of at most 4,093 elements, in equal distances."""
    return flat[::max(1, -(-flat.size // COLUMNS))].copy()


def digest(flat: np.ndarray) -> int:
    """Return the digest of the bytes of flat elements, by what ``docs/traces.md`` defines.

    CRC-32 of less than 64 KiB. Of more, with the highest bit set, a multilinear hash: its chance
    to miss a change is one in 2**32 as well (Lemire & Kaser, The Computer Journal 57, 2014), and
    its cost that of reading. A word is folded first, since of a sum of products the highest bits
    of a word reach the highest bits only.
    """
    content = flat.view(np.uint8)
    if content.size < LARGE:
        return zlib.crc32(content.data)
    words = content[:content.size // 8 * 8].view(np.uint64)
    rest = content[words.nbytes:].tobytes().ljust(8, b"\0")
    total, folded = 0, np.empty(WORDS, np.uint64)
    for start in range(0, words.size, WORDS):
        part = words[start:start + WORDS]
        total = total * FIRST_FACTOR + _hash(part, folded[:part.size])
    total = total * FIRST_FACTOR + _hash(np.frombuffer(rest, np.uint64), folded[:1])
    return total % 2**64 >> 1 | 2**63


def _hash(words: np.ndarray, folded: np.ndarray) -> int:
    """Return the multilinear hash of words; ``folded`` has their length."""
    np.right_shift(words, np.uint64(32), out=folded)
    np.bitwise_xor(folded, words, out=folded)
    np.multiply(folded, _get_stream().factors[:words.size], out=folded)
    return int(folded.sum())


def _summarise(square: float, sums: np.ndarray) -> tuple[float, list[float]]:
    """Return the L2 norm and the projections, of the sum of squares and the sums."""
    with np.errstate(all="ignore"):
        signs = _get_stream().columns[:, :sums.shape[1]]
        return float(np.sqrt(square)), [float(p) for p in (sums * signs).sum(axis=1)]


def _sum_up(flat: np.ndarray, minus: np.ndarray | None = None,
            has_square: bool = True) -> tuple[float, np.ndarray]:
    """Return the sum of squares, and the sums of all rows under their signs, ``[3, COLUMNS]``.

    Args:
        flat: elements, ``[n]``.
        minus: elements that are taken off first, ``[n]``.
        has_square: the sum of squares is wanted; 0 stands for it otherwise.
    """
    with np.errstate(all="ignore"):
        if flat.size <= COLUMNS:
            x = _in_float64(flat, minus)
            return float(x @ x), _get_stream().of_rows(1)[:, :1] * x
        sums, square = np.zeros((PROJECTIONS, COLUMNS)), 0.0
        for start, x in _blocks(flat, minus):
            rows = _get_stream().of_rows(start + len(x))[:, start:start + len(x)]
            for i in range(0, len(x), UNDIVIDED):
                sums += rows[:, i:i + UNDIVIDED] @ x[i:i + UNDIVIDED]
            if has_square:
                square += sum(float(pair @ pair) for pair in _pairs(x))
        return square, sums


def _pairs(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield two rows at a time as one, which is as much as no BLAS divides among threads."""
    flat = rows.reshape(-1)
    for start in range(0, flat.size, 2 * COLUMNS):
        yield flat[start:start + 2 * COLUMNS]


def _in_float64(flat: np.ndarray, minus: np.ndarray | None) -> np.ndarray:
    x = flat.astype(np.float64)
    return x if minus is None else x - minus


def _blocks(flat: np.ndarray, minus: np.ndarray | None) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the number of a first row, and rows ``[up to 63, COLUMNS]``, the last with zeros."""
    buffer = np.empty((ROWS, COLUMNS))
    whole = flat.size // COLUMNS
    for start in range(0, whole, ROWS):
        stop = min(start + ROWS, whole)
        x = buffer[:stop - start]
        part = slice(start * COLUMNS, stop * COLUMNS)
        np.copyto(x, flat[part].reshape(x.shape))
        if minus is not None:
            x -= minus[part].reshape(x.shape)
        yield start, x
    tail = slice(whole * COLUMNS, flat.size)
    if flat.size % COLUMNS:
        last = np.zeros((1, COLUMNS))
        last[0, :flat.size % COLUMNS] = _in_float64(
            flat[tail], None if minus is None else minus[tail])
        yield whole, last
