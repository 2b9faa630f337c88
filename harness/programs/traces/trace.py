"""Traces read: the events of one run of a program, from a file that anybody may have written.

Outside half. The format is that of ``docs/traces.md``; the recorder in ``harness/measure`` writes
it, and so may a program in another language. Whatever is wrong with a file is an error that says
what and where; no more of it is unpacked than a trace can have.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.errors import RecordError
from harness.files import read_bytes
from harness.store.reading import parsing

CHANNELS = ("initialisation", "data", "schedule", "forward", "loss", "gradient", "update",
            "evaluation", "reported")
"""Channels in causal order."""
INITIALISATION, DATA, SCHEDULE, FORWARD, LOSS, GRADIENT, UPDATE, EVALUATION, REPORTED = range(9)
COLUMNS = {"step": "<i4", "channel": "|u1", "name": "<i4", "occurrence": "<i4", "size": "<i8",
           "dtype": "|u1", "digest": "<u8", "sketch": "<f8"}
"""Arrays of a trace and their element types, one element an event, of ``sketch`` four."""
HEADER = "trace.json"
LARGEST, LARGEST_HEADER, EVENTS = 64 * 2**20, 16 * 2**20, 4_000_000
"""Bytes of a file, bytes of its header, and events: twenty times what the largest trace had."""
_NPY, _DIRECTORY, _NAME = 256, 2**16, 1000
_AGAIN = "record it again: harness try"
_ENDED = re.compile(r"end|steps|capture|failed: .*", re.DOTALL)
_DTYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError,
           NotImplementedError, SyntaxError)


class Note(msgspec.Struct, frozen=True):
    """A remark of the recorder: what is not in the trace, or is another thing than one thinks."""

    code: str
    text: str


class Header(msgspec.Struct, kw_only=True):
    """What a trace says of its run; a recorder may say more.

    Args:
        names, dtypes: of the events.
        ended: ``end``, ``steps``, ``capture`` or ``failed: ...``.
        updates: finished by all optimizers.
        modules: class of every module, by its path.
        tensors: path of the module that an event belongs to, by the event's name.
        read, written: files that the program opened, where that was asked for.
    """

    format: Literal["harness-trace"]
    version: Literal[1]
    channels: list[Literal["initialisation", "data", "schedule", "forward", "loss", "gradient",
                           "update", "evaluation", "reported"]]
    names: list[str]
    dtypes: list[str]
    ended: str
    updates: int
    program: list[str] = []
    packages: dict[str, str] = {}
    python: str = ""
    settings: dict[str, str | None] = {}
    devices: list[str] = []
    modules: dict[str, str] = {}
    tensors: dict[str, str] = {}
    processes: dict[str, int] = {}
    notes: list[Note] = []
    read: list[str] = []
    written: list[str] = []


@dataclass(frozen=True, eq=False)
class Trace:
    """The events of a run, in order; every array has one element an event.

    Args:
        where: what to call it in messages: its file, or a run's name.
        header: its lists ``names`` and ``dtypes`` are what ``name`` and ``dtype`` point into.
        step: int32; updates finished before the event.
        channel: uint8; index into ``CHANNELS``.
        name: int32.
        occurrence: int32; among events of equal step, channel and name.
        size: int64; elements of the tensor, 0 of a plain number.
        dtype: uint8.
        digest: uint64; of the tensor's bytes, 0 for none.
        sketch: float64, ``[n, 4]``; L2 norm and three projections, or a number and zeros.
    """

    where: str
    header: Header
    step: NDArray[np.int32]
    channel: NDArray[np.uint8]
    name: NDArray[np.int32]
    occurrence: NDArray[np.int32]
    size: NDArray[np.int64]
    dtype: NDArray[np.uint8]
    digest: NDArray[np.uint64]
    sketch: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.step)

    @property
    def failure(self) -> str:
        """What the program failed with; empty if it did not fail."""
        return self.header.ended.partition("failed: ")[2]


def read(path: Path) -> Trace:
    """Return the trace in a file.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is damaged, too large, of another version, or says what cannot be.
    """
    where = str(path)
    content = read_bytes(path, LARGEST)
    _check_directory(content, where)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive, where)
            head = _member(archive, HEADER, LARGEST_HEADER, where)
            columns = {name: _column(archive, name, where) for name in COLUMNS}
    except _DAMAGE as error:
        raise RecordError("the trace is damaged", where, f"{type(error).__name__}: {error}"[:300],
                          _AGAIN) from None
    return check(Trace(where, _header(head, where), **columns))


def check(trace: Trace) -> Trace:
    """Return a trace with its channels in the order of ``CHANNELS``, if it can be true.

    Raises:
        RecordError: says what cannot be.
    """
    head, refuse = trace.header, _Refusal(trace.where)
    count = len(trace.step)
    for name in COLUMNS:
        shape = (count, 4) if name == "sketch" else (count,)
        refuse(getattr(trace, name).shape != shape, f"{name} must have one row an event",
               getattr(trace, name).shape)
    refuse(count > EVENTS, "a trace must not have so many events", f"{count}, at most {EVENTS}")
    for name in ("channel", "name", "dtype"):
        known = getattr(head, f"{name}s")
        refuse(len(set(known)) != len(known), f"every {name} must be listed once", len(known))
        column = getattr(trace, name)
        refuse(bool(count) and (int(column.min()) < 0 or int(column.max()) >= len(known)),
               f"every {name} must be in the header", f"{len(known)} are there")
    refuse(not all(0 < len(name) <= _NAME for name in head.names),
           f"a name must have 1 to {_NAME} characters", max(map(len, head.names), default=0))
    refuse(not all(_DTYPE.fullmatch(name) for name in head.dtypes),
           "an element type must have a name such as float32", head.dtypes)
    refuse(not _ENDED.fullmatch(head.ended), "ended must be end, steps, capture or failed: ...",
           head.ended)
    refuse(not 0 <= head.updates < 2**31, "updates must be a natural number", head.updates)
    _check_values(trace, refuse)
    places = np.array([CHANNELS.index(name) for name in head.channels], np.uint8)
    columns = {name: getattr(trace, name) for name in COLUMNS}
    columns["channel"] = places[trace.channel] if count else trace.channel
    return Trace(trace.where, head, **columns)


def _check_values(trace: Trace, refuse: _Refusal) -> None:
    """Refuse numbers that no event can have."""
    if not len(trace):
        return
    refuse(int(trace.step.min()) < 0 or int(trace.step.max()) > trace.header.updates,
           "a step must lie between 0 and the number of updates",
           f"{trace.step.min()} to {trace.step.max()}, {trace.header.updates} updates")
    refuse(int(trace.occurrence.min()) < 0, "occurrences must be counted from 0",
           trace.occurrence.min())
    refuse(int(trace.size.min()) < 0, "a size must not be negative", trace.size.min())
    is_tensor = trace.size > 0
    norm, projections = trace.sketch[is_tensor, 0], trace.sketch[is_tensor, 1:]
    with np.errstate(all="ignore"):
        refuse(bool((norm < 0).any()), "a norm must not be negative",
               f"{int((norm < 0).sum())} are")
        largest = norm * np.sqrt(trace.size[is_tensor]) * (1 + 1e-6)
        is_wrong = np.isfinite(projections).all(axis=1) & np.isfinite(norm) & (
            np.abs(projections).max(axis=1, initial=0) > largest)
    refuse(bool(is_wrong.any()), "a projection must not exceed norm times root of size",
           f"{int(is_wrong.sum())} do")
    keys = np.lexsort((trace.occurrence, trace.name, trace.channel, trace.step))
    same = np.ones(len(trace) - 1, bool)
    for name in ("step", "channel", "name", "occurrence"):
        column = getattr(trace, name)[keys]
        same &= column[1:] == column[:-1]
    refuse(bool(same.any()), "every event must have an occurrence of its own",
           f"{int(same.sum())} have not")


class _Refusal:
    """Refuses what a trace cannot say."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __call__(self, is_wrong: bool, words: str, found: object) -> None:
        if is_wrong:
            raise RecordError(f"this cannot be true of a trace: {words}", self.where,
                              str(found)[:200], _AGAIN)


