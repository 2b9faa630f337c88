"""Kinks: how far runs are thrown apart where a program is not smooth.

Outside half. Where a unit that rectifies, or the larger of two in a pool, changes sides in one
run and not in another, their distance jumps; in which run it does so first is luck. So a jump
that the perturbed runs show soon after is allowed before it as well, from the second step on.
"""

from __future__ import annotations

import numpy as np

from harness.programs.traces.alignment import Alignment, Indices, Numbers
from harness.programs.traces.distance import Flags
from harness.programs.traces.trace import FORWARD, GRADIENT, LOSS, UPDATE

LARGEST = 0.05
"""Largest distance that a kink throws runs apart by."""
AHEAD, AT_LEAST = 4, 16
"""A jump is soon after a step if it comes before so many times that step and so many more."""


def find(aligned: Alignment, spread: Numbers, learned: Numbers, floor: Numbers, factor: float
         ) -> Numbers:
    """Return the largest jump soon after every event, ``[n]``; 0 in the first step.

    Args:
        spread: distance of the perturbed runs, the largest at every event.
        learned: running maximum of the spread.
        floor: of every event.
        factor: times what was learned before, and the floor, beyond which a distance jumps.
    """
    found = np.zeros(len(aligned))
    before, has_before = _before(aligned, learned)
    jumps = has_before & (spread > factor * (before + floor)) & (spread <= LARGEST)
    for channel in (FORWARD, LOSS, GRADIENT, UPDATE):
        at = aligned.channel == channel
        if (at & jumps).any():
            steps = np.unique(aligned.step[at])
            sizes = np.zeros(len(steps))
            np.maximum.at(sizes, np.searchsorted(steps, aligned.step[at & jumps]),
                          spread[at & jumps])
            soon = _largest_ahead(steps, sizes)
            found[at] = soon[np.searchsorted(steps, aligned.step[at])]
    return np.where(has_before, found, 0.0)


def _before(aligned: Alignment, learned: Numbers) -> tuple[Numbers, Flags]:
    """Return what was learned at the event before in a series, and where there is one."""
    sorter = np.argsort(aligned.series, kind="stable")
    is_next = np.r_[False, np.diff(aligned.series[sorter]) == 0][:len(sorter)]
    found, has_before = np.zeros(len(aligned)), np.zeros(len(aligned), bool)
    found[sorter[is_next]] = learned[sorter][:-1][is_next[1:]]
    has_before[sorter[is_next]] = True
    return found, has_before


def _largest_ahead(steps: Indices, sizes: Numbers) -> Numbers:
    """Return the largest size from every step on to as far as counts as soon."""
    end = np.searchsorted(steps, AHEAD * steps + AT_LEAST, side="right")
    tables = [sizes]
    while 2 ** len(tables) <= len(steps):
        half, last = 2 ** (len(tables) - 1), tables[-1]
        tables.append(np.maximum(last, np.r_[last[half:], np.zeros(half)]))
    start = np.arange(len(steps))
    level = np.log2(np.maximum(end - start, 1)).astype(int)
    table = np.stack(tables)
    found: Numbers = np.maximum(table[level, start], table[level, end - 2**level])
    return found
