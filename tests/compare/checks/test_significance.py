"""Two samples of native runs: exact small cases, symmetry, and few false alarms."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.compare.checks.significance import (
    LEVEL,
    Test,
    compare_losses,
    compare_shares,
    decide,
    runs_needed,
    share_trained,
    smallest_p,
)

EVERY = settings(derandomize=True, deadline=None)
LOSSES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, math.nan, math.inf]),
                  min_size=1, max_size=6)
RUNS = st.lists(st.booleans(), min_size=1, max_size=12)


@pytest.mark.parametrize(("observed", "baseline", "p", "effect"), [
    ([1, 2, 3], [4, 5, 6], 2 / 20, 0.0),
    ([4, 5, 6], [1, 2, 3], 2 / 20, 1.0),
    ([1, 1, 2], [2, 2, 2], 8 / 20, 1 / 6),  # by hand: 4 + 4 of 20 ways are as far apart
    ([0.5] * 5, [0.5] * 7, 1.0, 0.5),
    ([1], [2], 1.0, 0.0),
])
def test_losses_by_hand(observed: list[float], baseline: list[float], p: float,
                        effect: float) -> None:
    """Mann-Whitney gives what counting on paper gives."""
    test = compare_losses(observed, baseline)
    assert (test.p, test.effect) == pytest.approx((p, effect))


@EVERY
@given(LOSSES, LOSSES)
def test_losses_by_counting(observed: list[float], baseline: list[float]) -> None:
    """With ties and divergence, p is the share of all divisions that are as far apart."""
    pooled = [x if math.isfinite(x) else 1e9 for x in observed + baseline]
    ranks, size = stats.rankdata(pooled), len(observed)
    sums = [sum(chosen) for chosen in combinations(ranks, size)]
    mean = size * (len(pooled) + 1) / 2
    extreme = abs(sum(ranks[:size]) - mean)
    share = sum(abs(s - mean) >= extreme for s in sums) / len(sums)
    assert compare_losses(observed, baseline).p == pytest.approx(share)


@EVERY
@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(1, 20))
def test_losses_without_ties_are_scipys(seed: int, size: int, other: int) -> None:
    """Where SciPy's exact method applies, it agrees."""
    rng = np.random.default_rng(seed)
    observed, baseline = rng.normal(size=size).tolist(), rng.normal(1, size=other).tolist()
    found = compare_losses(observed, baseline)
    expected = stats.mannwhitneyu(observed, baseline, method="exact")
    assert found.p == pytest.approx(float(expected.pvalue))
    assert found.effect == pytest.approx(float(expected.statistic) / (size * other))


@EVERY
@given(LOSSES, LOSSES)
def test_losses_are_symmetric(observed: list[float], baseline: list[float]) -> None:
    """Swapping the sides changes the sign of the effect alone."""
    there, back = compare_losses(observed, baseline), compare_losses(baseline, observed)
    assert there.p == pytest.approx(back.p)
    assert there.effect == pytest.approx(1 - back.effect)


def test_divergence_is_the_largest_loss() -> None:
    """NaN, inf and -inf tie with each other and lose against any number."""
    diverged = compare_losses([math.nan, math.inf, -math.inf] * 3, [1e300] * 9)
    assert diverged.p == pytest.approx(2 / math.comb(18, 9))
    assert diverged.effect == 1.0
    assert compare_losses([math.nan] * 9, [math.inf] * 9).p == 1.0


def test_many_runs_stay_exact() -> None:
    """At fifty runs a side, half of them tied, the exact p is near the asymptotic one."""
    values = np.random.default_rng(0).normal(size=100).round(1)
    observed, baseline = values[:50].tolist(), (values[50:] + 0.3).tolist()
    expected = stats.mannwhitneyu(observed, baseline, method="asymptotic")
    assert compare_losses(observed, baseline).p == pytest.approx(float(expected.pvalue), rel=0.02)


@pytest.mark.parametrize(("observed", "baseline", "p"), [
    ((3, 3), (0, 3), 2 / 20),
    ((4, 4), (0, 2), 1 / 15),
    ((1, 8), (1, 8), 1.0),
    ((3, 4), (1, 4), 34 / 70),  # Fisher's lady tasting tea
])
def test_shares_by_hand(observed: tuple[int, int], baseline: tuple[int, int], p: float) -> None:
    """Fisher's exact test gives what counting on paper gives."""
    assert compare_shares(_runs(*observed), _runs(*baseline)).p == pytest.approx(p)


@EVERY
@given(RUNS, RUNS)
def test_shares_are_symmetric(observed: list[bool], baseline: list[bool]) -> None:
    """Swapping sides, or calling success failure, changes the sign of the effect alone."""
    there, back = compare_shares(observed, baseline), compare_shares(baseline, observed)
    failures = compare_shares([not x for x in observed], [not x for x in baseline])
    assert there.p == pytest.approx(back.p) == pytest.approx(failures.p)
    assert there.effect == pytest.approx(-back.effect) == pytest.approx(-failures.effect)


