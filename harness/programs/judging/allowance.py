"""What two runs of the same program may differ by, learned from runs of the baseline side.

Outside half. The baseline is run again from weights changed by last bits: how far these runs
are from each other is how much a program makes of rounding, at every step and of every tensor.
A difference counts beyond three times that, plus a floor that the element type has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.programs.judging import floors, kinks
from harness.programs.traces import distance
from harness.programs.traces.alignment import ABSENT, Alignment, Indices, Numbers
from harness.programs.traces.distance import Flags
from harness.programs.traces.trace import (
    DATA,
    EVALUATION,
    GRADIENT,
    INITIALISATION,
    LOSS,
    REPORTED,
    SCHEDULE,
    UPDATE,
)

FACTOR = 3.0
"""Times what the perturbed runs show, and the floor, that is allowed."""
MOVED = 8 * 2.0**-53
"""How far from each other perturbed runs in float64 begin, at least."""
CHAOS = 0.1
"""Distance of the perturbed runs' gradients, as a median, from which on runs are unlike."""
NOISE, CLEAN, SMALL = 0.3, 0.01, 1e-4
"""A gradient is nothing but rounding if perturbed runs are so far apart in it, while in most they
are not, and it is so much smaller than the largest."""
GRANULES = 1.5
"""Smallest steps of a counted figure, such as an accuracy, that it may be off by."""
FAR = 10.0
"""Times the loss of an unchanged run differs that a figure differs by which is none of training."""
FEWEST, COUNTED = 20, 1000
"""Examples of which a figure is taken for counted: with fewer, one of them is too much to allow."""
VALUES = 1000
"""Different values of a figure that are looked at."""
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Allowance:
    """What is allowed at every event of an alignment.

    Args:
        learned: running maximum of the perturbed runs' distances, ``[n]``.
        rounding: floor of the element type, ``[n]``.
        floor: the same, or the step of a figure that is counted or printed, or that of the
            type in which the two sides begin, ``[n]``.
        limit: the allowance, ``[n]``, relative to the baseline's event.
        is_noise: of gradients and updates that are nothing but rounding, ``[n]``.
        chaotic_from: step from which on runs from last bits are unlike; None if they stay alike.
        start: how far the two sides begin from each other by rounding of float32; 0 if they do not.
        volatile: series of reported figures that an unchanged run does not reproduce.
    """

    learned: Numbers
    rounding: Numbers
    floor: Numbers
    limit: Numbers
    is_noise: Flags
    chaotic_from: int | None
    volatile: Indices
    start: float = 0.0

    @property
    def scale(self) -> float:
        """Times what the perturbed runs show that two runs from that start would."""
        return self.start / MOVED if self.start else 1.0


def learn(aligned: Alignment, runs: list[int], repeated: int | None, off: Numbers) -> Allowance:
    """Return what is allowed at every event.

    A program in float64 can draw weights or data in float32. If these differ by rounding of that,
    which the perturbed runs do not, these are scaled up to it.

    Args:
        off: how far the observed run is from the baseline's, ``[n]``.
        runs: which of the other traces are runs of the baseline side, the repeated one too.
        repeated: which of them was run unchanged.
    """
    spread = np.zeros(len(aligned))
    for run in runs:
        spread = np.fmax(spread, distance.measure(aligned, run))
    is_number = aligned.column("size") == 0
    spread[is_number] = np.maximum(spread, _range(aligned, runs))[is_number]
    learned = aligned.running_maximum(spread)
    rounding = floors.find(aligned)
    floor = rounding + _granules(aligned, runs)
    learned = np.maximum(learned, kinks.find(aligned, spread, learned, floor, FACTOR))
    start = _start(aligned, off, FACTOR * (learned + floor))
    if start:
        is_scaled = aligned.channel != SCHEDULE
        learned = np.where(is_scaled, learned * (start / MOVED), learned)
        floor = np.where(is_scaled, np.maximum(floor, floors.FLOORS["float32"]), floor)
    return Allowance(learned, rounding, floor, FACTOR * (learned + floor),
                     _noise(aligned, spread), _chaos(aligned, learned),
                     _volatile(aligned, repeated), start)


def _start(aligned: Alignment, off: Numbers, limit: Numbers) -> float:
    """Return the largest difference of initial weights and data that is rounding of float32."""
    begins = np.isin(aligned.channel, (INITIALISATION, DATA))
    found = off[begins & (off > limit) & (off <= FACTOR * floors.FLOORS["float32"])]
    return float(found.max(initial=0.0))


