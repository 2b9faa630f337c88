"""Steps: where the level of a series changes, and whether noise could look like that.

Outside half.
"""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import NDArray

from harness.compare.checks.significance import compare_losses
from harness.history import noise

SHORTEST = 3
"""Nights that a level must last: an outlier, or two, is no change."""
PENALTY = 6.0
"""What a step must explain to be proposed, in squared standard errors: lenient, since a
test decides."""
WINDOW = 40
"""Nights on either side of a step that are tested; exact tests of more are slow."""
STILL = (10, 4)
"""A figure without noise: so many nights to the bit the same, then so many with a value
never seen before. Two-level noise looks like that with a chance of 1e-3 at most."""


def find(data: NDArray[np.float64], level: float) -> list[int]:
    """Return where a series steps: proposals that all stand their test.

    Args:
        data: without NaN, not all equal, shape (nights,).
        level: chance of a false alarm.
    """
    for wanted in ({"pen": PENALTY}, {"n_bkps": 1}):
        if steps := _standing(data, propose(data, **wanted), level):
            return steps
    return []


def propose(data: NDArray[np.float64], **wanted: float) -> list[int]:
    """Return where PELT, or for a number of steps an exact search, divides the ranks."""
    ranks = scipy.stats.rankdata(data)
    signal = ((ranks - ranks.mean()) / ranks.std()).reshape(-1, 1)
    import ruptures  # takes a second, and most commands search for no step

    search = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST).fit(signal)
    return [int(step) for step in search.predict(**wanted)[:-1]]


def _standing(data: NDArray[np.float64], proposed: list[int], level: float) -> list[int]:
    """Take away the weakest proposal until all that are left pass their test."""
    steps, ranks = list(proposed), scipy.stats.rankdata(data)
    while steps:
        ends = [0, *steps, len(data)]
        share = noise.share_of_independent(noise.around_levels(ranks, steps))
        chances = [noise.weakened(_chance(data, *ends[i:i + 3]), share) for i in range(len(steps))]
        weakest = int(np.argmax(chances))
        if chances[weakest] <= level:
            return steps
        del steps[weakest]
    return []


def _chance(data: NDArray[np.float64], start: int, step: int, end: int) -> float:
    """Return the chance that noise has such a step anywhere, at most.

    A step could have been proposed at any night, and its neighbours too: p is multiplied
    by the number of ways to choose those that are not an end of the series.
    """
    before, after = data[max(start, step - WINDOW):step], data[step:min(end, step + WINDOW)]
    if _is_still(data, start, step, end):
        return 0.0
    nights, inner = len(data), (start > 0) + (end < len(data))
    ways = 2 * (nights - 2 * SHORTEST + 1) if inner == 0 else 8 * math.comb(nights, 1 + inner)
    short, long = sorted((before.tolist(), after.tolist()), key=len)
    return ways * compare_losses(short, long).p


def _is_still(data: NDArray[np.float64], start: int, step: int, end: int) -> bool:
    """Return whether a figure without noise steps to a value never seen before, or from one."""
    before, after = data[start:step], data[step:end]
    is_new = after[0] not in data[:step] or (start > 0 and before[0] not in data[:start])
    return is_new and len(before) >= STILL[0] and len(after) >= STILL[1] \
        and bool((before == before[0]).all() and (after == after[0]).all())
