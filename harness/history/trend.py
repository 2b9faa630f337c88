"""Trends: where a figure's series over many nights steps or slowly drifts.

Outside half. PELT on the ranks (Killick, Fearnhead & Eckley 2012, ``ruptures``) proposes
where a series steps; as in Hunter (Fleming et al. 2023) every proposal must then stand a
test against its neighbours, and the weakest falls until all stand. Here the test is Mann
and Whitney's, exact with ties, so that noise may have any scale and any tails. A slow
drift is Mann and Kendall's test. Both are corrected for every place where they could have
found something and for every series that varies, so that in a night in which nothing has
changed the chance of any false alarm in a case stays near ``LEVEL``. Noise that hangs
together from night to night, as a busy machine's seconds do, counts for as many nights as it
is worth (Hamed & Rao 1998).

Measured, one series searched alone: of 1000 series of 100 nights each, none is told in
normal noise, in normal noise of 1e-12 around 0.7, in Student's t of 3, lognormal, two-level
with shares of 1/4 and 1/10, strictly alternating and four-level noise; 2 are with two levels
that are equally frequent. Searched again every fourth night, 0 of 60 each are ever told; where
neighbouring nights are correlated by 0.3 or 0.6, though, 3 and 13 of 60. A step of three
standard deviations after 20 nights is found at its place in 54 % after 6 nights, 86 % after 8,
94 % after 10 (t of 3: 66, 77, 86 %); after 60 nights, in 53 % after 5 and 89 % after 8. Among
15 series that vary, in 51 % after 8 and 76 % after 10. A drift of a tenth of a standard
deviation a night is found in 58 % after 30 nights, 99 % after 40 and 100 % after 60 (among 15:
24, 94, 100 %). A figure without noise is told four nights after it stepped.

Nothing here is drawn at random: the same series gives the same changes.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from harness.compare.checks.finding import relative
from harness.history import changepoints, noise
from harness.history.history import Figure, History
from harness.history.night import minimum

LEVEL = 1e-3
"""Chance of a false alarm among all series that are searched together, in one night."""
NIGHTS = 100
"""How many of the last nights are searched, if not asked otherwise."""
STAIRS = 3
"""So many steps in a row, all the same way, are a drift."""
RECENT = 60
"""Nights in which a drift is looked for, besides the whole series."""


@dataclass(frozen=True)
class Change:
    """One change of a series.

    Args:
        index: the first night of the new level, or of the drift.
        time: that night's.
        kind: ``step`` or ``drift``.
        before, after: medians of the levels on both sides; of a drift, of its first and
            its last fifth.
        size: their difference, relative to the larger of 1 and ``before``.
    """

    index: int
    time: str
    kind: str
    before: float
    after: float
    size: float


@dataclass(frozen=True)
class Trend:
    """The nights of one figure on one host, and what changed there.

    Args:
        nights: indices into the history's nights; those of the changes are such, too.
        values: shape (nights,).
    """

    figure: Figure
    host: str
    nights: list[int]
    values: list[float]
    changes: list[Change]


@dataclass(frozen=True)
class _Found:
    index: int
    kind: str
    before: NDArray[np.float64]
    after: NDArray[np.float64]


def search(history: History, last: int = NIGHTS) -> list[Trend]:
    """Return every figure of a case on every host, with its changes, if any.

    Numbers of different hosts are not compared: what comes with another processor is not
    the framework's.

    Args:
        last: how many nights to look at, so that what is long known is not told for ever.
    """
    first = len(history.nights) - last
    parts: dict[tuple[Figure, str], tuple[list[int], list[float]]] = {}
    for series in history.series:
        for night, value in zip(series.nights, series.values, strict=True):
            if night >= first:
                part = parts.setdefault((series.figure, history.nights[night].host), ([], []))
                part[0].append(night)
                part[1].append(value)
    varying = sum(varies(values) for _, values in parts.values())
    trends = []
    for (figure, host), (nights, values) in parts.items():
        times = [history.nights[night].at for night in nights]
        changes = [dataclasses.replace(change, index=nights[change.index])
                   for change in find(values, times, minimum(figure.name), varying)]
        trends.append(Trend(figure, host, nights, values, changes))
    return trends


def find(values: Sequence[float], times: Sequence[str], smallest: float = 0.0,
         series: int = 1) -> list[Change]:
    """Return the changes of one series, in order.

    Args:
        values: one figure, a night each, shape (nights,); NaN counts as infinity.
        times: of the nights, shape (nights,).
        smallest: a change of a smaller size is not one.
        series: how many series that vary are searched together.

    Source:
        Killick, Fearnhead & Eckley, J. Am. Stat. Assoc. 107, 2012; Fleming, Kolaczkowski,
        Kumar et al., ICPE 2023; Mann, Econometrica 13, 1945; Kendall, Rank Correlation
        Methods, 1975; Hamed & Rao, J. Hydrol. 204, 1998.
    """
    if len(values) < 2 * changepoints.SHORTEST or not varies(values):
        return []
    data = _comparable(values)
    level = LEVEL / max(1, series)
    places = changepoints.find(data, level)
    found = _drift(data, places, level) or _merged(_levels(data, places))
    changes = []
    for f in found:
        before, after = _median(f.before), _median(f.after)
        changes.append(Change(f.index, times[f.index], f.kind, _as_it_was(before, values),
                              _as_it_was(after, values), relative(after, before)))
    return [change for change in changes if change.size > smallest]


def _comparable(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the values with NaN, which compares with nothing, as large as infinity."""
    data = np.asarray(values, np.float64)
    return np.where(np.isnan(data), np.inf, data)