def _range(aligned: Alignment, runs: list[int]) -> Numbers:
    """Return how far apart the baseline's runs are in plain numbers, relative as distances are.

    The baseline may be the outlier among them, so every pair counts.
    """
    values = aligned.column("sketch")[:, 0]
    low, high = values.copy(), values.copy()
    for run in runs:
        found = np.where(aligned.places[run] == ABSENT, np.nan,
                         aligned.column("sketch", run)[:, 0])
        low, high = np.fmin(low, found), np.fmax(high, found)
    with np.errstate(all="ignore"):
        spread = (high - low) / aligned.scale
    return np.asarray(np.nan_to_num(spread, nan=0.0))


def _granules(aligned: Alignment, runs: list[int]) -> Numbers:
    """Return the size of the smallest step of figures that are counted or printed, relative."""
    found = np.zeros(len(aligned))
    chosen = np.isin(aligned.channel, (EVALUATION, REPORTED)) & (aligned.column("size") == 0)
    if not chosen.any():
        return found
    values = np.stack([aligned.column("sketch")[:, 0], *(  # 0 is the observed run
        aligned.column("sketch", run)[:, 0] for run in [0, *runs])])
    scale = aligned.scale
    at_all = np.flatnonzero(chosen)
    at_all = at_all[np.argsort(aligned.series[at_all], kind="stable")]
    starts = np.flatnonzero(np.diff(aligned.series[at_all])) + 1
    for at in np.split(at_all, starts):
        step = granule(values[:, at].ravel())
        with np.errstate(all="ignore"):
            found[at] = np.where(scale[at] > 0, GRANULES / 3 * step / scale[at], 0.0)
    return found


def granule(values: Numbers) -> float:
    """Return the smallest step of figures that are counted or printed with few digits; 0 if none.

    An accuracy of 64 examples moves by 1/64, a loss printed as 0.41 by 0.01.
    """
    found = np.unique(values[np.isfinite(values)])[:VALUES]
    if not found.size or np.abs(found).max() > 1e6 or (found == np.round(found)).all():
        return 0.0
    for digits in range(1, _DIGITS):
        if np.abs(found - np.round(found, digits)).max() < 1e-9:
            return float(10.0**-digits)
    for factor in (1.0, 100.0):
        part = found / factor
        if (part < 0).any() or (part > 1).any():
            continue
        counts = np.arange(FEWEST, COUNTED + 1)[:, None] * part
        is_counted = (np.abs(counts - np.round(counts)) < 1e-6 * np.maximum(1, counts)).all(axis=1)
        if is_counted.any():
            return float(factor / (FEWEST + int(np.argmax(is_counted))))
    return 0.0


def _noise(aligned: Alignment, spread: Numbers) -> Flags:
    """Return which events are of parameters whose gradient is nothing but rounding."""
    noisy: set[int] = set()
    is_gradient = aligned.channel == GRADIENT
    if is_gradient.any():
        first = int(aligned.step[is_gradient].min())
        at = np.flatnonzero(is_gradient & (aligned.step == first))
        norm = aligned.column("sketch")[at, 0]
        usual = float(np.median(spread[at]))
        with np.errstate(all="ignore"):
            is_rounding = ((spread[at] >= NOISE) | (norm == 0)) & (norm <= SMALL * norm.max())
        if usual <= CLEAN:
            noisy = set(aligned.name[at[is_rounding]].tolist())
    chosen: NDArray[np.bool_] = np.isin(aligned.name, list(noisy)) & \
        np.isin(aligned.channel, (GRADIENT, UPDATE))
    return chosen


def _chaos(aligned: Alignment, learned: Numbers) -> int | None:
    """Return the first step in which the perturbed runs' gradients are unlike, as a median."""
    at = np.flatnonzero((aligned.channel == GRADIENT) & (aligned.column("size") > 0))
    if not at.size:
        at = np.flatnonzero((aligned.channel == LOSS) & (aligned.column("size") == 0))
    if not at.size:
        return None
    step, value = aligned.step[at], learned[at]
    order = np.lexsort((value, step))
    steps, start, count = np.unique(step[order], return_index=True, return_counts=True)
    medians = value[order][start + count // 2]
    return int(steps[np.argmax(medians > CHAOS)]) if (medians > CHAOS).any() else None


def _volatile(aligned: Alignment, repeated: int | None) -> Indices:
    """Return the reported series that an unchanged run does not reproduce though it trains alike.

    Times and rates are such. Where the training is not reproduced to the bit either, they are
    those that differ by far more than the loss does.
    """
    if repeated is None:
        return np.zeros(0, np.int64)
    off = distance.measure(aligned, repeated)
    usual = np.nan_to_num(off[aligned.channel == LOSS], nan=0.0).max(initial=0.0)
    return np.unique(aligned.series[(aligned.channel == REPORTED) & (off > FAR * usual)])
