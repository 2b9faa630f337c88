"""Classification metrics against hand counts."""

import math

import numpy as np
import pytest

from harness.errors import UsageError
from harness.vocabulary.case import Batch
from harness.vocabulary.metrics import classify, evaluation_steps, tabulate, token_accuracy


def column(*values):
    """Return the values as (examples, 1)."""
    return np.array(values, np.float64)[:, None]


def test_classify_counts_by_hand():
    """Three hits, one false alarm, two misses, four right rejections."""
    probabilities = column(.9, .8, .7, .6, .4, .3, .2, .1, .05, 0)
    targets = column(1, 1, 1, 0, 1, 1, 0, 0, 0, 0)
    measured = classify(probabilities, targets)
    assert measured == {"accuracy": 0.7, "precision": 0.75, "recall": 0.6,
                        "f1": pytest.approx(2 * 3 / (2 * 3 + 1 + 2))}


def test_perfect_and_inverted_predictions():
    """All right is 1 everywhere, all wrong is 0 everywhere."""
    targets = column(1, 0, 1)
    assert set(classify(targets, targets).values()) == {1.0}
    assert set(classify(1 - targets, targets).values()) == {0.0}


def test_exactly_one_half_is_negative():
    """The threshold belongs to the negative side, the number just above it does not."""
    assert classify(column(0.5), column(1))["recall"] == 0
    assert classify(column(math.nextafter(0.5, 1)), column(1))["recall"] == 1
    assert classify(np.full((1, 1), 0.5, np.float32), column(0))["accuracy"] == 1


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_a_wrong_prediction(broken):
    """A prediction that is no number is right for neither class, and no false alarm either."""
    measured = classify(column(broken, broken, .9, .1), column(1, 0, 1, 0))
    assert measured == {"accuracy": 0.5, "precision": 1.0, "recall": 0.5,
                        "f1": pytest.approx(2 / 3)}


def test_nothing_but_nan_scores_zero():
    """A model that only gives NaN has accuracy 0, even where every target is negative."""
    nan = column(math.nan, math.nan)
    for targets in (column(0, 0), column(1, 0), column(1, 1)):
        assert set(classify(nan, targets).values()) == {0.0}


def test_a_ratio_without_denominator_is_zero():
    """No positive prediction: precision 0; no positive target: recall 0; neither: F1 0."""
    silent = classify(column(.1, .1), column(1, 0))
    assert silent == {"accuracy": 0.5, "precision": 0, "recall": 0, "f1": 0}
    absent = classify(column(.9, .1), column(0, 0))
    assert absent == {"accuracy": 0.5, "precision": 0, "recall": 0, "f1": 0}
    assert classify(column(.1), column(0)) == {"accuracy": 1, "precision": 0, "recall": 0, "f1": 0}


def test_classify_gives_plain_floats():
    """Metrics are Python floats, so that they can be written as JSON whatever the input was."""
    measured = classify(np.full((2, 1), 0.7, np.float32), np.ones((2, 1), np.float32))
    assert {type(value) for value in measured.values()} == {float}


@pytest.mark.parametrize(("steps", "every", "expected"), [
    (10, 5, [0, 5, 10]), (11, 5, [0, 5, 10, 11]), (9, 5, [0, 5, 9]), (3, 5, [0, 3]),
    (1, 1, [0, 1]), (3, 1, [0, 1, 2, 3])])
def test_evaluation_steps_start_at_zero_and_end_once(steps, every, expected):
    """Metrics are taken every so many steps, and exactly once after the last one."""
    assert evaluation_steps(steps, every) == expected


def test_tabulate_keeps_steps_names_and_order():
    """The table has the steps and the asked metrics, in the asked order, a value a step."""
    targets = column(1, 0, 0)
    predictions = [column(.1, .1, .1), column(.9, .9, .1), column(.9, math.nan, .1)]
    table = tabulate(("recall", "accuracy"), [0, 2, 4], predictions, Batch((), targets))
    assert list(table) == ["step", "recall", "accuracy"]
    assert table["step"] == [0, 2, 4]
    assert table["recall"] == [0, 1, 1]
    assert table["accuracy"] == pytest.approx([2 / 3, 2 / 3, 2 / 3])


def test_tabulate_takes_float32_predictions():
    """Predictions in another precision give the same table."""
    evaluation, predictions = Batch((), column(1, 0)), [column(.7, .2)]
    single = [predictions[0].astype(np.float32)]
    assert (tabulate(("f1",), (0,), single, evaluation)
            == tabulate(("f1",), (0,), predictions, evaluation) == {"step": [0], "f1": [1.0]})


def test_tabulate_refuses_an_unknown_metric():
    """A metric that is not measured is an error, not an empty column."""
    with pytest.raises(UsageError, match="auc"):
        tabulate(("auc",), (0,), [column(.5)], Batch((), column(1)))


def test_token_accuracy_counts_unmasked_positions():
    """Of three real positions one is right; padding and NaN never are."""
    logits = np.zeros((1, 4, 3))
    logits[0, [0, 1, 2, 3], [2, 1, 0, 1]] = 1
    logits[0, 2, 1] = math.nan
    targets, mask = np.array([[2, 0, 0, 1]]), np.array([[1, 1, 1, 0]])
    assert token_accuracy(logits, targets, mask) == pytest.approx(1 / 3)
    table = tabulate(("token_accuracy",), (7,), [logits], Batch((), targets, mask))
    assert table == {"step": [7], "token_accuracy": [pytest.approx(1 / 3)]}
