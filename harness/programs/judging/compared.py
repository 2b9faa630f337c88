"""Two sides compared at every event: distance, allowance, and which events are off.

Outside half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.programs.judging import allowance
from harness.programs.judging.allowance import FACTOR, SMALL, Allowance
from harness.programs.traces import distance
from harness.programs.traces.alignment import ABSENT, Alignment, Indices, Numbers, align
from harness.programs.traces.distance import Flags
from harness.programs.traces.trace import (
    EVALUATION,
    FORWARD,
    GRADIENT,
    LOSS,
    REPORTED,
    UPDATE,
    Trace,
)

OBSERVED = 0
APPEARS = 10 * SMALL
"""Part of the largest gradient above which one that should be rounding is there after all."""
OWN = 1e-3
"""Distance that rounding of one operation stays below, of a tensor that is no mere rounding."""
CORE = (FORWARD, LOSS, GRADIENT, UPDATE)
"""Channels that make the weights; what is off in one comes again in every later step."""


@dataclass(frozen=True, eq=False)
class Relation:
    """Updates relative to the gradients that they were made of: what chaos leaves alone.

    Args:
        events: indices of updates.
        off: how far the logarithm of the ratio is from the baseline's.
        limit: what is allowed of that.
    """

    events: Indices
    off: Numbers
    limit: Numbers


@dataclass(frozen=True, eq=False)
class Compared:
    """Two sides beside each other.

    Args:
        off: relative distance of every event, ``[n]``; NaN where it is absent.
        excess: distance over allowance; the smaller one where two pairs of runs were compared.
        is_off: what counts as a difference.
        is_same: what is equal to the bit.
        is_again: whether a second pair of runs was compared.
    """

    aligned: Alignment
    allowance: Allowance
    off: Numbers
    excess: Numbers
    is_off: Flags
    is_same: Flags
    is_again: bool
    relation: Relation


def compare(observed: Trace, baseline: Trace, perturbed: Sequence[Trace],
            repeated: Trace | None, again: Trace | None = None) -> Compared:
    """Compare the observed side with the baseline's.

    Args:
        perturbed: runs of the baseline side from weights changed by last bits.
        repeated: the baseline run once more, unchanged.
        again: the observed side from weights changed as those of the first perturbed run were.
            What differs in both pairs is no accident of one run.
    """
    others = [observed, *perturbed]
    rerun = None if repeated is None else len(others)
    others += [] if repeated is None else [repeated]
    runs = list(range(1, len(others)))
    second = len(others) if again is not None and perturbed else None
    others += [again] if again is not None and second is not None else []
    aligned = align(baseline, others)
    off = distance.measure(aligned, OBSERVED)
    allowed = allowance.learn(aligned, runs, rerun, off)
    excess = _excess(off, allowed.limit)
    is_off = _off(aligned, allowed, off, OBSERVED)
    is_same = distance.is_same(aligned, OBSERVED)
    is_own = _own(aligned, allowed, off, is_same) | _told(aligned, allowed, off, is_same)
    if rerun is not None:
        is_own &= distance.is_same(aligned, rerun)
    if second is not None:
        other = distance.measure(aligned, second, against=1)
        excess = np.fmin(excess, _excess(other, allowed.limit))
        is_off &= _off(aligned, allowed, other, second) | np.isnan(other)
    return Compared(aligned, allowed, off, excess, is_off | is_own, is_same, second is not None,
                    _relate(aligned, allowed, runs, second))


def _excess(off: Numbers, limit: Numbers) -> Numbers:
    with np.errstate(all="ignore"):
        found: Numbers = np.where(off > 0, off / limit, np.where(np.isnan(off), np.nan, 0.0))
    return found


def _off(aligned: Alignment, allowed: Allowance, off: Numbers, other: int) -> Flags:
    """Return which events of a trace are off by more than is allowed."""
    found: Flags = (off > allowed.limit) & ~np.isin(aligned.series, allowed.volatile)
    is_core = np.isin(aligned.channel, CORE)
    if allowed.chaotic_from is not None:
        found &= ~is_core | (aligned.step < allowed.chaotic_from)
    norm = aligned.column("sketch", other)[:, 0]
    appears = (aligned.channel == GRADIENT) & (norm > APPEARS * _largest_norms(aligned))
    return np.where(allowed.is_noise, found & appears, found)


def _own(aligned: Alignment, allowed: Allowance, off: Numbers, is_same: Flags) -> Flags:
    """Return which events are off although all before them is equal to the bit.

    Then nothing was there to be amplified: what runs from last bits do, which leave ties and
    corners that the program itself sits on, excuses nothing. Of the channel in which the first
    event is unlike, gradients and updates of that step have the same inputs.
    """
    found = np.zeros(len(aligned), bool)
    unlike = ~is_same & ~np.isnan(off) & (aligned.channel <= UPDATE)
    if not unlike.any():
        return found
    first = int(np.argmax(unlike))
    step, channel = int(aligned.step[first]), int(aligned.channel[first])
    if channel in (FORWARD, LOSS):
        found[first] = True
    elif channel in CORE:
        found = (aligned.step == step) & (aligned.channel == channel)
    norms = np.fmax(aligned.column("sketch")[:, 0], aligned.column("sketch", OBSERVED)[:, 0])
    is_number = aligned.column("size") == 0
    with np.errstate(all="ignore"):
        is_large = is_number | ~(np.fmin(off, 1) * norms <= SMALL * _largest_norms(aligned))
    return np.asarray(found & (off > np.maximum(OWN, FACTOR * allowed.floor)) & is_large)


def _told(aligned: Alignment, allowed: Allowance, off: Numbers, is_same: Flags) -> Flags:
    """Return which evaluations and figures are off although the weights are equal to the bit.

    All that made them is, at least as far as it was looked at. Then an evaluation may be off by as
    much as the first forward pass makes of last bits, and a figure, if evaluations are equal as
    well, by rounding alone.
    """
    unlike = ~is_same & ~np.isnan(off)
    is_made = aligned.step < aligned.step[unlike & (aligned.channel <= UPDATE)].min(
        initial=np.iinfo(np.int64).max)
    at_first = np.isin(aligned.channel, (FORWARD, LOSS)) & (aligned.step == 0)
    amplified = float(allowed.learned[at_first].max(initial=0.0))
    is_evaluation = is_made & (aligned.channel == EVALUATION)
    is_figure = is_made & (aligned.channel == REPORTED) \
        & ~np.isin(aligned.series, allowed.volatile) \
        & (aligned.step < aligned.step[unlike & is_evaluation].min(
            initial=np.iinfo(np.int64).max))
    floor = allowed.rounding
    found: Flags = (is_evaluation & (off > np.maximum(OWN, FACTOR * (floor + amplified)))) | (
        is_figure & (off > FACTOR * floor))
    return found


def _largest_norms(aligned: Alignment) -> Numbers:
    """Return at every event the largest norm in its step and channel."""
    norm = np.nan_to_num(aligned.column("sketch")[:, 0], nan=0.0, posinf=0.0, neginf=0.0)
    group = np.cumsum(np.r_[0, (np.diff(aligned.step) != 0) | (np.diff(aligned.channel) != 0)]
                      )[:len(norm)]
    largest = np.zeros(int(group.max(initial=-1)) + 1)
    np.maximum.at(largest, group, norm)
    found: Numbers = largest[group]
    return found


def _relate(aligned: Alignment, allowed: Allowance, runs: Sequence[int],
            second: int | None) -> Relation:
    """Compare updates relative to their gradients."""
    updates, gradients = _pairs(aligned)
    base = _log_ratio(aligned, None, updates, gradients)
    low, high = base.copy(), base.copy()
    for run in runs:
        found = _log_ratio(aligned, run, updates, gradients)
        low, high = np.fmin(low, found), np.fmax(high, found)
    spread = np.zeros(len(aligned))
    spread[updates] = np.nan_to_num(high - low, nan=0.0)
    learned = aligned.running_maximum(spread)[updates]
    limit = FACTOR * (learned * allowed.scale + allowed.floor[updates])
    off = np.abs(_log_ratio(aligned, OBSERVED, updates, gradients) - base)
    if second is not None:
        off = np.fmin(off, np.abs(_log_ratio(aligned, second, updates, gradients)
                                  - _log_ratio(aligned, 1, updates, gradients)))
    return Relation(updates, np.nan_to_num(off, nan=0.0, posinf=0.0), limit)


def _pairs(aligned: Alignment) -> tuple[Indices, Indices]:
    """Return the updates of tensors that have a gradient in the same step, and these."""
    updates = np.flatnonzero((aligned.channel == UPDATE) & (aligned.column("size") > 0)
                             & ~_is_repeated(aligned))
    gradients = np.flatnonzero((aligned.channel == GRADIENT) & (aligned.column("size") > 0))
    count = len(aligned.baseline.header.names) + 1
    keys = [(aligned.step[at] * count + aligned.name[at]) for at in (updates, gradients)]
    if not gradients.size or not updates.size:
        return updates[:0], gradients[:0]
    sorter = np.argsort(keys[1], kind="stable")
    at = sorter[np.minimum(np.searchsorted(keys[1], keys[0], sorter=sorter), len(sorter) - 1)]
    is_pair = keys[1][at] == keys[0]
    return updates[is_pair], gradients[at[is_pair]]


def _is_repeated(aligned: Alignment) -> Flags:
    """Return which events are no first occurrence in their step."""
    found: NDArray[np.bool_] = aligned.column("occurrence") > 0
    return found


def _log_ratio(aligned: Alignment, other: int | None, updates: Indices,
               gradients: Indices) -> Numbers:
    """Return the logarithm of the norm of updates over that of gradients; NaN where absent."""
    norm = aligned.column("sketch", other)[:, 0]
    with np.errstate(all="ignore"):
        found = np.log(norm[updates]) - np.log(norm[gradients])
    if other is not None:
        place = aligned.places[other]
        found[(place[updates] == ABSENT) | (place[gradients] == ABSENT)] = np.nan
    return np.where(np.isfinite(found), found, np.nan)
