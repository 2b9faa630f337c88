"""Records as files: exact, strict, atomic, and clear about what is wrong with them."""

from __future__ import annotations

import copy
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import MissingRecordError, RecordError
from harness.files import write_text
from harness.records import writing
from harness.records.record import Probes, Record, Trajectory, VariantRecord
from harness.store.reading import records


def record_of(loss: list[float], precision: str = "float64") -> Record:
    """Return a record with one variant and one trajectory."""
    variant = VariantRecord("0" * 64, {precision: Trajectory(loss, metrics={"step": [1]})})
    return Record("xor", "torch-2.13.0", {"data_sha256": "0" * 64}, {"v": variant})


def returned(record: Record) -> Record:
    """Return the record as it comes back from its text."""
    return records.loads(writing.dumps(record), "test")


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(width=64), min_size=1))
def test_float64_comes_back_to_the_bit(loss: list[float]) -> None:
    """Every double, the non-finite ones too, survives writing and reading."""
    back = returned(record_of(loss)).variants["v"].trajectories["float64"].loss
    assert np.array_equal(np.asarray(back), np.asarray(loss), equal_nan=True)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(width=32), min_size=1))
def test_float32_comes_back_to_the_bit(loss: list[float]) -> None:
    """Every single survives, in its own shortest decimal."""
    back = returned(record_of(loss, "float32")).variants["v"].trajectories["float32"].loss
    assert np.array_equal(np.asarray(back, np.float32), np.asarray(loss, np.float32),
                          equal_nan=True)


def test_float32_is_written_short() -> None:
    """A single takes the digits of a single, not those of the double beside it."""
    assert '"loss":[0.1]' in writing.dumps(record_of([float(np.float32(0.1))], "float32"))


def test_everything_comes_back(measured: Record) -> None:
    """A real record equals what is read from its text."""
    assert writing.dumps(returned(measured)) == writing.dumps(measured)
    assert list(returned(measured).variants) == list(measured.variants)


def test_probes_keep_three_digits() -> None:
    """Errors and allowances come back to three digits, an infinite one as it is."""
    record = record_of([0.5])
    variant = record.variants["v"]
    variant.probes["float32"] = Probes(["outputs", "loss"], {"step_0": [1.23456e-7, math.inf]},
                                       {"step_0": [3e-7, 1e-6]})
    variant.invariances["float32"] = {"row_losses": 0.000123456}
    variant.trajectories["float64"].reported = {"step": [0], "accuracy": [0.75]}
    back = returned(record).variants["v"]
    assert back.probes["float32"].errors == {"step_0": [1.23e-7, math.inf]}
    assert back.probes["float32"].tensors == ["outputs", "loss"]
    assert back.invariances == {"float32": {"row_losses": 0.000123}}
    assert back.trajectories["float64"].reported == {"step": [0], "accuracy": [0.75]}
    variant.probes["float32"].allowances["step_0"].pop()
    with pytest.raises(RecordError, match="a number for every tensor"):
        returned(record).variants["v"]


def test_text_is_strict_json() -> None:
    """Non-finite numbers are strings; a strict parser accepts the text."""
    text = writing.dumps(record_of([math.nan, math.inf, -math.inf]))
    data = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    loss = data["variants"]["v"]["trajectories"]["float64"]["loss"]
    assert loss == ["NaN", "Infinity", "-Infinity"]


