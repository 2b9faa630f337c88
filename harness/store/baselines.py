"""Accepted records on disk: a head for each environment, and the contents they share.

Outside half. A head names every variant's content by its key. Contents are written before
the heads that name them, and removed after the last head that did: whenever a process dies,
whatever was accepted can be read. What an older harness wrote, a whole record in one file,
is read as well.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness.errors import HarnessError, RecordError
from harness.files import read_bytes, write_text
from harness.records import writing
from harness.records.project import Project
from harness.records.record import Record, VariantRecord, Variants
from harness.store import machines
from harness.store.contents import Contents
from harness.store.reading import records as reading
from harness.store.reading.schema import Head

HEAD = 2
"""Version of the format of heads and contents."""
_START = b'{"head":'
Keys = dict[str, str]
"""The key of every variant of a baseline."""


class Baselines:
    """The accepted records of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._contents: dict[tuple[str, str], Contents] = {}

    def read(self, path: Path) -> Record:
        """Read a head; variants are decoded when they are asked for.

        Args:
            path: where the project keeps the baseline.

        Raises:
            MissingRecordError: there is no such baseline.
            RecordError: the head is damaged, or of another format version.
        """
        text = read_bytes(path)
        if not text.startswith(_START):
            return reading.loads(text, str(path))
        head, keys = _parse_head(text, path)
        variants = Variants(keys, partial(self._variant, self._case(path)), str)
        return reading.record(head, str(path), variants)

    def write(self, records: list[Record],
              prepare: Callable[[list[Path]], None] = lambda _: None) -> None:
        """Write accepted records; the caller holds the lock.

        One of another class of machine than the baseline there is has a place of its own.

        Args:
            prepare: called before anything is written, with every file that may be.

        Raises:
            RecordError: one would not come back as it is; nothing is accepted then.
        """
        self._contents.clear()
        heads: dict[Path, str] = {}
        for record in records:
            keys = {name: self._of(record.case, name).add(variant)
                    for name, variant in record.variants.items()}
            heads[self.path_for(record)] = \
                writing.lay_out({"head": HEAD}, record, {
                    name: json.dumps(key) for name, key in keys.items()})
        before = [(self._case(path), _read_keys(path)) for path in heads if path.exists()]
        old: dict[tuple[str, str], set[str]] = defaultdict(set)
        for case, head in before:
            for name, key in (head or {}).items():
                old[case, name].add(key)
        named = sorted({*self._contents, *old})
        prepare([*heads, *(path for pair in named for path in self._of(*pair).files(old[pair]))])
        for contents in self._contents.values():
            contents.write()
        for path, text in heads.items():
            write_text(path, text)
        for case in {case for case, _ in before}:
            self._drop(case, {name: keys for (its, name), keys in old.items() if its == case})
        self._contents.clear()

    def path_for(self, record: Record) -> Path:
        """Return where a record becomes a baseline: the first one, or that of its class."""
        path = self.project.baseline_path(record.case, record.environment)
        try:
            first = self.read(path)
        except HarnessError:
            return path
        mine, theirs = (machines.machine_class(one.provenance, one.environment).name
                        for one in (record, first))
        return path if mine == theirs else self.project.baseline_path(
            record.case, record.environment, mine)

    def _case(self, path: Path) -> str:
        """Return the case of a head."""
        return path.relative_to(self.project.baselines).parts[0]

    def _of(self, case: str, name: str) -> Contents:
        """Return the contents of a variant."""
        if (case, name) not in self._contents:
            self._contents[case, name] = Contents(self.project.content_path(case, name))
        return self._contents[case, name]

    def _variant(self, case: str, name: str, key: str) -> VariantRecord:
        return self._of(case, name).variant(key)

    def _drop(self, case: str, old: dict[str, set[str]]) -> None:
        """Remove what was referred to by a head that was replaced, and now is by none.

        Args:
            old: keys in the heads that were replaced, by variant.
        """
        heads = [_read_keys(path) for pattern in ("[a-z]*.json", "*-*/[a-z]*.json")
                 for path in (self.project.baselines / case).glob(pattern)]
        if None in heads:
            return  # what a damaged head needs is unknown
        for name, keys in old.items():
            self._of(case, name).drop(keys, {head[name] for head in heads
                                             if head and name in head})


def _parse_head(text: bytes, path: Path) -> tuple[Head, Keys]:
    """Return a head, and its keys."""
    head, keys = reading.head_of(text, str(path))
    if head.head != HEAD:
        raise RecordError("baseline of another format version", str(path),
                          f"head {head.head}, this harness reads {HEAD}")
    return head, {sys.intern(name): sys.intern(key) for name, key in keys.items()}


def _read_keys(path: Path) -> Keys | None:
    """Return the keys of a head, none of a record in one file; None if it cannot be read."""
    try:
        text = read_bytes(path)
        return _parse_head(text, path)[1] if text.startswith(_START) else {}
    except HarnessError:
        return None