@EVERY
@given(RUNS, RUNS)
def test_no_p_is_below_half_the_smallest(observed: list[bool], baseline: list[bool]) -> None:
    """The smallest p holds, but for sides of unequal size that have no mirror image."""
    test = compare_shares(observed, baseline)
    assert 0 < test.smallest / 2 <= test.p * (1 + 1e-9)
    if len(observed) == len(baseline):
        assert test.smallest <= test.p * (1 + 1e-9)


def test_what_twenty_seeds_can_find() -> None:
    """If 20 of 20 runs train, 13 are found to be fewer by one test alone, 11 among six."""
    found = {k: compare_shares(_runs(20, 20), _runs(k, 20)).p for k in (11, 12, 13, 14)}
    assert found[13] < LEVEL < found[14]
    assert found[11] < LEVEL / 6 < found[12]


def test_runs_needed() -> None:
    """Five seeds are the fewest for one test at 0.01, seven for twelve."""
    assert smallest_p(4, 4) == pytest.approx(2 / 70)
    assert smallest_p(5, 5) == pytest.approx(2 / 252)
    assert (runs_needed(1, 0.01), runs_needed(12, 0.01)) == (5, 7)
    assert smallest_p(1, 1) == 1.0
    with pytest.raises(ValueError, match="0 and 3 runs"):
        compare_losses([], [1, 2, 3])
    with pytest.raises(ValueError, match="3 and 0 runs"):
        compare_shares([True] * 3, [])


def test_too_few_seeds_are_said_and_not_tested() -> None:
    """A test that no result could have made significant is none, and says what it needs."""
    few, enough = compare_losses([1] * 4, [2] * 4), compare_losses([1] * 9, [2] * 9)
    first, second = decide([few, enough])
    assert (first.corrected, first.significant, first.needed) == (None, False, 6)
    assert (second.significant, second.needed) == (True, None)
    assert decide([]) == []


def test_the_correction_is_benjamini_and_hochbergs() -> None:
    """Corrected by hand: p * m / rank, made monotone from the largest."""
    decisions = decide([_test(p) for p in (0.004, 0.001, 0.9, 0.02)])
    assert [d.corrected for d in decisions] == pytest.approx([0.008, 0.004, 0.9, 0.08 / 3])
    assert [d.significant for d in decisions] == [True, True, False, False]


@EVERY
@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=12))
def test_the_correction_keeps_order_and_never_helps(raw: list[float]) -> None:
    """A corrected p is never below its own, and larger ones stay larger."""
    decisions = sorted(decide([_test(p) for p in raw]), key=lambda d: d.test.p)
    corrected = [d.corrected for d in decisions]
    assert all(c is not None and c >= d.test.p * (1 - 1e-9)
               for c, d in zip(corrected, decisions, strict=True))
    assert all(a <= b for a, b in pairwise(corrected))  # type: ignore[operator]


def test_false_alarms_stay_within_the_level() -> None:
    """Where nothing changed, comparisons of four tests alarm no more often than 1 in 10 asked.

    Both tests on the same runs, two recipes: one that mostly sticks at 0.5, one that
    mostly trains. 500 repetitions: three standard errors are 0.04.
    """
    rng, alarms, repetitions = np.random.default_rng(7), 0, 500
    for _ in range(repetitions):
        tests = []
        for share in (0.2, 0.9):
            trained = rng.random(16) < share
            losses = np.where(trained, rng.exponential(0.01, 16), 0.5).tolist()
            runs = trained.tolist()
            tests += [compare_losses(losses[:8], losses[8:]), compare_shares(runs[:8], runs[8:])]
        alarms += any(d.significant for d in decide(tests, 0.1))
    assert alarms / repetitions <= 0.1 + 0.04


@pytest.mark.parametrize(("trained", "runs", "low", "high"), [
    (0, 20, 0.0, 1 - 0.025 ** (1 / 20)), (20, 20, 0.025 ** (1 / 20), 1.0), (1, 1, 0.025, 1.0)])
def test_shares_of_all_or_none(trained: int, runs: int, low: float, high: float) -> None:
    """Clopper and Pearson's bounds at the ends have a closed form."""
    interval = share_trained(_runs(trained, runs))
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.share == trained / runs


@pytest.mark.parametrize("runs", [1, 5, 20])
def test_intervals_cover(runs: int) -> None:
    """Whatever the true share, the interval holds it in at least 95 of 100 samples."""
    intervals = [share_trained(_runs(trained, runs)) for trained in range(runs + 1)]
    for share in np.linspace(0.01, 0.99, 50):
        covered = sum(float(stats.binom.pmf(trained, runs, share))
                      for trained, i in enumerate(intervals) if i.low <= share <= i.high)
        assert covered >= 0.95 - 1e-9


def _runs(trained: int, runs: int) -> list[bool]:
    return [True] * trained + [False] * (runs - trained)


def _test(p: float) -> Test:
    return Test(p, smallest=0.0, effect=0.5)
