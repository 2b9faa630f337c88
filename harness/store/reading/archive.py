"""Taking files out of what another machine left: a folder of runs, or a zip of one.

Outside half. Only regular files with the names that runs have are taken, each into a folder of
our own and none larger than a record can be. Links, devices, other names and more than that
are refused, and named.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.errors import HarnessError, RecordError
from harness.files import LARGEST, read_bytes
from harness.records.paths import MANIFESTS, PROGRAMS, is_name

TOTAL, FILES = 512 * 2**20, 10_000
"""Bytes and files that one shard may hold; the whole matrix has 250 million and 300."""
SAID = 20
"""Refusals that are listed; the rest is counted."""
_PREFIX = ("results", "runs")
_KINDS = {".json": "a record", ".failed.txt": "a failure", ".log": "a log",
          ".zip": "a program's runs"}
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError,
           NotImplementedError)
Parts = tuple[str, ...]
Member = tuple[Parts, int, Callable[[], bytes]]
"""Name, mode, and what reads it."""


def take(source: Path, target: Path) -> list[str]:
    """Copy the runs in a folder or a zip; return what was refused, and why.

    Args:
        target: a folder, which becomes a copy of a ``results/runs``.

    Raises:
        RecordError: the zip is damaged.
    """
    refused: list[str] = []
    taken = 0
    members = _unzip(source) if source.is_file() else _walk(source)
    for number, (parts, mode, read) in enumerate(members):
        name = "/".join(parts)
        parts = parts[2:] if parts[:2] == _PREFIX else parts
        is_hidden = any(part.startswith(".") and part.strip(".") for part in parts)
        if is_hidden or parts[:1] == ("locks",):
            continue
        reason = "too many files" if number >= FILES else _reason(parts, mode)
        if not reason:
            try:
                data = read()
                taken += len(data)
                reason = "" if taken <= TOTAL else f"more than {TOTAL} bytes in one shard"
            except HarnessError as error:
                reason = f"{error.what} {error.numbers}".strip()
        path = target.joinpath(*parts)
        if not reason and path.exists():
            reason = "it is there twice"
        if reason:
            refused.append(str(RecordError(f"this is not taken in: {reason}",
                                           f"{source} {name!r}"[:400])))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if number >= FILES or taken > TOTAL:
            break
    more = len(refused) - SAID
    return refused[:SAID] + ([f"{more} more files of {source}"] if more > 0 else [])


def _reason(parts: Parts, mode: int) -> str:
    """Return why a file is not taken, or nothing."""
    if not stat.S_ISREG(mode):
        return "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
    suffix = next((suffix for suffix in _KINDS if parts[-1].endswith(suffix)), "")
    if not suffix or not is_name("environment", parts[-1][:-len(suffix)]):
        return "no name of a run's file"
    folders = parts[:-1]
    is_native = len(folders) == 2 and folders[1] == "native" and suffix == ".json"
    if folders == (MANIFESTS,) and suffix == ".json":
        return ""
    if suffix == ".zip":
        is_there = len(folders) == 2 and folders[0] == PROGRAMS and is_name("case", folders[1])
        return "" if is_there else f"{_KINDS[suffix]} must be in the folder of a program"
    if folders[1:] in (("partial",), ("partial", "native")):
        return "only a part of the case was measured"
    if suffix == ".log":
        return "" if folders == ("logs",) else "a log must be in logs/"
    if not folders or not is_name("case", folders[0]) or not (len(folders) == 1 or is_native):
        return f"{_KINDS[suffix]} must be in the folder of a case"
    return ""


def _walk(folder: Path, parts: Parts = ()) -> Iterator[Member]:
    """Yield what is in a folder; no link is followed, and no deep folder entered."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            name, path = (*parts, entry.name), Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if len(name) <= 4 and not entry.name.startswith("."):
                    yield from _walk(path, name)
            else:
                mode = entry.stat(follow_symlinks=False).st_mode
                yield name, mode, lambda path=path: read_bytes(path)  # type: ignore[misc]


def _unzip(source: Path) -> Iterator[Member]:
    """Yield what is in a zip."""
    try:
        with zipfile.ZipFile(source) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    mode = info.external_attr >> 16 or stat.S_IFREG
                    yield (tuple(info.filename.split("/")),
                           mode if stat.S_IFMT(mode) else mode | stat.S_IFREG,
                           lambda info=info: _read(archive, info))  # type: ignore[misc]
    except _DAMAGE as error:
        raise RecordError(f"the zip of runs is damaged: {error}", str(source),
                          next_command="download it again") from None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a file of a zip, whatever size it claims to have."""
    try:
        with archive.open(info) as stream:
            data = stream.read(LARGEST + 1)
    except _DAMAGE as error:
        raise RecordError(f"it is damaged in the zip: {error}") from None
    if len(data) > LARGEST:
        raise RecordError("the file is too large", numbers=f"more than {LARGEST} bytes")
    return data
