"""Two samples of native runs: could chance alone have made them so different?

Outside half: NumPy and SciPy. Runs of one seed in two versions are not the same run, so
samples are compared as distributions, never run to run. Every test here is exact: the
samples are small, and their losses tie, since runs that are stuck are stuck at the same
number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import scipy

LEVEL = 0.01
"""Share of false findings that is put up with. Where nothing has changed, this is the
chance that a whole comparison raises a false alarm, however many tests it holds: one
in a hundred upgrades at most. Twenty seeds lose little by it: if all of them train, 13
of 20 are found to be fewer by a test alone, 11 by one among six."""
CONFIDENCE = 0.95
"""Of intervals, which only inform."""


@dataclass(frozen=True)
class Test:
    """One test of the hypothesis that both samples come from one distribution.

    Args:
        p: chance of a difference at least as large, if they do.
        smallest: the smallest p that samples of these sizes can give at all.
        effect: how large the difference is, in the words of the function that tested.
    """

    __test__ = False  # pytest need not collect it
    p: float
    smallest: float
    effect: float


@dataclass(frozen=True)
class Decision:
    """What one test of several says.

    Args:
        corrected: p after the correction; None where it was not tested.
        significant: whether the two samples differ.
        needed: runs of either side without which it is not tested; None where it was.
    """

    test: Test
    corrected: float | None
    significant: bool
    needed: int | None


@dataclass(frozen=True)
class Interval:
    """A share, and between which bounds the true one lies."""

    share: float
    low: float
    high: float


def compare_losses(observed: Sequence[float], baseline: Sequence[float]) -> Test:
    """Test with Mann and Whitney's U whether one side's losses tend to be larger.

    Two-sided and exact with ties as well: p is the share of all ways to divide the
    pooled midranks among the two sides that put the observed side's sum as far from its
    mean. The effect is the chance that an observed loss is larger than one of the
    baseline, a tie counting half; 0.5 is no difference. The time grows with the fourth
    power of the runs: 10 ms at 20 a side, a second at 100.

    Args:
        observed, baseline: final losses, at least one. One that is not finite, a run
            that diverged, counts as larger than any that is, and ties with its like.

    Source:
        Mann & Whitney, Ann. Math. Statist. 18, 1947; the sums' distribution by
        the shift algorithm, Streitberg & Roehmel, Stat. Softw. Newsl. 12, 1986.
    """
    size, other = len(observed), len(baseline)
    smallest = smallest_p(size, other)
    pooled = [value if math.isfinite(value) else math.inf for value in (*observed, *baseline)]
    doubled = np.rint(2 * scipy.stats.rankdata(pooled)).astype(int)
    ways = _ways(doubled, size)
    distance = np.abs(np.arange(len(ways)) - size * (size + other + 1))
    total = int(doubled[:size].sum())
    p = float(ways[distance >= distance[total]].sum() / ways.sum())
    wins = total / 2 - size * (size + 1) / 2
    return Test(min(p, 1.0), smallest, wins / (size * other))


def compare_shares(observed: Sequence[bool], baseline: Sequence[bool]) -> Test:
    """Test with Fisher's exact test whether one side trains more often.

    Two-sided: p sums the tables that are no likelier than this one. The effect is
    the observed share less the baseline's.

    Args:
        observed, baseline: of every run, whether it trained; at least one.

    Source:
        Fisher, Statistical Methods for Research Workers, 5th edition, 1934, section 21.02.
    """
    smallest = smallest_p(len(observed), len(baseline))
    table = [[sum(side), len(side) - sum(side)] for side in (observed, baseline)]
    effect = sum(observed) / len(observed) - sum(baseline) / len(baseline)
    return Test(min(float(scipy.stats.fisher_exact(table)[1]), 1.0), smallest, effect)


def decide(tests: Sequence[Test], level: float = LEVEL) -> list[Decision]:
    """Decide all tests of one comparison, its false discovery rate held at the level.

    A test that could not reach the level as the only one to find something is not
    tested: its silence would mean nothing. What is left is corrected with Benjamini
    and Hochberg's procedure, which holds for tests that are independent or, as these
    on the same runs, positively dependent.

    Source:
        Benjamini & Hochberg, J. R. Stat. Soc. B 57, 1995; Benjamini & Yekutieli,
        Ann. Statist. 29, 2001.
    """
    able = [test.smallest <= level / len(tests) for test in tests]
    raw = [test.p for test, is_able in zip(tests, able, strict=True) if is_able]
    corrected = iter(scipy.stats.false_discovery_control(raw).tolist() if raw else [])
    decisions = []
    for test, is_able in zip(tests, able, strict=True):
        p = next(corrected) if is_able else None
        needed = None if is_able else runs_needed(len(tests), level)
        decisions.append(Decision(test, p, p is not None and p <= level, needed))
    return decisions


def smallest_p(observed: int, baseline: int) -> float:
    """Return the smallest p that either test reaches with so many runs, wholly apart.

    One of the ``C(n + m, n)`` equally likely ways, and its mirror image.

    Raises:
        ValueError: a side has no run.
    """
    if min(observed, baseline) < 1:
        raise ValueError(f"{observed} and {baseline} runs: nothing to compare")
    return min(1.0, 2 / math.comb(observed + baseline, observed))


def runs_needed(tests: int, level: float = LEVEL) -> int:
    """Return how many runs of either side let one of so many tests reach the level.

    Args:
        level: above 0.
    """
    return next(runs for runs in count(1) if smallest_p(runs, runs) <= level / tests)


def share_trained(trained: Sequence[bool]) -> Interval:
    """Return the share of runs that trained, with its exact confidence interval.

    Args:
        trained: of every run; at least one.

    Source:
        Clopper & Pearson, Biometrika 26, 1934: at least ``CONFIDENCE`` for any share.
    """
    result = scipy.stats.binomtest(sum(trained), len(trained))
    bounds = result.proportion_ci(CONFIDENCE, method="exact")
    return Interval(sum(trained) / len(trained), float(bounds.low), float(bounds.high))


def _ways(ranks: np.ndarray, size: int) -> np.ndarray:
    """Return, for each sum, in how many ways ``size`` of the ranks have it."""
    ways = np.zeros((size + 1, int(ranks.sum()) + 1))
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, :-rank]
    return np.asarray(ways[size])