def varies(values: Sequence[float]) -> bool:
    """Return whether a figure was not the same to the bit in all nights."""
    data = _comparable(values)
    return bool((data != data[0]).any())


def _drift(data: NDArray[np.float64], places: list[int], level: float) -> list[_Found]:
    """Return the drift of the whole series or of its last nights, after what stepped before.

    Nothing where steps tell it better; a step that no test of its own confirms, if the best
    single one does.
    """
    for start in dict.fromkeys((0, max(0, len(data) - RECENT))):
        part = data[start:]
        ranks, nights = scipy.stats.rankdata(part), np.arange(len(part))
        tau, p = scipy.stats.kendalltau(nights, ranks)
        if not 8 * p <= level:  # NaN where nothing varies
            continue
        share = noise.share_of_independent(noise.around_rise(ranks, tau > 0))
        if noise.weakened(8 * float(p), share) > level:
            continue
        before = _merged(_levels(data[:start], [step for step in places if step < start]))
        inner = [step - start for step in places if step > start] \
            or changepoints.propose(part, n_bkps=1)
        if _is_line(part, inner):
            fifth = max(changepoints.SHORTEST, len(part) // 5)
            return [*before, _Found(start, "drift", part[:fifth], part[-fifth:])]
        if not places:
            return _levels(data, [step + start for step in inner])
    return []


def _is_line(data: NDArray[np.float64], places: list[int]) -> bool:
    """Return whether a line tells the series better than levels do."""
    shown = data if np.isfinite(data).all() else scipy.stats.rankdata(data)
    return noise.misfit(noise.around_line(shown), 2) \
        < noise.misfit(noise.around_levels(shown, places), 2 * len(places) + 1)


def _levels(data: NDArray[np.float64], places: list[int]) -> list[_Found]:
    ends = [0, *places, len(data)]
    return [_Found(step, "step", data[ends[i]:step], data[step:ends[i + 2]])
            for i, step in enumerate(places)]


def _merged(levels: list[_Found]) -> list[_Found]:
    """Tell three steps or more in a row, all the same way, as the drift that they are."""
    found: list[_Found] = []
    for _, group in itertools.groupby(levels, lambda f: _median(f.after) > _median(f.before)):
        row = list(group)
        found += row if len(row) < STAIRS else [
            _Found(row[0].index, "drift", row[0].before, row[-1].after)]
    return found


def _median(values: NDArray[np.float64]) -> float:
    """Return the lower median: a value that was measured, finite or not."""
    return float(np.sort(values)[(len(values) - 1) // 2])


def _as_it_was(value: float, values: Sequence[float]) -> float:
    """Return NaN for the infinity that stands for it."""
    return math.nan if value == math.inf and math.inf not in values else value
