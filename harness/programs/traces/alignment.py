"""Events of several traces beside each other: by step, channel, name and occurrence.

Outside half. The baseline's events are put in causal order; of every other trace it is known
where each of them is, if it is there at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.programs.traces import renaming
from harness.programs.traces.renaming import Renaming
from harness.programs.traces.trace import FORWARD, GRADIENT, LOSS, Trace

ABSENT = -1
_LOSS_MODULE = re.compile(r"Loss|Criterion|Crossentropy|MeanSquaredError|MeanAbsoluteError")
FAINT = 0.01
"""Part of the largest number so far of a series that a number's distance is relative to at least:
a loss near 0 is not compared to the last digit."""
Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Alignment:
    """The baseline's events in causal order, and those of other traces beside them.

    Args:
        baseline: the trace.
        order: index of each event in the baseline's trace.
        step, channel, name: of each event; of a loss that is a module's output the channel is loss.
        series: number of its channel and name; events of one are in order of step.
        places: for every other trace the index of the same event in it, or ``ABSENT``.
        extra: for every other trace the indices of events that the baseline does not have.
        renamings: of the first of the others, the observed trace.
    """

    baseline: Trace
    others: tuple[Trace, ...]
    order: Indices
    step: Indices
    channel: Indices
    name: Indices
    series: Indices
    places: tuple[Indices, ...]
    extra: tuple[Indices, ...]
    renamings: tuple[Renaming, ...]

    def __len__(self) -> int:
        return len(self.order)

    def column(self, name: str, other: int | None = None) -> NDArray[Any]:
        """Return a column of the baseline's events, or of another trace's beside them.

        Args:
            other: which trace; where an event is absent in it stands its first one.
        """
        if other is None:
            found: NDArray[Any] = getattr(self.baseline, name)[self.order]
        else:
            found = getattr(self.others[other], name)
            found = found[np.maximum(self.places[other], 0)] if len(found) else \
                np.zeros((len(self), *found.shape[1:]), found.dtype)
        return found

    def running_maximum(self, values: Numbers) -> Numbers:
        """Return at every event the largest value of its series up to there; NaN counts as 0.

        Ranks are accumulated, not values, so that all series are done at once and exactly.
        """
        if not len(values):
            return values
        values = np.nan_to_num(values, nan=0.0, posinf=np.inf)
        sorter = np.argsort(self.series, kind="stable")
        group = self.series[sorter]
        levels, ranks = np.unique(values[sorter], return_inverse=True)
        number = np.cumsum(np.r_[0, group[1:] != group[:-1]]) * len(levels)
        found = np.empty_like(values)
        found[sorter] = levels[np.maximum.accumulate(ranks.reshape(-1) + number) - number]
        return found

    @cached_property
    def scale(self) -> Numbers:
        """What the distance of plain numbers is relative to: the baseline's, or near 0 a part of
        the largest of the series so far."""
        values = self.column("sketch")[:, 0]
        size = np.abs(np.where(np.isfinite(values), values, 0.0))
        return np.maximum(size, FAINT * self.running_maximum(size))

    def text(self, event: int) -> str:
        """Return the name of an event."""
        return self.baseline.header.names[int(self.name[event])]


def align(baseline: Trace, others: Sequence[Trace]) -> Alignment:
    """Align other traces with the baseline's.

    Args:
        others: the observed one first; only of that are names matched that differ.
    """
    order = _in_causal_order(baseline)
    tables = [_same_names(other, baseline) for other in others]
    renamings: list[Renaming] = []
    if others:
        matched, renamings = renaming.match(others[0], baseline)
        for own, known in matched.items():
            tables[0][own] = known
    keys = _keys(baseline, others, tables)
    mine = keys[0][order]
    sorter = np.argsort(mine, kind="stable")
    places, extra = [], []
    for theirs in keys[1:]:
        if np.array_equal(theirs, keys[0]):  # the same events in the same order
            places.append(order)
            extra.append(order[:0])
            continue
        at = np.searchsorted(mine, theirs, sorter=sorter)
        at = sorter[np.minimum(at, len(mine) - 1)] if len(mine) else at
        is_known = (mine[at] == theirs) if len(mine) else np.zeros(len(theirs), bool)
        place = np.full(len(mine), ABSENT, np.int64)
        place[at[is_known]] = np.flatnonzero(is_known)
        places.append(place)
        extra.append(np.flatnonzero(~is_known))
    channel = _channels(baseline)[order]
    name = baseline.name[order].astype(np.int64)
    return Alignment(baseline, tuple(others), order, baseline.step[order].astype(np.int64), channel,
                     name, channel * len(baseline.header.names) + name, tuple(places),
                     tuple(extra), tuple(renamings))


def is_loss_module(kind: str) -> bool:
    """Return whether a class of modules computes a loss, by its name."""
    return bool(_LOSS_MODULE.search(kind))


def _channels(trace: Trace) -> Indices:
    """Return the channels of events, that of a loss module's output being loss."""
    modules, tensors = trace.header.modules, trace.header.tensors
    is_loss = np.array([is_loss_module(modules.get(tensors.get(name, ""), ""))
                        and ":input" not in name for name in trace.header.names], bool)
    channel = trace.channel.astype(np.int64)
    if len(trace):
        channel[(channel == FORWARD) & is_loss[trace.name]] = LOSS
    return channel


def _in_causal_order(trace: Trace) -> Indices:
    """Return the indices of events in causal order: of gradients the last parameter comes first."""
    position = np.arange(len(trace))
    position[trace.channel == GRADIENT] *= -1
    return np.lexsort((position, _channels(trace), trace.step))


def _same_names(trace: Trace, baseline: Trace) -> Indices:
    """Return for every name of a trace its index in the baseline, or ``ABSENT``."""
    known = {name: i for i, name in enumerate(baseline.header.names)}
    return np.array([known.get(name, ABSENT) for name in trace.header.names], np.int64)


def _keys(baseline: Trace, others: Sequence[Trace], tables: Sequence[Indices]) -> list[Indices]:
    """Return a number for every event, equal where events are the same one; -1 where none can be.

    Name and occurrence are numbered together, so that no product leaves 64 bits.
    """
    sides: list[tuple[Trace, Indices]] = [(baseline, baseline.name.astype(np.int64))]
    sides += [(trace, table[trace.name] if len(table) else trace.name.astype(np.int64))
              for trace, table in zip(others, tables, strict=True)]
    pairs = [name * 2**31 + trace.occurrence for trace, name in sides]
    known = np.unique(pairs[0])
    keys = []
    for (trace, name), pair in zip(sides, pairs, strict=True):
        at = np.minimum(np.searchsorted(known, pair), max(len(known) - 1, 0))
        key = (trace.step.astype(np.int64) * 16 + trace.channel) * max(len(known), 1) + at
        is_known = (known[at] == pair) if len(known) else np.zeros(len(pair), bool)
        keys.append(np.where(is_known & (name >= 0), key, -1))
    return keys
