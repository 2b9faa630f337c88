"""Invariances: changes of a batch that its loss must not notice.

Inside half: standard library and NumPy only. Each figure should be 0: the gradient of
the loss by the outputs at masked positions exactly, the changes of the loss to rounding,
relative to the larger of 1 and the loss.
"""

from __future__ import annotations

from typing import Iterator

import numpy as np

from harness.measure.adapters.task import Task, Training
from harness.vocabulary.case import AddsUp, IgnoresPadding, Promise
from harness.vocabulary.layers import Embedding, flat
from harness.vocabulary.padding import lengthen, refill, rows

LONGER = 3
"""Positions of padding to add."""


def measure(task: Task, training: Training) -> dict[str, float]:
    """Return the figures of everything that the case promises, at step 0.

    Of variants that differ in their optimizer alone the first has them.
    """
    if task.batches.mask is None or not task.case.leads(task.variant):
        return {}
    found = [pair for promise in task.case.promises for pair in _figures(promise, task, training)]
    return {claim: value if np.isfinite(value) else float("inf") for claim, value in found}


def _figures(promise: Promise, task: Task, training: Training) -> Iterator[tuple[str, float]]:
    batch, weights = task.batches[0], task.weights
    assert batch.mask is not None
    if isinstance(promise, IgnoresPadding):
        gradient = training.probe(weights, batch).output_gradient
        assert gradient is not None
        yield "padding_gradient", float(np.abs(gradient[batch.mask == 0]).max())
        loss = training.loss(weights, batch)
        for claim, other in (
                ("padding_content", refill(batch, 1, _vocabulary(task))),
                ("padding_length", lengthen(batch, LONGER, task.variant.padding))):
            yield claim, _change(training.loss(weights, other), loss)
    elif isinstance(promise, AddsUp):
        parts = [(float(row.mask.sum()), training.loss(weights, row)) for row in rows(batch)
                 if row.mask is not None and row.mask.any()]  # others have no loss
        total = sum(count for count, _ in parts)
        mean = sum(count * loss for count, loss in parts) / total if parts else np.nan
        yield "row_losses", _change(training.loss(weights, batch), mean)


def _change(observed: float, baseline: float) -> float:
    return abs(observed - baseline) / max(1.0, abs(baseline))


def _vocabulary(task: Task) -> int:
    return next(layer.vocabulary for layer in flat(task.variant.layers)
                if isinstance(layer, Embedding))
