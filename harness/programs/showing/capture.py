"""Whole tensors of a step on both sides: the exact error, the worst elements, and the pattern.

Outside half. Read from what the recorder keeps with ``--capture``: an ``.npz`` whose arrays are
named ``step|channel|name|occurrence``. Only the arrays that are asked for are unpacked.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import words
from harness.errors import RecordError
from harness.programs.judging import patterns, phrases
from harness.programs.judging.verdict import Cause
from harness.words import counted

LARGEST, ELEMENTS = 2**31, 2**28
"""Bytes of a file, and of a tensor, that are read."""
WORST = 5
"""Elements that are shown."""
PART, FEW = 1e-3, 0.1
"""An element is off if its error is this part of the largest; few are, if at most this share."""
_HEADER = 1024
_AGAIN = "capture the step again: harness try"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError,
           NotImplementedError, SyntaxError)
Array = NDArray[Any]


@dataclass(frozen=True)
class Element:
    """One element of a tensor on both sides."""

    index: tuple[int, ...]
    observed: float
    baseline: float


@dataclass(frozen=True)
class Whole:
    """What whole tensors tell of a difference.

    Args:
        error: exact relative distance in the L2 norm; infinite if shapes differ.
        largest: largest absolute error of an element.
        share: of the elements that are off.
        worst: elements, the largest error first.
        pattern: in words; empty if there is none.
    """

    tensor: str
    channel: str
    step: int
    shape: tuple[int, ...]
    error: float
    largest: float
    share: float
    worst: tuple[Element, ...]
    pattern: str

    @property
    def lines(self) -> list[str]:
        """The same for a terminal."""
        pattern = f", {self.pattern}" if self.pattern else ""
        worst = "; ".join(f"[{', '.join(map(str, e.index))}] {phrases.number(e.observed)} rather "
                          f"than {phrases.number(e.baseline)}" for e in self.worst[:3])
        return [f"whole tensor {list(self.shape)}: {phrases.percent(self.error)} off{pattern}",
                *([f"worst elements: {worst}"] if worst else [])]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"tensor": self.tensor, "channel": self.channel, "step": self.step,
                "shape": list(self.shape), "error": words.number(self.error),
                "largest": words.number(self.largest), "share": self.share,
                "pattern": self.pattern,
                "worst": [{"index": list(e.index), "observed": words.number(e.observed),
                           "baseline": words.number(e.baseline)} for e in self.worst]}


def compare(observed: Path, baseline: Path, cause: Cause) -> Whole | None:
    """Return what whole tensors tell of a cause; None if they were not kept on both sides.

    Raises:
        RecordError: a file is damaged or too large.
    """
    mine, theirs = read(observed, key(cause)), read(baseline, key(cause))
    if mine is None or theirs is None:
        return None
    return examine(mine, theirs, cause)


def key(cause: Cause) -> str:
    """Return the name of a cause's tensor in a capture."""
    return f"{cause.step or 0}|{cause.channel}|{cause.tensor}|{cause.occurrence}"


def examine(observed: Array, baseline: Array, cause: Cause) -> Whole:
    """Return how two tensors differ.

    Args:
        observed, baseline: of any real type.
        cause: names them.
    """
    place = cause.tensor, cause.channel, cause.step or 0
    if observed.shape != baseline.shape:
        return Whole(*place, baseline.shape, float("inf"), float("inf"), 1.0, (),
                     f"shape {list(observed.shape)} rather than {list(baseline.shape)}")
    mine, theirs = observed.astype(np.float64), baseline.astype(np.float64)
    with np.errstate(all="ignore"):
        off = np.where((mine == theirs) | (np.isnan(mine) & np.isnan(theirs)), 0.0,
                       np.abs(mine - theirs))
    off[np.isnan(off)] = np.inf
    largest = float(off.max(initial=0.0))
    norm = float(np.linalg.norm(theirs[np.isfinite(theirs)]))
    error = float(np.linalg.norm(off) / norm) if norm else (float("inf") if largest else 0.0)
    is_off = off > (PART * largest if np.isfinite(largest) else np.finfo(float).max)
    order = np.argsort(-off.ravel(), kind="stable")[:WORST]
    worst = tuple(Element(tuple(int(i) for i in np.unravel_index(at, off.shape)),
                          float(mine.ravel()[at]), float(theirs.ravel()[at]))
                  for at in order if off.ravel()[at] > 0)
    return Whole(*place, baseline.shape, error, largest, float(is_off.mean()) if off.size else 0.0,
                 worst, _pattern(mine, theirs, is_off))


