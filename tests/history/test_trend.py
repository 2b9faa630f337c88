"""Trends: noise of any kind raises nothing, steps and slow drifts are found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.history.history import Figure, History, Night, Series
from harness.history.trend import LEVEL, Change, find, search

NOISE = {
    "normal": lambda rng, nights: rng.normal(size=nights),
    "tiny": lambda rng, nights: 0.7 + 1e-12 * rng.normal(size=nights),
    "heavy tails": lambda rng, nights: rng.standard_t(3, size=nights),
    "two levels": lambda rng, nights: np.where(rng.random(nights) < 0.25, 1.0, 2.0),
    "whole numbers": lambda rng, nights: rng.integers(0, 4, nights).astype(float),
}


def changes(values, smallest=0.0, series=1):
    """Return the changes of a series whose nights are named by their number."""
    return find(list(values), [str(night) for night in range(len(values))], smallest, series)


def noisy(seed, nights, scale=1.0):
    """Return normal noise."""
    return scale * np.random.default_rng(seed).normal(size=nights)


@pytest.mark.parametrize("kind", NOISE)
def test_noise_is_no_change(kind):
    """Twenty series of pure noise, of any scale and tails, raise nothing."""
    rng = np.random.default_rng(7)
    assert [found for _ in range(20) if (found := changes(NOISE[kind](rng, 60)))] == []


@pytest.mark.parametrize("values", [
    [0.7] * 100, [math.inf] * 50, [math.nan, math.inf] * 20, [1.0, 2.0] * 50, [], [1.0], [1.0] * 8,
    [0.7] * 30 + [0.8] + [0.7] * 30, [0.7] * 30 + [math.nan], [0.7] * 30 + [0.8] * 3,
], ids=range(10))
def test_what_is_constant_alternates_or_falls_out_once_is_no_change(values):
    """Constants, two-level alternation, single outliers and three odd nights raise nothing."""
    assert changes(values) == []


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_step_is_found_where_it_is(scale):
    """Three standard deviations after 20 nights are found within ten, at their night."""
    for seed in range(10):
        values = noisy(seed, 30)
        values[20:] += 4
        found = changes(values * scale)
        assert [change.kind for change in found] == ["step"]
        assert abs(found[0].index - 20) <= 2
        assert found[0].time == str(found[0].index)
        assert found[0].after - found[0].before == pytest.approx(4 * scale, rel=0.4)


def test_slow_drift_is_found_that_no_night_shows():
    """A tenth of a standard deviation a night, over 60 nights, is a drift."""
    for seed in range(10):
        values = noisy(seed, 60) + 0.1 * np.arange(60)
        found = changes(values)
        assert [change.kind for change in found] == ["drift"]
        assert 3 < found[0].after - found[0].before < 7


@pytest.mark.parametrize("curve", [np.sqrt, np.square, np.negative])
def test_drift_need_be_neither_straight_nor_noisy(curve):
    """A figure that only rises, or only falls, drifts, whatever its shape."""
    assert [c.kind for c in changes(curve(np.arange(80.0)))] == ["drift"]


def test_drift_after_quiet_nights_begins_late():
    """What was steady for long and then drifts is told as a drift of the last nights."""
    values = np.r_[noisy(1, 200), noisy(2, 60) + 0.1 * np.arange(60)]
    found = changes(values)
    assert [(c.kind, c.index >= 150) for c in found] == [("drift", True)]


def test_up_and_down_again_are_two_steps():
    """A level that returns does not hide that it left."""
    found = changes(np.r_[noisy(1, 40), noisy(2, 20) + 4, noisy(3, 40)])
    assert [c.kind for c in found] == ["step", "step"]
    assert all(abs(c.index - where) <= 2 for c, where in zip(found, (40, 60), strict=True))


def test_figure_without_noise_is_told_after_four_nights():
    """Ten nights to the bit the same, then four of a new value, and back again."""
    assert changes([0.7] * 10 + [0.8] * 4) == [Change(10, "10", "step", 0.7, 0.8, 0.8 - 0.7)]
    assert [c.index for c in changes([0.7] * 30 + [0.8] * 10 + [0.7] * 10)] == [30, 40]


@pytest.mark.parametrize(("before", "after"), [(0.7, math.inf), (math.nan, 0.7),
                                               (0.7, -math.inf)])
def test_figure_that_is_not_finite_steps(before, after):
    """To infinity or NaN and back is a step of infinite size."""
    (found,) = changes([before] * 12 + [after] * 6)
    assert (found.index, found.size) == (12, math.inf)
    assert str((found.before, found.after)) == str((before, after))


def test_small_changes_do_not_matter():
    """A change below the smallest size that matters is left out, however certain."""
    values = np.r_[noisy(1, 40, 1e-3) + 0.5, noisy(2, 40, 1e-3) + 0.52]
    assert len(changes(values, smallest=0.01)) == 1
    assert changes(values, smallest=0.1) == []


def test_noise_that_hangs_together_counts_for_less():
    """Of twenty series in which a night resembles the one before, at most one is told."""
    rng, told = np.random.default_rng(3), 0
    for _ in range(20):
        values = rng.normal(size=100)
        for night in range(1, 100):
            values[night] = 0.6 * values[night - 1] + 0.8 * values[night]
        told += bool(changes(values))
    assert told <= 1


def test_more_series_demand_more():
    """A step that is certain enough for one series is not so for thousands."""
    values = np.r_[noisy(4, 20), noisy(5, 8) + 6]
    assert changes(values)
    assert changes(values, series=int(1 / LEVEL)) == []


def history(values, hosts, name="float32_final_loss"):
    """Return a history of one series, a host each night."""
    nights = [Night(str(night), "silent", 0, host) for night, host in enumerate(hosts)]
    figure = Figure("xor", "a", "torch-2.13.0", name)
    return History(nights, [Series(figure, list(range(len(values))), list(values))], {})


def test_hosts_are_not_compared():
    """What comes with another machine is no change; on one machine it is."""
    values = [0.7] * 20 + [0.8] * 20
    both = search(history(values, ["a"] * 20 + ["b"] * 20))
    assert [trend.changes for trend in both] == [[], []]
    (trend,) = search(history(values, ["a"] * 40))
    assert [change.index for change in trend.changes] == [20]


def test_change_is_named_by_the_night_of_the_history():
    """Where two hosts take turns, index and time are those of all nights."""
    values = [0.7] * 40 + [0.8] * 20
    for trend in search(history(values, ["a", "b"] * 30)):
        (change,) = trend.changes
        assert change.index == (40 if trend.host == "a" else 41)
        assert change.time == str(change.index)


def test_only_the_last_nights_are_searched():
    """A change of long ago is not told for ever."""
    known = history([0.7] * 20 + [0.8] * 60, ["a"] * 80)
    assert search(known, last=70)[0].changes
    assert search(known, last=50)[0].changes == []


def test_a_hundredth_of_an_allowance_matters_but_less_does_not():
    """The smallest change that matters is that of the kind of figure."""
    values = [0.5] * 20 + [0.505] * 20
    assert search(history(values, ["a"] * 40))[0].changes
    assert search(history(values, ["a"] * 40, "float32_probe_ratio"))[0].changes == []
