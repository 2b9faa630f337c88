"""Traces that anybody may have written: read if they can be true, refused in four parts if not."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import HarnessError, MissingRecordError, RecordError
from harness.programs.traces.trace import COLUMNS, LARGEST, Trace, read
from tests.kit import traces


@pytest.fixture(scope="module")
def trace() -> Trace:
    """Return a small trace."""
    return traces.train(steps=3)


def array(values: Any, version: tuple[int, int] = (1, 0)) -> bytes:
    """Return an array as a member of a trace."""
    content = io.BytesIO()
    np.lib.format.write_array(content, np.asarray(values), version=version)
    return content.getvalue()


def header(trace: Trace, **changes: Any) -> bytes:
    """Return a trace's header with some fields changed; None leaves one out."""
    head = {name: getattr(trace.header, name) for name in trace.header.__struct_fields__}
    head.update(changes)
    return json.dumps({name: value for name, value in head.items() if value is not None}).encode()


def refusal(path: Path) -> str:
    """Return the message with which a trace is refused: what, where, numbers and what next."""
    with pytest.raises(RecordError) as caught:
        read(path)
    error = caught.value
    assert error.what and error.where == str(path) and error.numbers and error.next_command
    return str(error)


def test_what_was_written_is_read(trace: Trace, tmp_path: Path) -> None:
    """Every array and the header come back as they were."""
    found = read(traces.write(trace, tmp_path / "a.npz"))
    for name in COLUMNS:
        assert np.array_equal(getattr(found, name), getattr(trace, name), equal_nan=True)
    assert found.header == trace.header


def test_a_trace_without_events_is_read(tmp_path: Path) -> None:
    """Nothing was recorded: that is for the judge to say, not for the reader."""
    found = read(traces.write(traces.Log().trace(), tmp_path / "a.npz"))
    assert len(found) == 0


