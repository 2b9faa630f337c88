"""Classification metrics from predicted probabilities, for every adapter alike.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np

THRESHOLD = 0.5
"""A probability at or above it is a positive prediction."""


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
    predicted = valid & (np.nan_to_num(probabilities) >= THRESHOLD)
    actual = targets >= THRESHOLD
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


def tabulate(names: Sequence[str], steps: Sequence[int],
             predictions: Sequence[np.ndarray], targets: np.ndarray) -> dict[str, list[float]]:
    """Return ``{"step": [...], name: [...]}`` for predictions taken at ``steps``."""
    rows = [classify(np.asarray(prediction, np.float64), targets) for prediction in predictions]
    table: dict[str, list[float]] = {"step": list(steps)}
    for name in names:
        table[name] = [row[name] for row in rows]
    return table


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0
