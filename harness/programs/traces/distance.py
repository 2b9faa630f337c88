"""How far two runs are from each other at every event, from sketches and numbers.

Outside half. Of a tensor the distance is relative to the baseline's norm: the projections of the
difference estimate its norm without bias (Achlioptas, PODS 2001), and the difference of the norms
bounds it from below.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.programs.traces.alignment import ABSENT, Alignment, Indices, Numbers
from harness.programs.traces.trace import UPDATE, Trace

Flags = NDArray[np.bool_]
KIND = np.uint64(63)
"""Bit of a digest that says of which kind it is: only those of one kind can be compared."""


def is_identical(observed: Trace, baseline: Trace) -> bool:
    """Return whether two traces have the same events, equal to the bit."""
    if len(observed) != len(baseline) or observed.header.ended != baseline.header.ended:
        return False
    if observed.header.names == baseline.header.names and all(
            np.array_equal(getattr(observed, name), getattr(baseline, name))
            for name in ("step", "channel", "name", "occurrence")):
        return bool(_same(_columns(observed), _columns(baseline)).all())
    known = {name: i for i, name in enumerate(baseline.header.names)}
    table = np.array([known.get(name, ABSENT) for name in observed.header.names], np.int64)
    keys = [np.lexsort((trace.occurrence, name, trace.channel, trace.step)) for trace, name in
            ((observed, table[observed.name]), (baseline, baseline.name))]
    same = [np.array_equal(getattr(observed, name)[keys[0]], getattr(baseline, name)[keys[1]])
            for name in ("step", "channel", "occurrence")]
    same.append(np.array_equal(table[observed.name][keys[0]], baseline.name[keys[1]]))
    return all(same) and bool(
        _same(_columns(observed, keys[0]), _columns(baseline, keys[1])).all())


Columns = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""Sizes, digests and sketches of events."""


def _columns(trace: Trace, order: Indices | None = None) -> Columns:
    chosen = slice(None) if order is None else order
    return trace.size[chosen], trace.digest[chosen], trace.sketch[chosen]


def _same(mine: Columns, theirs: Columns) -> Flags:
    """Return which events are equal to the bit: by their digests, or by value if they have none."""
    size, digest, sketch = mine
    other = theirs[1]
    equal = (sketch == theirs[2]) | (np.isnan(sketch) & np.isnan(theirs[2]))
    has_digest = (digest != 0) & (other != 0) & (digest >> KIND == other >> KIND)
    found: Flags = (size == theirs[0]) & np.where(has_digest, digest == other, equal.all(axis=1))
    return found


def is_same(aligned: Alignment, other: int, against: int | None = None) -> Flags:
    """Return which events of another trace are there and equal the baseline's to the bit.

    Args:
        against: another trace that stands for the baseline.
    """
    found: Flags = _same(_aligned(aligned, other), _aligned(aligned, against)) & (
        aligned.places[other] != ABSENT)
    return found


def _aligned(aligned: Alignment, other: int | None) -> Columns:
    return (aligned.column("size", other), aligned.column("digest", other),
            aligned.column("sketch", other))


def measure(aligned: Alignment, other: int, against: int | None = None) -> Numbers:
    """Return the relative distance of every event from the baseline's; NaN where it is absent.

    Infinite where shapes differ, and where one of the two is not finite.

    Args:
        other: which of the other traces.
        against: another trace that stands for the baseline.
    """
    size, digest, mine = _aligned(aligned, other)
    base_size, base_digest, theirs = _aligned(aligned, against)
    is_number = base_size == 0
    with np.errstate(all="ignore"):
        off = mine - theirs
        tensor = np.maximum(np.sqrt((off[:, 1:] ** 2).mean(axis=1)), np.abs(off[:, 0]))
        found = tensor / theirs[:, 0]
        found[is_number] = np.abs(off[is_number, 0]) / aligned.scale[is_number]
    found[np.isnan(found)] = np.inf
    exact = (digest == base_digest) & (base_digest != 0) & (aligned.channel != UPDATE)
    alike = ((mine == theirs) | (np.isnan(mine) & np.isnan(theirs))).all(axis=1)
    found[exact | alike | _both_broken(mine, theirs)] = 0.0
    found[size != base_size] = np.inf
    absent = aligned.places[other] == ABSENT
    if against is not None:
        absent |= aligned.places[against] == ABSENT
    found[absent] = np.nan
    return np.asarray(found)


def _both_broken(mine: Numbers, theirs: Numbers) -> Flags:
    """Return where neither side is finite: what that is can differ, and tells nothing."""
    found: Flags = np.logical_not(np.isfinite(mine).all(axis=1) | np.isfinite(theirs).all(axis=1))
    return found