def _pattern(mine: Array, theirs: Array, is_off: NDArray[np.bool_]) -> str:
    """Return in words which elements are off, and how."""
    if not is_off.any():
        return ""
    if not np.isfinite(mine[is_off]).all() and np.isfinite(theirs[is_off]).all():
        return f"{counted(int((~np.isfinite(mine)).sum()), 'element')} not finite"
    where = _where(is_off)
    whole = "" if where else _multiple(mine, theirs)
    if whole:
        return whole
    if np.array_equal(np.sort(mine, axis=None), np.sort(theirs, axis=None)):
        return "the same elements in another order"
    if rate := scale(mine, theirs):
        return rate
    part = _multiple(mine[is_off], theirs[is_off])
    if (theirs[is_off] == 0).all() or (mine[is_off] == 0).all():
        side = "observed" if (theirs[is_off] == 0).all() else "baseline"
        part = f"not 0 on the {side} side only, as a mask would do"
    return ", ".join(words for words in (where, part) if words)


def scale(mine: Array, theirs: Array) -> str:
    """Return in words by what factor all differs that is 0 on neither side; empty if by none.

    Args:
        mine, theirs: in float64, of the same shape.
    """
    kept = (mine != 0) & (theirs != 0)
    if not FEW < kept.mean() < 1 or np.array_equal(mine[kept], theirs[kept]):
        return ""
    rate = _multiple(mine[kept], theirs[kept])
    return rate and f"of what is 0 on neither side {rate}, as another rate of dropout would do"


def _multiple(mine: Array, theirs: Array) -> str:
    """Return by which factor all elements differ, or which number was added to them."""
    flat = theirs.ravel()
    square = float(flat @ flat)
    if not square or not np.isfinite(square):
        return ""
    factor = float(mine.ravel() @ flat / square)
    off = mine.ravel() - flat
    if np.linalg.norm(off - (factor - 1) * flat) <= patterns.AGREE * np.linalg.norm(off):
        return "the opposite sign" if abs(factor + 1) < 1e-6 else \
            f"every element {patterns.times(factor)} the baseline's"
    if off.size > 1 and np.ptp(off) <= patterns.AGREE * np.abs(off).max():
        return f"{phrases.number(float(off.mean()))} added to every element"
    return ""


def _where(is_off: NDArray[np.bool_]) -> str:
    """Return in words which elements are off, if they are few; empty if they are many."""
    for axis in range(is_off.ndim if is_off.ndim > 1 else 0):
        rest = tuple(i for i in range(is_off.ndim) if i != axis)
        hit = np.flatnonzero(is_off.any(axis=rest))
        if len(hit) <= FEW * is_off.shape[axis] or (len(hit) == 1 < is_off.shape[axis]):
            named = ", ".join(map(str, hit[:3])) + (", ..." if len(hit) > 3 else "")
            return f"only at index {named} of axis {axis}"
    if is_off.ndim > 1 and is_off.shape[-1] == is_off.shape[-2]:
        if not np.tril(is_off).any():
            return "only above the diagonal"
        if not np.triu(is_off).any():
            return "only below the diagonal"
    share = float(is_off.mean())
    return f"only {share * 100:.2g} % of the elements" if share <= FEW else ""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a capture, to take several arrays from.

    Raises:
        RecordError: the file is damaged or too large, or an array that is taken is of no real type.
    """
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise RecordError("there are no captured tensors of a bearable size", str(path),
                          f"at most {LARGEST} bytes are read", _AGAIN)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _DAMAGE as error:
        raise RecordError("the captured tensors are damaged", str(path),
                          f"{type(error).__name__}: {error}"[:300], _AGAIN) from None


def read(path: Path, name: str) -> Array | None:
    """Return an array of a capture; None if it is not in there.

    Raises:
        RecordError: the file is damaged or too large, or the array is of no real type.
    """
    with opened(path) as archive:
        return take(archive, name)


def take(archive: zipfile.ZipFile, name: str) -> Array | None:
    """Return an array of an opened capture; None if it is not in there."""
    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError:
        return None
    with archive.open(member) as stream:
        data = stream.read(ELEMENTS + _HEADER)
    source = io.BytesIO(data)
    if np.lib.format.read_magic(source) != (1, 0):
        raise ValueError("not of version 1.0 of NumPy's format")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(
        source, max_header_size=_HEADER)
    if dtype.kind not in "fiub" or is_fortran:
        raise ValueError(f"an array of {dtype} is no tensor of a capture")
    return np.frombuffer(data[source.tell():], dtype).reshape(shape)