def _check_directory(content: bytes, where: str) -> None:
    """Refuse a zip whose list of members is longer than a trace's; it would all be read."""
    end = content.rfind(b"PK\x05\x06", max(0, len(content) - 2**16 - 22))
    if end < 0 or end + 22 > len(content):
        raise RecordError("no trace: it is no zip file", where, f"{len(content)} bytes", _AGAIN)
    size = int.from_bytes(content[end + 12:end + 16], "little")
    if size > _DIRECTORY or content[max(0, end - 20):end].startswith(b"PK\x06\x07"):
        raise RecordError("no trace: too many members", where, f"{size} bytes list them", _AGAIN)


def _check_members(archive: zipfile.ZipFile, where: str) -> None:
    found = sorted(info.filename for info in archive.infolist())
    expected = sorted([HEADER, *(f"{name}.npy" for name in COLUMNS)])
    if found != expected:
        raise RecordError("no trace: it must have these members and no others: "
                          + ", ".join(expected), where, f"found: {', '.join(found)}"[:300], _AGAIN)


def _member(archive: zipfile.ZipFile, name: str, largest: int, where: str) -> bytes:
    """Return a member, whatever size it claims to have."""
    with archive.open(name) as stream:
        data = stream.read(largest + 1)
    if len(data) > largest:
        raise RecordError(f"{name} of the trace is too large", where,
                          f"more than {largest} bytes", _AGAIN)
    return data


def _column(archive: zipfile.ZipFile, name: str, where: str) -> NDArray[Any]:
    """Return an array of the element type that the format has for it."""
    dtype, width = np.dtype(COLUMNS[name]), 4 if name == "sketch" else 1
    largest = EVENTS * width * dtype.itemsize + _NPY
    data = _member(archive, f"{name}.npy", largest, where)
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise RecordError(f"{name}.npy is of another format of NumPy", where,
                          f"{version}, expected (1, 0)", _AGAIN)
    shape, is_fortran, found = np.lib.format.read_array_header_1_0(stream, max_header_size=_NPY)
    rows = shape[0] if shape else -1
    if found != dtype or is_fortran or shape != ((rows, 4) if width == 4 else (rows,)):
        raise RecordError(f"{name}.npy has another element type, order or shape", where,
                          f"{found} {shape}, expected {dtype} (n{', 4' if width == 4 else ''},)",
                          _AGAIN)
    body = data[stream.tell():]
    if len(body) != rows * width * dtype.itemsize:
        raise RecordError(f"{name}.npy is cut off", where,
                          f"{len(body)} bytes for {rows} events", _AGAIN)
    return np.frombuffer(body, dtype).reshape(shape)


def _header(data: bytes, where: str) -> Header:
    found = parsing.parse(data, where)
    if isinstance(found, dict) and found.get("format") == "harness-trace" \
            and found.get("version") != 1:
        raise RecordError("the trace is of a version that is not known", where,
                          f"{found.get('version')!r:.60}, known: 1",
                          "use a newer harness, or record it again")
    header: Header = parsing.convert(Header, found, where)
    return header
