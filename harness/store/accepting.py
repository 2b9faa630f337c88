"""Accepting runs as baselines, and taking that back.

Outside half. Accepted baselines are only ever replaced whole, under a lock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files import lock, sweep, write_bytes
from harness.records import native_record, provenance
from harness.records.native_record import NativeRecord
from harness.records.record import Record
from harness.store import completeness, undo
from harness.store.store import Store


def accept(store: Store, records: list[Record], reason: str, natives: Sequence[NativeRecord] = (),
           details: Mapping[str, Mapping[str, Any]] | None = None,
           others: Mapping[Path, bytes] | None = None) -> None:
    """Promote checked runs to baselines, each with the reason; it can be undone.

    Args:
        details: by case, what else there is to keep of why it was accepted.
        others: users' programs, by file.

    Raises:
        UsageError: no reason, or nothing to accept.
        HarnessError: a run is partial or holds errors; nothing is accepted then.
    """
    if not reason.strip():
        raise UsageError("accepting needs a reason", next_command="--reason 'why it is right'")
    for record in records:
        completeness.require(store, record)
    for native in natives:
        completeness.require_native(store, native)
    with lock(store.project.lock_path("accept"), "harness accept"):
        sweep(store.project.results)
        accepted = {"reason": reason.strip(), "at": provenance.now()}
        paths = [store.project.native_baseline_path(native.case, native.environment)
                 for native in natives]
        whole = dict(others or {})
        names = sorted({*(record.environment for record in records), *(
            native.environment for native in natives), *(path.stem for path in whole)})
        store.baselines.write(
            [dataclasses.replace(record, accepted={**accepted,
                                                   **(details or {}).get(record.case, {})})
             for record in records],
            lambda files: undo.keep(store.project, f"{', '.join(names)}: {reason.strip()}",
                                    [*files, *paths, *whole]))
        for native, path in zip(natives, paths, strict=True):
            native_record.write(dataclasses.replace(native, accepted=accepted), path)
        for path, content in whole.items():
            write_bytes(path, content)
        undo.finish(store.project)


def take_back(store: Store) -> tuple[str, list[Path]]:
    """Take the last accept back; return what it was, and the files that are as before.

    Raises:
        UsageError: there is nothing to take back.
        HarnessError: the baselines have changed since.
    """
    with lock(store.project.lock_path("accept"), "harness accept"):
        return undo.take_back(store.project)
