"""Whole tensors of a step: exact errors, the worst elements, and the pattern of what is off."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from harness.compare.checks.finding import Verdict
from harness.errors import RecordError
from harness.programs.judging.verdict import Cause
from harness.programs.showing.capture import compare, examine, read

CAUSE = Cause("gradient", "value", Verdict.DRIFT, "", 3, "a.weight")
KEY = "3|gradient|a.weight|0"
BASE = np.random.default_rng(0).standard_normal((30, 40)).astype("float32")


def changed(rows: object, factor: float) -> np.ndarray:
    """Return the tensor with some of it multiplied."""
    found = BASE.copy()
    found[rows] *= factor  # type: ignore[index]
    return found


MASK = np.random.default_rng(1).random(BASE.shape) > 0.01
HALF = np.random.default_rng(3).random(BASE.shape) > 0.5
SQUARE = BASE[:20, :20]
UPPER = np.triu(np.ones((20, 20), bool), 1)


@pytest.mark.parametrize(("observed", "baseline", "words"), [
    (BASE * np.float32(1.002), BASE, "every element 1.002 x the baseline's"),
    (-BASE, BASE, "the opposite sign"),
    (BASE + 1, BASE, "1 added to every element"),
    (changed(7, 1.5), BASE, "only at index 7 of axis 0, every element 1.5 x the baseline's"),
    (changed((slice(None), 4), 1.5), BASE, "only at index 4 of axis 1"),
    (BASE * MASK, BASE, "only 0.75 % of the elements, not 0 on the baseline side only, as a "
     "mask would do"),
    (SQUARE, SQUARE * ~UPPER, "only above the diagonal, not 0 on the observed side only"),
    (BASE * HALF / 0.5, BASE * (HALF | MASK) / 0.6, "of what is 0 on neither side every element "
     "1.2 x the baseline's, as another rate of dropout would do"),
    (BASE[::-1].copy(), BASE, "the same elements in another order"),
    (changed((3, 5), np.nan), BASE, "1 element not finite"),
    (BASE[:5], BASE, "shape [5, 40] rather than [30, 40]"),
    (BASE + np.random.default_rng(2).standard_normal(BASE.shape), BASE, ""),
    (BASE, BASE, ""),
])
def test_patterns(observed: np.ndarray, baseline: np.ndarray, words: str) -> None:
    """A scale, a sign, a row, a mask and an order are told from each other."""
    found = examine(observed, baseline, CAUSE)
    assert found.pattern.startswith(words) and bool(found.pattern) == bool(words)


def test_errors_are_exact_and_the_worst_elements_come_first() -> None:
    """No sketch is in between: the norm of the difference, and where it is largest."""
    found = examine(changed((3, 5), 2.0), BASE, CAUSE)
    assert found.error == pytest.approx(abs(BASE[3, 5]) / np.linalg.norm(BASE.astype(float)))
    assert found.worst[0].index == (3, 5) and found.largest == abs(float(BASE[3, 5]))
    assert found.share == pytest.approx(1 / BASE.size)
    assert "[3, 5]" in found.lines[1]


@pytest.mark.parametrize("values", [np.zeros((2, 0)), np.zeros(()), np.zeros(3), np.ones(1, bool)])
def test_tensors_without_size_or_of_zeros_are_borne(values: np.ndarray) -> None:
    """Nothing divides by nothing."""
    assert examine(values, values, CAUSE).error == 0


def test_what_both_sides_kept_is_compared(tmp_path: Path) -> None:
    """The tensor of the cause is found by its step, channel, name and occurrence."""
    mine, theirs = tmp_path / "a.npz", tmp_path / "b.npz"
    np.savez(mine, **{KEY: BASE * np.float32(1.01)})
    np.savez(theirs, **{KEY: BASE, "3|loss|loss|0": np.zeros(1)})
    found = compare(mine, theirs, CAUSE)
    assert found is not None and found.error == pytest.approx(0.01, rel=1e-4)
    assert (found.tensor, found.channel, found.step) == ("a.weight", "gradient", 3)
    np.savez(theirs, other=BASE)
    assert compare(mine, theirs, CAUSE) is None


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 100])
def test_a_damaged_capture_is_an_error(tmp_path: Path, content: bytes) -> None:
    """In four parts, and no traceback."""
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(RecordError, match="damaged") as caught:
        read(path, KEY)
    assert caught.value.where and caught.value.next_command


@pytest.mark.parametrize("values", [np.array([object()]), np.array(["x"]), np.array([1j])])
def test_an_array_that_is_no_tensor_is_refused(tmp_path: Path, values: np.ndarray) -> None:
    """Objects are never unpickled."""
    np.savez(tmp_path / "a.npz", allow_pickle=True, **{KEY: values})
    with pytest.raises(RecordError):
        read(tmp_path / "a.npz", KEY)


def test_a_capture_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    """An array with fewer elements than its shape has is damaged."""
    np.savez(tmp_path / "b.npz", **{KEY: BASE})
    with zipfile.ZipFile(tmp_path / "b.npz") as file:
        data = file.read(f"{KEY}.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr(f"{KEY}.npy", data[:-8])
    with pytest.raises(RecordError, match="damaged"):
        read(tmp_path / "a.npz", KEY)


def test_no_capture_is_an_error(tmp_path: Path) -> None:
    """A file that is not there is said, with what to type."""
    with pytest.raises(RecordError, match="no captured tensors"):
        read(tmp_path / "none.npz", KEY)
