"""Altered padding: the same sequences, and nothing else of them changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.records.project import Project
from harness.vocabulary.case import Batch
from harness.vocabulary.padding import left, lengthen, refill, rows


def batch_of(lengths: list[int], length: int = 6) -> Batch:
    """Return right-padded sequences of the given lengths, with tokens 1, 2, 3, ..."""
    mask = (np.arange(length) < np.array(lengths)[:, None]).astype(np.float32)
    tokens = (1 + np.arange(mask.size).reshape(mask.shape)) * mask.astype(np.int64)
    return Batch((tokens,), 2 * tokens, mask)


def real(batch: Batch) -> list[list[int]]:
    """Return every row's real tokens, in order."""
    return [row[m > 0].tolist() for row, m in zip(batch.inputs[0], batch.mask, strict=True)]


lengths = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@settings(derandomize=True, deadline=None)
@given(lengths)
def test_left_keeps_the_order_of_what_is_real(sizes: list[int]) -> None:
    """Padding comes first, and tokens, targets and mask move together."""
    batch, moved = batch_of(sizes), left(batch_of(sizes))
    assert real(moved) == real(batch)
    assert np.all(np.diff(moved.mask, axis=-1) >= 0)
    assert np.array_equal(moved.targets, 2 * moved.inputs[0])


@settings(derandomize=True, deadline=None)
@given(lengths)
def test_refill_changes_padding_alone(sizes: list[int]) -> None:
    """Every padded token and target becomes another, every real one stays."""
    batch = batch_of(sizes)
    other = refill(batch, 1, 100)
    assert real(other) == real(batch)
    for before, after in ((batch.inputs[0], other.inputs[0]), (batch.targets, other.targets)):
        assert np.array_equal(before != after, batch.mask == 0)


@pytest.mark.parametrize("side", ["right", "left"])
def test_lengthen_adds_padding_at_its_side(side: str) -> None:
    """Three more positions, masked, at the asked end."""
    batch = batch_of([6, 2])
    longer = lengthen(batch, 3, side)
    assert real(longer) == real(batch)
    added = longer.mask[:, 6:] if side == "right" else longer.mask[:, :3]
    assert longer.mask.shape == (2, 9) and not added.any()


def test_rows_are_batches_of_one() -> None:
    """Together the rows are the batch."""
    batch = batch_of([3, 1, 6])
    parts = list(rows(batch))
    assert [part.targets.shape for part in parts] == [(1, 6)] * 3
    assert np.array_equal(np.concatenate([part.inputs[0] for part in parts]), batch.inputs[0])


def test_training_batches_move_as_well(checkout: Project) -> None:
    """Whole cases can be padded at the left; the number of real tokens stays."""
    batches = checkout.batches(checkout.case("masked_sequences"))
    moved = left(batches)
    assert moved.mask.sum() == batches.mask.sum() and moved.steps == batches.steps
    assert np.array_equal(moved[3].mask, left(batches[3]).mask)
