"""Trends: where a figure's series over many nights steps or slowly drifts.

Outside half. PELT on the ranks (Killick, Fearnhead & Eckley 2012, ``ruptures``) proposes
where a series steps; as in Hunter (Fleming et al. 2023) every proposal must then stand a
test against its neighbours, and the weakest falls until all stand. Here the test is Mann
and Whitney's, exact with ties, so that noise may have any scale and any tails. A slow
drift is Mann and Kendall's test. Both are corrected for every place where they could have
found something and for every series that varies: in a night in which nothing has changed,
the chance of any false alarm in a case is at most ``LEVEL``.

Noise that hangs together from night to night, as a busy machine's seconds do, counts for as
many nights as it is worth (Hamed & Rao 1998).

Measured, of one series searched alone: of 1000 series of 100 nights of noise each, normal,
normal of 1e-12 around 0.7, Student's t of 3, lognormal, two-level with shares of 1/2, 1/4 and
1/10, strictly alternating and of four whole numbers, FALSE. A step of three standard
deviations after 20 nights is found in 53 % after 6 nights, 80 % after 8, 89 % after 10 (t of 3:
64, 77, 85 %); after 60 nights, in 53 % after 5 and 89 % after 8. Among 15 series that vary, in
45 % after 8 and 71 % after 10. A drift of a tenth of a standard deviation a night is found in
59 % after 30 nights, 99 % after 40 and 100 % after 60 (among 15: 24, 93, 100 %). A figure without
noise is told four nights after it steps.

Nothing here is drawn at random: the same series gives the same changes.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import ruptures
from numpy.typing import NDArray
from scipy import stats

from harness import noise
from harness.history import Figure, History
from harness.night import minimum
from harness.significance import compare_losses

LEVEL = 1e-3
"""Chance of a false alarm among all series that are searched together, in one night."""
NIGHTS = 100
"""How many of the last nights are searched, if not asked otherwise."""
SHORTEST = 3
"""Nights that a level must last: an outlier, or two, is no change."""
PENALTY = 6.0
"""What a step must explain to be proposed, in squared standard errors: lenient, since a
test decides."""
STAIRS = 3
"""So many steps in a row, all the same way, are a drift."""
WINDOW = 40
"""Nights on either side of a step that are tested; exact tests of more are slow."""
RECENT = 60
"""Nights in which a drift is looked for, besides the whole series."""
STILL = (10, 4)
"""A figure without noise: so many nights to the bit the same, then so many with a value
never seen before. Two-level noise looks like that with a chance of 1e-3 at most."""


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
    if len(values) < 2 * SHORTEST or not varies(values):
        return []
    data = _comparable(values)
    level = LEVEL / max(1, series)
    steps = _steps(data, level)
    found = _drift(data, steps, level) or _merged(_levels(data, steps))
    changes = []
    for f in found:
        before, after = _median(f.before), _median(f.after)
        changes.append(Change(f.index, times[f.index], f.kind, _as_it_was(before, values),
                              _as_it_was(after, values), _size(before, after)))
    return [change for change in changes if change.size > smallest]


def _comparable(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the values with NaN, which compares with nothing, as large as infinity."""
    data = np.asarray(values, np.float64)
    return np.where(np.isnan(data), np.inf, data)


def varies(values: Sequence[float]) -> bool:
    """Return whether a figure was not the same to the bit in all nights."""
    data = _comparable(values)
    return bool((data != data[0]).any())


def _steps(data: NDArray[np.float64], level: float) -> list[int]:
    """Return where the series steps: proposals that all stand their test."""
    for wanted in ({"pen": PENALTY}, {"n_bkps": 1}):
        if steps := _standing(data, _proposed(data, **wanted), level):
            return steps
    return []


def _proposed(data: NDArray[np.float64], **wanted: float) -> list[int]:
    """Return where PELT, or for a number of steps an exact search, divides the ranks."""
    ranks = stats.rankdata(data)
    signal = ((ranks - ranks.mean()) / ranks.std()).reshape(-1, 1)
    search = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST).fit(signal)
    return [int(step) for step in search.predict(**wanted)[:-1]]


def _standing(data: NDArray[np.float64], proposed: list[int], level: float) -> list[int]:
    """Take away the weakest proposal until all that are left pass their test."""
    steps, ranks = list(proposed), stats.rankdata(data)
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


def _drift(data: NDArray[np.float64], steps: list[int], level: float) -> list[_Found]:
    """Return the drift of the whole series or of its last nights, after what stepped before.

    Nothing where steps tell it better; a step that no test of its own confirms, if the best
    single one does.
    """
    for start in dict.fromkeys((0, max(0, len(data) - RECENT))):
        part = data[start:]
        ranks, nights = stats.rankdata(part), np.arange(len(part))
        tau, p = stats.kendalltau(nights, ranks)
        if not 8 * p <= level:  # NaN where nothing varies
            continue
        share = noise.share_of_independent(noise.around_rise(ranks, tau > 0))
        if noise.weakened(8 * float(p), share) > level:
            continue
        before = _merged(_levels(data[:start], [step for step in steps if step < start]))
        inner = [step - start for step in steps if step > start] or _proposed(part, n_bkps=1)
        if _is_line(part, inner):
            fifth = max(SHORTEST, len(part) // 5)
            return [*before, _Found(start, "drift", part[:fifth], part[-fifth:])]
        if not steps:
            return _levels(data, [step + start for step in inner])
    return []


def _is_line(data: NDArray[np.float64], steps: list[int]) -> bool:
    """Return whether a line tells the series better than levels do."""
    shown = data if np.isfinite(data).all() else stats.rankdata(data)
    return noise.misfit(noise.around_line(shown), 2) \
        < noise.misfit(noise.around_levels(shown, steps), 2 * len(steps) + 1)


def _levels(data: NDArray[np.float64], steps: list[int]) -> list[_Found]:
    ends = [0, *steps, len(data)]
    return [_Found(step, "step", data[ends[i]:step], data[step:ends[i + 2]])
            for i, step in enumerate(steps)]


def _merged(steps: list[_Found]) -> list[_Found]:
    """Tell three steps or more in a row, all the same way, as the drift that they are."""
    found: list[_Found] = []
    for _, group in itertools.groupby(steps, lambda f: _median(f.after) > _median(f.before)):
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


def _size(before: float, after: float) -> float:
    if before == after:
        return 0.0
    if not (math.isfinite(before) and math.isfinite(after)):
        return math.inf
    return abs(after - before) / max(1.0, abs(before))
