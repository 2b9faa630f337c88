"""Padded sequences altered in ways that no loss may notice.

Inside half: standard library and NumPy only. Inputs are tokens (..., length) with a
mask of the same shape, 1 for real positions; every function returns a new batch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, TypeVar

import numpy as np

from harness.vocabulary.case import Batch, Batches

Data = TypeVar("Data", Batch, Batches)


def left(data: Data) -> Data:
    """Return the same sequences with their padding at the left."""
    assert data.mask is not None
    order = np.argsort(data.mask, axis=-1, kind="stable")
    return _each(data, lambda x: np.take_along_axis(x, order, axis=-1))


def refill(batch: Batch, shift: int, vocabulary: int) -> Batch:
    """Return the batch with other tokens and targets where the mask is 0."""
    assert batch.mask is not None
    real = batch.mask > 0

    def change(tokens: np.ndarray) -> np.ndarray:
        return np.where(real, tokens, (tokens + shift) % vocabulary)

    return replace(batch, inputs=tuple(change(x) for x in batch.inputs),
                   targets=change(batch.targets))


def lengthen(batch: Batch, count: int, side: str) -> Batch:
    """Return the batch with ``count`` more positions of padding, token 0."""
    pad = [(0, 0), (0, count) if side == "right" else (count, 0)]
    return _each(batch, lambda x: np.pad(x, pad))


def rows(batch: Batch) -> Iterator[Batch]:
    """Yield every row as a batch of its own."""
    for index in range(len(batch.targets)):
        yield _each(batch, lambda x, i=index: x[i:i + 1])


def _each(data: Data, change: Any) -> Data:
    """Return the data with a change applied to inputs, targets and mask alike."""
    return replace(data, inputs=tuple(change(x) for x in data.inputs),
                   targets=change(data.targets),
                   mask=None if data.mask is None else change(data.mask))
