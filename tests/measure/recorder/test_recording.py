"""Which steps are looked into, and what becomes of what a program reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.measure.recorder import recording, trace
from harness.measure.recorder.recording import Ended, Recording, is_detailed
from harness.measure.recorder.weights import Weights


def test_steps_in_detail_thin_out_by_octaves() -> None:
    """All of the first 32 steps, then 16 in every octave."""
    assert all(is_detailed(step) for step in range(32))
    for octave in (32, 64, 4096):
        assert sum(is_detailed(step) for step in range(octave, 2 * octave)) == 16
    assert is_detailed(640, every=10) and not is_detailed(641, every=10)


def test_trace_of_a_thousand_steps_is_small(tmp_path: Path) -> None:
    """1,000 steps with gradients, updates and outputs of 200 tensors fit into 5 MB."""
    found = Recording()
    stream = np.random.default_rng(0)
    for step in range(1000):
        found.number("loss", "loss", float(stream.standard_normal()))
        for name in range(200 if found.is_detailed else 0):
            values = stream.standard_normal(8).astype(np.float32)
            for channel in ("forward", "gradient", "update"):
                found.tensor(channel, f"layer.{name}.weight", values * step)
        found.advance()
    trace.write(tmp_path / "t.npz", found.events, {})
    assert (tmp_path / "t.npz").stat().st_size <= 5e6


def test_occurrences_count_equal_events_of_a_step() -> None:
    """Micro-batches of one step are told apart; the next step begins anew."""
    found = Recording()
    for _ in range(2):
        for _ in range(3):
            found.number("loss", "loss", 1.0)
        found.advance()
    assert found.events.to_arrays()["occurrence"].tolist() == [0, 1, 2, 0, 1, 2]


def test_program_is_ended_after_its_steps() -> None:
    """The update that was asked for last ends the program, and nothing is recorded after it."""
    found = Recording(steps=2)
    found.advance()
    with pytest.raises(Ended):
        found.advance()
    assert (found.ended, found.is_on) == ("steps", False)


def test_whole_tensors_are_kept_of_one_step() -> None:
    """With --capture the tensors of that step are kept, and updates of the one before."""
    found = Recording(capture=1)
    for _ in range(2):
        found.tensor("forward", "a:output", np.ones(3))
        found.tensor("update", "a.weight", np.ones(2))
        if found.step == 1:
            with pytest.raises(Ended):
                found.advance()
        else:
            found.advance()
    assert sorted(found.whole) == ["0|update|a.weight|0", "1|forward|a:output|0",
                                   "1|update|a.weight|0"]


@pytest.mark.parametrize(("value", "channel", "size"), [
    (0.5, "reported", 0), (np.float32(1), "reported", 0), ([[3]], "reported", 0),
    (True, "reported", 0), ([1.0, 2.0], "forward", 2)])
def test_what_is_reported_is_recorded(value: object, channel: str, size: int) -> None:
    """Numbers are figures, tensors are what a function computed."""
    found = Recording()
    found.report("it", value)
    arrays = found.events.to_arrays()
    assert trace.CHANNELS[arrays["channel"][0]] == channel
    assert arrays["size"].tolist() == [size]


def test_what_is_no_number_is_said() -> None:
    """A program may hand over anything; it goes on, and the trace says what is missing."""
    found = Recording()
    found.report("it", "text")
    found.report("it", object())
    assert len(found.events) == 0
    assert {note["code"] for note in found.notes} == {"value"}


def test_notes_do_not_pile_up() -> None:
    """The same remark is kept once, and only so many of a kind."""
    found = Recording()
    for i in range(3 * recording.NOTES):
        found.note("a", str(i))
        found.note("b", "the same")
    assert len(found.notes) == recording.NOTES + 1


def ulps(moved: np.ndarray, values: np.ndarray) -> set[int]:
    """Return by how many last bits values were moved."""
    kind = f"i{values.dtype.itemsize}"
    return set((moved.view(kind).astype(int) - values.view(kind)).tolist())


def test_weights_are_moved_by_last_bits() -> None:
    """Eight of them in float32, one in float16; zeros stay zeros; a seed repeats itself."""
    weights = Weights(Recording(), perturb=3)
    values = np.array([0.0, 1.0, -1.0, 1e-30, -5.0, 1e-45, -0.0] * 9, np.float32)
    moved = weights.move(values)
    assert moved is not None
    assert ulps(moved, values) == {-8, 0, 8}
    assert not np.any((moved != 0) & (values == 0)) and np.all(np.signbit(moved) ==
                                                              np.signbit(values))
    assert np.array_equal(moved, np.asarray(weights.move(values)))
    twin = np.asarray(weights.move(values.copy()))
    assert np.array_equal(moved, twin), "equal parameters stay equal"
    others = np.asarray(weights.move(values[::-1].copy()))[::-1]
    assert not np.array_equal(moved, others)
    half = np.array([1.0, -2.0] * 9, np.float16)
    assert ulps(np.asarray(weights.move(half)), half) == {-1, 1}
    assert weights.move(np.arange(3)) is None


def test_weights_of_another_run_are_taken_by_name_then_by_shape(tmp_path: Path) -> None:
    """What is renamed is found by its shape; what cannot be loaded is said."""
    trace.write_arrays(tmp_path / "w.npz", {"a": np.ones(2), "old": np.zeros((2, 3)),
                                            "gone": np.ones(7)})
    found = Recording()
    weights = Weights(found, load=tmp_path / "w.npz")
    assert np.asarray(weights.take("a", (2,))).tolist() == [1, 1]
    assert np.asarray(weights.take("new", (2, 3))).shape == (2, 3)
    assert weights.take("b", (5,)) is None
    weights.write()
    texts = [note["text"] for note in found.notes]
    assert [text.partition(":")[0] for text in texts] == ["new", "b", "gone"]
