"""Keras' own metrics, for what a Keras user would have been told."""

from __future__ import annotations

from typing import Any, Sequence

import tensorflow as tf

from harness.measure.adapters.task import Task

keras = tf.keras
NAMES = {"accuracy": "BinaryAccuracy", "precision": "Precision", "recall": "Recall",
         "token_accuracy": "SparseCategoricalAccuracy"}
"""The harness's metric -> Keras' own, with its default threshold; it has no F1."""


def report(task: Task, predictions: Sequence[Any]) -> dict[str, list[float]] | None:
    """Return Keras' own metrics of the first and the last evaluation step.

    Args:
        predictions: of the evaluation set, one tensor for each evaluation step.
    """
    names = [name for name in task.case.metrics if name in NAMES]
    if not names:
        return None
    evaluation, ends = task.batches.evaluation, (0, len(predictions) - 1)
    reported: dict[str, list[float]] = {"step": [task.evaluation_steps[end] for end in ends]}
    for name in names:
        reported[name] = [_measure(NAMES[name], evaluation, predictions[end]) for end in ends]
    return reported


def _measure(name: str, evaluation: Any, prediction: Any) -> float:
    metric = getattr(keras.metrics, name)()
    mask = evaluation.mask
    weights = mask if mask is not None and mask.shape == evaluation.targets.shape else None
    metric.update_state(evaluation.targets, prediction, sample_weight=weights)
    return float(metric.result())
