"""Classification metrics from predicted probabilities, for every adapter alike.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np

from harness.errors import unknown
from harness.vocabulary.case import Batch

THRESHOLD = 0.5
"""A probability above it is a positive prediction, as in Keras' metrics."""


def classify(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Return accuracy, precision, recall and F1 of binary predictions.

    A prediction that is not a number is no prediction: it counts as wrong.
    A ratio with denominator 0 is 0, as in Van Rijsbergen's convention and
    scikit-learn's ``zero_division=0``.

    Args:
        probabilities: shape (examples, 1), of the positive class.
        targets: shape (examples, 1), values 0 and 1.
    """
    valid = np.isfinite(probabilities)
    predicted = valid & (np.nan_to_num(probabilities) > THRESHOLD)
    actual = targets > THRESHOLD
    return from_counts(hits=int(np.sum(predicted & actual)), predicted=int(np.sum(predicted)),
                       actual=int(np.sum(actual)),
                       right=int(np.sum(valid & (predicted == actual))), examples=actual.size)


def from_counts(hits: int, predicted: int, actual: int, right: int,
                examples: int) -> dict[str, float]:
    """Return the metrics from numbers of examples.

    Args:
        hits: positives predicted as such.
        predicted, actual: predicted positives, real positives.
        right: right predictions of either class.
    """
    precision, recall = _ratio(hits, predicted), _ratio(hits, actual)
    return {
        "accuracy": right / examples,
        "precision": precision,
        "recall": recall,
        "f1": _ratio(2 * precision * recall, precision + recall),
    }


def evaluation_steps(steps: int, every: int) -> list[int]:
    """Return the steps before which metrics are taken, and the end of training."""
    return [*range(0, steps, every), steps]


def tabulate(names: Sequence[str], steps: Sequence[int], predictions: Sequence[np.ndarray],
             evaluation: Batch) -> dict[str, list[float]]:
    """Return ``{"step": [...], name: [...]}`` for predictions taken at ``steps``.

    Args:
        predictions: of the evaluation set: probabilities (examples, 1), or logits
            (examples, length, vocabulary).

    Raises:
        UsageError: a metric does not fit the predictions.
    """
    rows = [measure(np.asarray(prediction, np.float64), evaluation) for prediction in predictions]
    table: dict[str, list[float]] = {"step": list(steps)}
    for name in names:
        if rows and name not in rows[0]:
            raise unknown("metric of such predictions", name, rows[0],
                          next_command="name one that is known in the case")
        table[name] = [row[name] for row in rows]
    return table


def measure(prediction: np.ndarray, evaluation: Batch) -> dict[str, float]:
    """Return every metric that fits the predictions."""
    if evaluation.mask is None or evaluation.mask.shape != evaluation.targets.shape:
        return classify(prediction, evaluation.targets)  # of examples, not of positions
    return {"token_accuracy": token_accuracy(prediction, evaluation.targets, evaluation.mask)}


def token_accuracy(logits: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> float:
    """Return the share of unmasked positions whose largest logit is the target's.

    Args:
        logits: (examples, length, vocabulary); a row with NaN is wrong.
        targets: tokens (examples, length).
        mask: (examples, length), 1 where a token counts.
    """
    valid = np.isfinite(logits).all(axis=-1)
    right = valid & (np.nan_to_num(logits).argmax(axis=-1) == targets)
    return float(right[mask > 0].mean())


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0
