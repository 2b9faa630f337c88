"""Harm: where the loss ends beside the baseline's own runs, and whether it trains at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from harness.compare.checks.finding import Verdict
from harness.programs.judging import phrases
from harness.programs.judging.harm import curve, direction, weigh
from harness.programs.judging.verdict import Outcome
from harness.programs.traces.trace import Trace
from tests.kit import traces

STEPS = 60
FALL = np.exp(-np.arange(STEPS) / 12) + 0.2
FLAT = np.full(STEPS, 1.2)
WAVE = np.where(np.arange(STEPS) % 2, 1.0, -1.0)


def run(values: Sequence[float] | np.ndarray) -> Trace:
    """Return a run with these losses."""
    log = traces.Log()
    for step, value in enumerate(values):
        log.number(step, "loss", "loss", float(value))
    return log.trace()


def outcome(observed: np.ndarray, runs: Sequence[np.ndarray] = ()) -> Outcome:
    """Return what becomes of a training that falls."""
    return weigh(run(observed), run(FALL), [run(other) for other in runs])


@pytest.mark.parametrize(("observed", "verdict", "words"), [
    (FALL, Verdict.DRIFT, "every loss is the same"),
    (FALL * 1.01, Verdict.DRIFT, "by up to 1 % and ends at"),
    (FALL * 1.01, Verdict.DRIFT, "training still converges"),
    (FALL + 0.1 * np.arange(STEPS) / STEPS, Verdict.REGRESSION, "worse than any run of the"),
    (FLAT, Verdict.REGRESSION, "no longer trains: 1.2 to 1.2, baseline to"),
    (FALL * 32, Verdict.REGRESSION, "training still converges"),
    (np.where(np.arange(STEPS) < 30, FALL, np.nan), Verdict.REGRESSION,
     "the observed loss is not finite from step 30"),
    (FALL * 0.8, Verdict.DRIFT, "training still converges"),
])
def test_outcomes(observed: np.ndarray, verdict: Verdict, words: str) -> None:
    """A regression is a loss that breaks, stays, or ends above every run of the baseline."""
    found = outcome(observed)
    assert found.verdict is verdict and words in found.sentence


def test_what_the_baselines_own_runs_do_is_no_regression() -> None:
    """Under chaos losses are half as large again at one step; where they end is what counts."""
    wild = FALL + 0.09 * WAVE
    runs = [FALL + 0.09 * WAVE * sign + 0.04 * sign for sign in (-1, 1)]
    found = outcome(wild + 0.06, runs)
    assert found.verdict is Verdict.DRIFT and "as far as runs of the baseline" in found.sentence
    assert outcome(wild + 0.06).verdict is Verdict.REGRESSION


def test_other_data_alone_are_no_regression() -> None:
    """Another draw ends elsewhere; only one that does not train any more is worse."""
    worse = FALL + 0.1 * np.arange(STEPS) / STEPS
    assert weigh(run(worse), run(FALL), [], is_drawn=True).verdict is Verdict.DRIFT
    assert weigh(run(FLAT), run(FALL), [], is_drawn=True).verdict is Verdict.REGRESSION
    few, others = [2.31, 1.2, 1.6, 1.1, 0.9, 1.4, 0.7, 1.93], [2.3, 1.6, 1.4, 1.1, 1.2, 1, 0.9, 0.8]
    assert weigh(run(few), run(others), [], is_drawn=True).verdict is Verdict.DRIFT
    assert weigh(run(few), run(others), []).verdict is Verdict.REGRESSION


def test_a_baseline_that_breaks_or_stays_is_an_improvement() -> None:
    """What the baseline does not do and the observed side does is better."""
    broken = np.where(np.arange(STEPS) < 30, FALL, np.inf)
    assert weigh(run(FALL), run(broken), []).verdict is Verdict.IMPROVEMENT
    found = weigh(run(FALL), run(FLAT), [])
    assert found.verdict is Verdict.IMPROVEMENT
    assert "trains, the baseline does not" in found.sentence


def test_two_losses_that_break_are_no_regression() -> None:
    """Neither side is better."""
    broken = np.where(np.arange(STEPS) < 30, FALL, np.inf)
    assert weigh(run(broken), run(broken), []).verdict is Verdict.DRIFT


def test_a_run_of_one_step_says_little() -> None:
    """There is no end, and no saying whether it trains."""
    found = weigh(run([2.0]), run([1.0]), [])
    assert found.trains == (None, None) and found.verdict is Verdict.DRIFT
    assert "up to 100 %" in found.sentence


def test_a_program_without_losses_has_no_curve() -> None:
    """It is said, and no guess is made."""
    log = traces.Log()
    log.tensor(0, "gradient", "w", np.ones(3, "float32"))
    assert curve(log.trace()) is None
    assert weigh(log.trace(), log.trace(), []).sentence == "no loss was recorded"


def test_losses_of_one_step_are_averaged() -> None:
    """Micro-batches of one update make one point."""
    log = traces.Log()
    for step in range(4):
        for value in (1.0, 3.0):
            log.number(step, "loss", "loss", value)
    found = curve(log.trace())
    assert found is not None and found.values.tolist() == [2.0] * 4


@pytest.mark.parametrize(("name", "expected"), [
    ("accuracy", 1), ("val_loss", -1), ("perplexity", -1), ("epoch", 0), ("mean IoU", 1),
    ("printed: epoch # loss # accuracy #[2]", 1), ("printed: epoch # loss # accuracy #[1]", -1),
    ("printed: epoch # loss # accuracy #[0]", 0), ("printed: accuracy #, loss #[1]", -1)])
def test_the_name_of_a_figure_tells_which_way_is_better(name: str, expected: int) -> None:
    """Of a printed line the words before the number count."""
    assert direction(name) == expected


@pytest.mark.parametrize(("tensor", "words"), [
    ("head.weight", "`head.weight`"), ("printed: loss #[0]", "`printed: loss #`"),
    ("printed: epoch # val loss: # acc #[1]", "`val loss` in the printed line `epoch # val loss: # "
     "acc #`"),
    ("printed: #/# \u2501\u2501\u2501\u2501\u2501\u2501 - accuracy: # - loss: #[2]",
     "`accuracy` in the printed line `#/# ... - accuracy: # - loss: #`"),
    ("printed: #/#[1]", "`printed: #/#`, number 2"), ("printed: [# #][0]", "`printed: [# #]`, "
                                                      "number 1")])
def test_a_printed_figure_is_called_by_the_word_before_it(tensor: str, words: str) -> None:
    """Nobody counts the numbers of a progress bar."""
    assert phrases.name(tensor) == words