def test_truncated_anywhere_is_refused(measured: Record) -> None:
    """No prefix of a record passes for a record."""
    text = writing.dumps(measured).rstrip()
    for length in [0, 1, 10, 500, len(text) // 2, len(text) - 1]:
        with pytest.raises(RecordError, match="truncated or damaged"):
            records.loads(text[:length], "cut.json")


@pytest.mark.parametrize(("change", "message"), [
    (lambda d: d.update(format=99), "another format version"),
    (lambda d: d.update(format="1"), r"Expected `int`(.|\n)*`\$.format`"),
    (lambda d: d.update(environment="../../etc/passwd"), "environment must be a name"),
    (lambda d: trajectory(d).update(loss=[10**400]), r"out of range(.|\n)*loss\[0\]"),
    (lambda d: d.pop("provenance"), "missing required field `provenance`"),
    (lambda d: d["provenance"].pop("data_sha256"), "missing required field `data_sha256`"),
    (lambda d: d.update(variants=[]), r"Expected `object`(.|\n)*variants"),
    (lambda d: d["variants"].update(v=3), "stranger.json, v(.|\n)*Expected `object`"),
    (lambda d: d["variants"]["v"].pop("trajectories"), "must hold trajectories"),
    (lambda d: trajectory(d).update(loss=[]), "loss holds no step"),
    (lambda d: trajectory(d).update(loss=[1.0, None]), r"got `null`(.|\n)*loss\[1\]"),
    (lambda d: trajectory(d).update(loss=[True]), r"got `bool`(.|\n)*loss\[0\]"),
    (lambda d: trajectory(d).update(loss=["nan"]), r"enum value 'nan'(.|\n)*loss\[0\]"),
    (lambda d: trajectory(d).update(update_norm=[1.0, 2.0]), "as long as the loss"),
    (lambda d: trajectory(d).update(metrics=None), r"Expected `object`(.|\n)*metrics"),
    (lambda d: trajectory(d).update(nonfinite_from="x"), "got `str`(.|\n)*nonfinite_from"),
])
def test_what_a_stranger_wrote_wrong_is_named(change: object, message: str) -> None:
    """Each kind of malformed record is refused with the place in it."""
    data = json.loads(writing.dumps(record_of([1.0])))
    change(data)  # type: ignore[operator]
    with pytest.raises(RecordError, match=message):
        records.loads(json.dumps(data), "stranger.json")


def trajectory(data: dict) -> dict:  # type: ignore[type-arg]
    """Return the one trajectory in a record's JSON."""
    return data["variants"]["v"]["trajectories"]["float64"]  # type: ignore[no-any-return]


def test_a_number_too_large_is_refused() -> None:
    """1e999 is JSON, and no double."""
    text = writing.dumps(record_of([1.5])).replace("1.5", "1e999")
    with pytest.raises(RecordError, match=r"out of range(.|\n)*loss\[0\]"):
        records.loads(text, "huge.json").variants["v"]


@pytest.mark.parametrize("text", ["[]", "3", "null", '{"format":1,"x":NaN}', "[" * 100_000])
def test_other_json_is_refused(text: str) -> None:
    """JSON that is no record at all, bare NaN and abyssal nesting are refused."""
    with pytest.raises(RecordError):
        records.loads(text, "other.json")


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    """No file and a file that is not text are two different errors."""
    with pytest.raises(MissingRecordError):
        records.read(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordError, match="unreadable"):
        records.read(tmp_path / "binary.json")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk at the last moment loses nothing and leaves no rubbish."""
    path = tmp_path / "record.json"
    write_text(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_line_is_an_error_of_its_variant(measured: Record) -> None:
    """Where each variant has its line, the others are read; elsewhere nothing is."""
    text = writing.dumps(measured)
    first, second = measured.variants
    spoilt = text.replace('"loss":[', '"loss":[NaN,', 1)
    record = records.loads(spoilt, "lines.json")
    assert list(record.variants) == [first, second]
    assert writing.variant_text(record.variants[second]) \
        == writing.variant_text(measured.variants[second])
    with pytest.raises(RecordError, match=r"bare NaN(.|\n)*lines.json"):
        _ = record.variants[first]
    with pytest.raises(RecordError, match="bare NaN"):
        records.loads(spoilt.replace("\n", " "), "whole.json")


def test_a_key_is_of_the_text_on_the_line(measured: Record) -> None:
    """The same numbers have the same key, and others another, known without decoding."""
    text = writing.dumps(measured)
    record = records.loads(text, "lines.json")
    name = next(iter(measured.variants))
    assert record.key(name) == writing.find_key(
        writing.variant_text(measured.variants[name]).encode()) == record.variants[name].key
    other = records.loads(text.replace('"loss":[0.', '"loss":[1.', 1), "lines.json")
    assert other.key(name) != record.key(name)
    assert records.loads(json.dumps(json.loads(text)), "whole.json").key(name) is None


def test_a_record_that_was_read_can_be_changed(measured: Record) -> None:
    """Variants are put in, taken out and copied as in a dictionary."""
    record = records.loads(writing.dumps(measured), "lines.json")
    first, second = record.variants
    twin = copy.deepcopy(record)
    record.variants[first] = VariantRecord("", error="gone")
    del record.variants[second]
    assert list(record.variants) == [first] and record.variants[first].error == "gone"
    assert record.key(first) is None and second not in record.variants
    assert writing.dumps(twin) == writing.dumps(measured)
