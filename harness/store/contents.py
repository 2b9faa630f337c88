"""Stored contents of one variant: what its baselines hold, each content kept once.

Outside half. A file of lines that are only ever appended. A line is either a curve, as its
difference in ulps from the most similar curve that was there before, or what else a variant
holds, as JSON text in which curves are named by their keys, compressed with the most similar
text as dictionary. Versions that agree to the bit share everything, and others share what is
the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from lzma import LZMAError
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from harness.errors import MissingRecordError, RecordError
from harness.files import LARGEST, read_bytes, write_text
from harness.records.record import CURVES, VariantRecord
from harness.store import base85, packing
from harness.store.reading import records
from harness.store.reading.schema import Line

TEXT = "text"
"""Kind of a line that holds all of a variant but its curves; other kinds are curves' names."""
_KEY = re.compile(r'^\{"key":"([0-9a-f]{16})"')
_DAMAGE = (ValueError, KeyError, TypeError, zlib.error, LZMAError, OverflowError)
Array = NDArray[Any]
Value = TypeVar("Value", bytes, Array)


class Content:
    """The contents of one variant of a case, by key."""

    def __init__(self, path: Path) -> None:
        """Take the file, which need not be there yet."""
        self.path = path
        self._read()

    def _read(self) -> None:
        """Read the lines; none is decoded."""
        try:
            text = read_bytes(self.path).decode("utf-8", "replace")
        except MissingRecordError:
            text = ""
        self._lines = [line for line in text.split("\n") if line]
        self._written = len(self._lines)
        # the last of a key counts: a damaged content is stored again
        self._numbers = {match[1]: number for number, line in enumerate(self._lines)
                         if (match := _KEY.match(line))}
        self._parsed: dict[str, Line] = {}
        self._curves: dict[str, Array] = {}
        self._texts: dict[str, bytes] = {}
        self._variants: dict[str, VariantRecord] = {}

    def holds(self, key: str) -> bool:
        """Return whether there is a line of a key, damaged or not."""
        return key in self._numbers

    def variant(self, key: str) -> VariantRecord:
        """Return the variant of a key, the same object every time.

        Raises:
            RecordError: it is not there, or damaged; the others can be read.
        """
        if key not in self._variants:
            if key not in self._numbers:
                self._read()  # another process may have accepted it
            found = records.content(self.text(key), self.where(key), self.curve)
            found.key = key
            self._variants[key] = found
        return self._variants[key]

    def append(self, line: dict[str, Any]) -> None:
        """Add a line; it counts instead of an earlier one of the same key."""
        key = line["key"]
        for known in (self._parsed, self._texts, self._curves, self._variants):
            known.pop(key, None)
        self._numbers[key] = len(self._lines)
        self._lines.append(json.dumps(line, separators=(",", ":")))

    def latest(self, kind: str, count: int) -> list[str]:
        """Return the keys of the latest contents of a kind, without those that are damaged."""
        found = []
        for key in reversed(self._numbers):
            with contextlib.suppress(RecordError, KeyError):
                if self._line(key).kind == kind:
                    (self.text if kind == TEXT else self.curve)(key)
                    found.append(key)
            if len(found) == count:
                break
        return found

    def write(self) -> None:
        """Write what was appended, atomically; lines that were there stay as they are."""
        if len(self._lines) > self._written:
            self._replace(self._lines)

    def drop(self, unused: set[str], used: set[str]) -> None:
        """Drop variants that no baseline holds, and what only they are made of.

        Nothing is dropped from a file in which something needed, or nameless, is damaged.

        Args:
            unused: keys of variants that may be dropped.
            used: keys of variants that are in use.
        """
        if not unused - used or not all(map(_KEY.match, self._lines)):
            return
        try:
            kept = {self._numbers[key] for key in self._needed(used)}
        except RecordError:
            return
        lines = [line for number, line in enumerate(self._lines) if number in kept]
        if len(lines) < len(self._lines):
            self._replace(lines)

    def _replace(self, lines: list[str]) -> None:
        write_text(self.path, "".join(f"{line}\n" for line in lines))
        self._read()

    def _needed(self, keys: Iterable[str]) -> set[str]:
        """Return the keys of the variants, their curves, and the parents of both."""
        found: set[str] = set()
        pending = [*keys]
        while pending:
            key = pending.pop()
            if key in found:
                continue
            found.add(key)
            line = self._line(key)
            pending += [line.parent] if line.parent else []
            if line.kind == TEXT:
                self.variant(key)  # raises: what is damaged
                data = json.loads(self.text(key))
                pending += [curves[name] for curves, name, _ in find_curves(data)]
        return found

    # ------------------------------------------------------------------ decoding
    def where(self, key: str) -> str:
        """Return where a content is, for errors."""
        number = f" line {self._numbers[key] + 1}" if key in self._numbers else ""
        return f"{self.path}{number}, key {key}"

    def _line(self, key: str) -> Line:
        if key not in self._numbers:
            unreadable = [number for number, line in enumerate(self._lines, 1)
                          if not _KEY.match(line)]
            raise RecordError("a content of the baselines is not there", self.where(key),
                              f"unreadable lines: {unreadable}" if unreadable else "",
                              "git checkout results/baselines, or accept again")
        if key not in self._parsed:
            self._parsed[key] = records.line(self._lines[self._numbers[key]], self.where(key))
        return self._parsed[key]

    def _attempt(self, key: str, decode: Callable[[], Any]) -> Any:
        try:
            return decode()
        except _DAMAGE as error:
            raise RecordError("a content of the baselines is damaged", self.where(key),
                              f"{type(error).__name__}: {error}",
                              "git checkout results/baselines, or accept again") from None

    def text(self, key: str) -> bytes:
        """Return the JSON text of a variant, in which curves are named by their keys."""
        def decode(line: Line, parent: bytes | None) -> bytes:
            unpacker = zlib.decompressobj(zdict=parent) if parent else zlib.decompressobj()
            text = unpacker.decompress(base85.decode(line.data), LARGEST)
            if not unpacker.eof:
                raise ValueError("the text is cut off, or too long")
            return text

        return self._follow(key, self._texts, decode)

    def curve(self, key: str) -> Array:
        """Return the curve of a key."""
        def decode(line: Line, parent: Array | None) -> Array:
            if not (isinstance(line.precision, str) and isinstance(line.steps, int)):
                raise ValueError("a curve must have a precision and a number of steps")
            precision, encoded = line.precision, base85.decode(line.data)
            if parent is not None:
                parent = packing.canonical(parent, precision)
            curve = packing.decode((line.order, line.packing, encoded), parent, line.steps,
                                   precision)
            if find_curve_key(curve) != line.key:
                raise ValueError("its numbers have another key")
            return curve

        return self._follow(key, self._curves, decode)

    def _follow(self, key: str, known: dict[str, Value],
                decode: Callable[[Line, Value | None], Value]) -> Value:
        """Return a content by decoding its parents first."""
        chain: list[str] = []
        link: str | None = key
        while link is not None and link not in known:
            if link in chain:
                raise RecordError("a content of the baselines is made of itself",
                                  self.where(link))
            chain.append(link)
            link = self._line(link).parent
        for link in reversed(chain):
            line = self._line(link)
            parent = known[line.parent] if line.parent else None
            known[link] = self._attempt(link, partial(decode, line, parent))
        return known[key]


def find_curves(data: Any) -> list[tuple[dict[str, Any], str, str]]:
    """Return (parent object, name, precision) of every curve in a variant's JSON data."""
    found = []
    for precision, trajectory in data.get("trajectories", {}).items():
        found += [(trajectory, name, precision) for name in CURVES if name in trajectory]
        envelope = trajectory.get("envelope", {})
        found += [(envelope, name, "float32") for name in envelope]
    return found


def find_curve_key(curve: Array) -> str:
    """Return the key of a curve: of its precision, and of its bits in little-endian order."""
    values = curve.astype(curve.dtype.newbyteorder("<"))
    return hashlib.sha256(curve.dtype.name.encode() + values.tobytes()).hexdigest()[:16]
