"""Sketches: exact where they must be, and a measure of distance."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from harness.measure.recorder import sketch
from harness.measure.recorder.sketch import Memory


def signs(count: int) -> np.ndarray:
    """Return the signs of the first projection, of every element, as the documents say."""
    rows = sketch.draw_signs(2, 0, 3 * (count // sketch.COLUMNS + 1))[::3]
    columns = sketch.draw_signs(1, 0, sketch.COLUMNS)
    place = np.arange(count)
    return np.asarray(rows[place // sketch.COLUMNS] * columns[place % sketch.COLUMNS])


@pytest.mark.parametrize("size", [1, 7, 4093, 4094, 20 * 4093, 100_003])
def test_norm_and_projection_are_those_of_the_definition(size: int) -> None:
    """Whatever the blocks, the numbers are the sums that the documents define."""
    values = np.random.default_rng(size).standard_normal(size)
    found = sketch.sketch(values).values
    assert found[0] == pytest.approx(np.linalg.norm(values), rel=1e-12)
    assert found[1] == pytest.approx(float(signs(size) @ values), rel=1e-9, abs=1e-9)


def test_signs_are_the_same_on_every_machine() -> None:
    """The stream is pinned: a trace of another language or year has the same signs."""
    assert sketch.draw_signs(1, 0, 12).tolist() == [
        1, 1, 1, -1, -1, 1, 1, 1, -1, 1, -1, 1]
    assert sketch.draw_signs(2, 5, 7).tolist() == sketch.draw_signs(2, 0, 12)[5:].tolist()


def test_distance_is_estimated_without_bias() -> None:
    """The mean square of a difference's projections is its squared norm, on average."""
    stream = np.random.default_rng(0)
    ratios = []
    for _ in range(200):
        one, other = stream.standard_normal((2, 9000))
        gap = np.subtract(sketch.sketch(one).values[1:], sketch.sketch(other).values[1:])
        ratios.append(np.mean(gap**2) / np.sum((one - other) ** 2))
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.std(ratios) / np.sqrt(200))


def test_what_repeats_along_an_axis_does_not_cancel() -> None:
    """A bias added to every row of a batch is seen, although rows have signs."""
    for rows in (16, 32, 4096):
        values = np.broadcast_to(np.arange(64.0), (rows, 64))
        found = sketch.sketch(values).values
        assert max(np.abs(found[1:])) > 0.1 * found[0]


def test_last_bit_and_sign_and_order_change_the_digest() -> None:
    """A digest is of the exact bytes."""
    values = np.random.default_rng(1).standard_normal(5000).astype(np.float32)
    changed = values.copy()
    changed[3000] = np.nextafter(changed[3000], np.float32(9))
    digests = {sketch.sketch(v).digest for v in (values, changed, -values, values[::-1])}
    assert len(digests) == 4


def test_digest_does_not_depend_on_the_layout() -> None:
    """A tensor in Fortran order has the digest of the same tensor in C order."""
    values = np.random.default_rng(2).standard_normal((30, 40))
    assert sketch.sketch(np.asfortranarray(values)) == sketch.sketch(values)


def hash_as_documented(content: bytes) -> int:
    """Return the digest of 64 KiB and more, word by word, as the documents say."""
    factors = [int(m) | 1 for m in sketch.draw(3, 0, 2**15)]
    whole = len(content) // 8
    words = [int.from_bytes(content[8 * i:8 * i + 8], "little") for i in range(whole + 1)]
    blocks = [words[i:min(i + 2**15, whole)] for i in range(0, whole, 2**15)] + [words[whole:]]
    total = 0
    for block in blocks:
        total = 0xBF58476D1CE4E5B9 * total + sum(
            (word ^ word >> 32) * m for word, m in zip(block, factors, strict=False))
    return 2**63 + (total % 2**64 >> 1)


@pytest.mark.parametrize("size", [2**16, 2**16 + 5, 3 * 2**18 + 3])
def test_large_digest_is_that_of_the_definition(size: int) -> None:
    """Whatever the blocks and what is left over, the hash is the one that the documents define."""
    values = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    assert sketch.digest(values) == hash_as_documented(values.tobytes())
    assert sketch.digest(values[:2**16 - 1]) == zlib.crc32(values[:2**16 - 1].tobytes())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8"])
def test_no_two_changes_have_one_large_digest(dtype: str) -> None:
    """Signs of zeros, last bits and exchanged elements are told apart, in whatever place."""
    values = np.zeros(2**17, dtype)
    stream = np.random.default_rng(4)
    digests = {sketch.digest(values)}
    for number in range(200):
        changed = values.copy()
        one, other = stream.choice(values.size, 2, replace=False)
        changed[one] = changed[other] = -0.0 if changed.dtype.kind == "f" else 1 + number % 200
        digests.add(sketch.digest(changed))
        changed[one] = 250
        digests.add(sketch.digest(changed))
        changed[[one, other]] = changed[[other, one]]
        digests.add(sketch.digest(changed))
    assert len(digests) == 601


@pytest.mark.parametrize("values", [
    np.array([True, False]), np.array([1 + 2j]), np.zeros((0, 3)), np.array(3, np.int64),
    np.array([np.nan, np.inf, 1.0]), np.full(9000, 1e300)])
def test_anything_numeric_has_a_sketch(values: np.ndarray) -> None:
    """Booleans, complex numbers, nothing, NaN and overflow make no noise."""
    found = sketch.sketch(values)
    assert found.dtype == values.dtype.name
    assert len(found.values) == 4


@pytest.mark.parametrize("size", [5, sketch.SMALL, sketch.SMALL + 1, 60_000])
def test_change_is_that_of_the_difference(size: int) -> None:
    """An update's projections are those of after - before, its digest is that of after."""
    stream = np.random.default_rng(size)
    before = stream.standard_normal(size).astype(np.float32)
    after = before + (1e-3 * stream.standard_normal(size)).astype(np.float32)
    found = Memory(before).follow(after)[1]
    exact = sketch.sketch(after.astype(np.float64) - before)
    assert found.values[1:] == pytest.approx(exact.values[1:], rel=1e-9, abs=1e-12)
    assert found.values[0] == pytest.approx(
        exact.values[0], rel=1e-12 if size <= sketch.SMALL else 0.05)
    assert found.digest == sketch.sketch(after).digest


def test_no_change_is_exactly_zero() -> None:
    """A parameter that stands still has an update of zeros, however large it is."""
    values = np.random.default_rng(3).standard_normal(50_000)
    assert Memory(values.copy()).follow(values)[1].values == (0, 0, 0, 0)


def test_a_large_tensor_that_was_changed_does_not_seem_the_same() -> None:
    """Of a tensor some elements are kept: what changes all of it, or its size, is seen."""
    values = np.random.default_rng(5).standard_normal(50_000)
    memory = Memory(values)
    assert memory.seems(values.copy())
    assert not memory.seems(values * 0.9) and not memory.seems(values[1:])