def test_channels_may_be_listed_in_another_order(trace: Trace, tmp_path: Path) -> None:
    """The header says which number is which channel."""
    turned = [*reversed(trace.header.channels)]
    path = traces.write(trace, tmp_path / "a.npz", trace=header(trace, channels=turned),
                        channel=array((8 - trace.channel).astype(np.uint8)))
    assert np.array_equal(read(path).channel, trace.channel)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is missing, not damaged."""
    with pytest.raises(MissingRecordError):
        read(tmp_path / "none.npz")


Change = Callable[[Trace], dict[str, bytes | None]]


@pytest.mark.parametrize(("change", "words"), [
    (lambda t: {"sketch": None}, "these members and no others"),
    (lambda t: {"extra": b"x"}, "these members and no others"),
    (lambda t: {"step": array(t.step.astype("<i8"))}, "another element type"),
    (lambda t: {"step": array(t.step.astype(">i4"))}, "another element type"),
    (lambda t: {"step": array(t.step.astype(object))}, "another element type"),
    (lambda t: {"sketch": array(np.asfortranarray(t.sketch))}, "another element type, order"),
    (lambda t: {"sketch": array(t.sketch[:, :3].copy())}, "another element type, order or shape"),
    (lambda t: {"step": array(t.step[:-1])}, "one row an event"),
    (lambda t: {"step": array(t.step)[:-3]}, "cut off"),
    (lambda t: {"step": array(t.step) + b"x"}, "cut off"),
    (lambda t: {"step": array(t.step, (2, 0))}, "another format of NumPy"),
    (lambda t: {"step": b"no array at all"}, "damaged"),
    (lambda t: {"step": array(t.step).replace(b"'<i4'", b"(1/0)")}, "damaged"),
    (lambda t: {"name": array(t.name + 1000)}, "every name must be in the header"),
    (lambda t: {"name": array(t.name - 1)}, "every name must be in the header"),
    (lambda t: {"dtype": array(t.dtype + 9)}, "every dtype must be in the header"),
    (lambda t: {"channel": array(t.channel + 9)}, "every channel must be in the header"),
    (lambda t: {"occurrence": array(t.occurrence * 0 - 1)}, "counted from 0"),
    (lambda t: {"occurrence": array(t.occurrence * 0),
                "name": array(t.name * 0)}, "an occurrence of its own"),
    (lambda t: {"size": array(t.size * 0 - 1)}, "size must not be negative"),
    (lambda t: {"step": array(t.step + 7)}, "between 0 and the number of updates"),
    (lambda t: {"sketch": array(t.sketch * -1)}, "norm must not be negative"),
    (lambda t: {"sketch": array(t.sketch * [1, 99, 1, 1])}, "projection must not exceed"),
    (lambda t: {"trace": b"{"}, "not JSON"),
    (lambda t: {"trace": header(t).replace(b'"updates": 3', b'"updates": NaN')}, "not JSON"),
    (lambda t: {"trace": header(t, updates=float("nan"))}, "not JSON"),
    (lambda t: {"trace": header(t, version=2)}, "of a version that is not known"),
    (lambda t: {"trace": header(t, format="other")}, "not of the record's format"),
    (lambda t: {"trace": header(t, names=None)}, "not of the record's format"),
    (lambda t: {"trace": header(t, updates="3")}, "not of the record's format"),
    (lambda t: {"trace": header(t, updates=-1)}, "updates must be a natural number"),
    (lambda t: {"trace": header(t, channels=[*t.header.channels[:-1], "guess"])},
     "not of the record's format"),
    (lambda t: {"trace": header(t, channels=["data"] * 9)}, "every channel must be listed once"),
    (lambda t: {"trace": header(t, names=["x"] * len(t.header.names))},
     "every name must be listed"),
    (lambda t: {"trace": header(t, names=["x" * 5000, *t.header.names[1:]])}, "1 to 1000"),
    (lambda t: {"trace": header(t, dtypes=["\x1b[2J", *t.header.dtypes[1:]])}, "element type must"),
    (lambda t: {"trace": header(t, ended="well")}, "ended must be"),
    (lambda t: {"trace": b'{"format":' + b"[" * 100_000}, "not JSON"),
])
def test_what_cannot_be_is_refused(trace: Trace, tmp_path: Path, change: Change,
                                   words: str) -> None:
    """Whatever is wrong is said in four parts, and never a traceback."""
    path = tmp_path / "a.npz"
    changes = change(trace)
    if "extra" in changes:
        traces.write(trace, path)
        with zipfile.ZipFile(path, "a") as file:
            file.writestr("extra.npy", b"x")
    else:
        traces.write(trace, path, **changes)
    assert words in refusal(path)


def test_a_member_that_is_there_twice_is_refused(trace: Trace, tmp_path: Path) -> None:
    """Two programs could read two traces out of one file."""
    path = traces.write(trace, tmp_path / "a.npz")
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning):
        file.writestr("step.npy", array(trace.step + 1))
    assert "these members" in refusal(path)


@pytest.mark.parametrize("name", ["trace.json", "step.npy"])
def test_a_bomb_is_not_unpacked(trace: Trace, tmp_path: Path, name: str) -> None:
    """A member of gigabytes in a small file is read up to what a trace can have, and no further."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for other in ("trace.json", *(f"{column}.npy" for column in COLUMNS)):
            if other != name:
                file.writestr(other, b"{}")
        with file.open(name, "w") as stream:
            for _ in range(24):
                stream.write(bytes(2**20))
    assert "too large" in refusal(path)


def test_a_directory_of_very_many_members_is_not_read(tmp_path: Path) -> None:
    """The list of members is bounded before it is read."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        for i in range(2000):
            file.writestr(f"{i}.npy", b"")
    assert "too many members" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", b"PK\x05\x06" + bytes(18),
                                     b"PK\x05\x06" + b"\xff" * 18, bytes(100)])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nor does an empty archive pass for a trace."""
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    refusal(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """The size is looked at before the content."""
    path = tmp_path / "a.npz"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(HarnessError, match="too large"):
        read(path)


def test_every_damaged_byte_is_an_error_or_another_trace(trace: Trace, tmp_path: Path) -> None:
    """A flipped byte anywhere never is anything but a refusal."""
    path = traces.write(trace, tmp_path / "a.npz")
    content = path.read_bytes()
    for at in range(0, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1:])
        try:
            read(path)
        except RecordError as error:
            assert error.where and error.what
