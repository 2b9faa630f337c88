"""The manifest: which records an environment's runs measured, when, and in which night.

Inside half: standard library only. ``harness run`` keeps one file for each environment beside
the records, so that no two environments write the same one. A night knows its records by it:
times of files say when something was copied, and clocks are set back.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping, Sequence

from harness.errors import MissingRecordError, RecordError, UsageError
from harness.files import read_text, sha256, write_text
from harness.records import provenance
from harness.records.paths import Paths

NIGHT = "HARNESS_NIGHT"
"""Variable with the name of the night; tox sets it for all of its environments."""
FORMAT = 1
LARGEST = 1 << 20
"""Bytes that a manifest may have; one of four cases and their native runs has 4000."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._+-]{0,99}\Z")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Entry:
    """One file of the runs, as it was when a run had written it or had found it still true.

    Args:
        sha256: of the file's bytes.
        night: name of the night in which that was; None outside of a night.
        at: when that was, UTC, ISO 8601.
    """

    sha256: str
    night: str | None
    at: str


@dataclass
class Manifest:
    """What is known of one environment's runs.

    Args:
        asked: files that the last run was asked for, relative to the folder of the runs.
        selection: shell patterns of the variants that it was asked for; empty for all.
        started, ended: of the last run, UTC, ISO 8601; ``ended`` is None until it has ended.
        packages: what was installed when something was last measured, name and version.
        records: by file, relative to the folder of the runs.
    """

    environment: str
    asked: list[str] = field(default_factory=list)
    selection: list[str] = field(default_factory=list)
    started: str | None = None
    ended: str | None = None
    packages: dict[str, str] = field(default_factory=dict)
    records: dict[str, Entry] = field(default_factory=dict)


def night(variables: Mapping[str, str] = os.environ) -> str | None:
    """Return the name of the night; None where nobody says.

    Args:
        variables: of the process.

    Raises:
        UsageError: the variable is no name.
    """
    name = variables.get(NIGHT)
    if name is not None and not _NAME.match(name):
        raise UsageError("the name of a night is one word of letters, digits and :._+-", NIGHT,
                         repr(name), f"unset {NIGHT}")
    return name


def read(paths: Paths, environment: str) -> Manifest | None:
    """Return the manifest of an environment; None where there is none.

    Raises:
        RecordError: it is damaged, of another format or of another environment.
    """
    path = paths.manifest_path(environment)
    try:
        found = _decode(json.loads(read_text(path, LARGEST)))
    except MissingRecordError:
        return None
    except (RecordError, ValueError, TypeError, RecursionError) as error:
        why = f"{error.what} {error.numbers}".strip() \
            if isinstance(error, RecordError) else str(error)
        raise RecordError("the manifest of the runs is damaged", str(path), why[:300],
                          f"tox run -e {environment} -- --again") from None
    if found.environment != environment:
        raise RecordError("the manifest belongs to another environment", str(path),
                          repr(found.environment), f"tox run -e {environment} -- --again")
    return found


def begin(paths: Paths, environment: str, due: Sequence[Path], kept: Sequence[Path],
          name: str | None, selection: Sequence[str] = ()) -> None:
    """Write down that a run begins.

    Args:
        due: files that it will write; it ends at once where there are none.
        kept: files that are still what it would write.
        name: of the night.
        selection: patterns of the variants that are asked for.
    """
    with _open(paths, environment) as manifest:
        manifest.asked = [_relative(paths, path) for path in (*due, *kept)]
        manifest.selection = list(selection)
        manifest.started = provenance.now()
        manifest.ended = None if due else manifest.started
        if due or not manifest.packages:
            manifest.packages = provenance.packages()
        for missing in manifest.asked:
            manifest.records.pop(missing, None)
        _enter(paths, manifest, kept, name)


def go_on(paths: Paths, environment: str, due: Sequence[Path], kept: Sequence[Path],
          name: str | None) -> None:
    """Write down that a run goes on with other files: those of users' programs.

    Args:
        due: files that it will write.
        kept: files that are still what it would write.
        name: of the night.
    """
    with _open(paths, environment) as manifest:
        manifest.asked += [_relative(paths, path) for path in (*due, *kept)]
        manifest.started = manifest.started or provenance.now()
        manifest.ended = None if due else manifest.ended or manifest.started
        for path in due:
            manifest.records.pop(_relative(paths, path), None)
        _enter(paths, manifest, kept, name)


def end(paths: Paths, environment: str, files: Sequence[Path], name: str | None) -> None:
    """Write down that a run has ended, and what there is of the files that it was to write."""
    with _open(paths, environment) as manifest:
        _enter(paths, manifest, files, name)
        manifest.ended = provenance.now()


def carry(source: Manifest | None, paths: Paths, environment: str, files: Iterable[str]) -> None:
    """Take over what another machine's manifest says of files that were copied from there.

    Args:
        source: that machine's; None where it has none, so that nothing is known of the files.
        paths: into whose runs they were copied.
        files: relative to the folder of the runs.
    """
    with _open(paths, environment) as manifest:
        for name in files:
            entry = source.records.get(name) if source else None
            if entry is None:
                manifest.records.pop(name, None)
            else:
                manifest.records[name] = entry
        if source is not None:
            for part in ("asked", "selection", "started", "ended", "packages"):
                setattr(manifest, part, getattr(source, part))


def why_not(paths: Paths, manifest: Manifest | None, path: Path, name: str) -> str | None:
    """Return why a file of the runs is not of a night; None where it is.

    Args:
        manifest: of the environment that the file is of.
        path: of a record, of a failure or of native runs.
        name: of the night.
    """
    entry = manifest.records.get(_relative(paths, path)) if manifest else None
    if not path.is_file():
        if manifest and manifest.started and not manifest.ended:
            return f"its run began at {manifest.started} and never ended"
        return "there is no record of it: it was not installed, or ended before it could say why"
    if entry is None:
        return "there is a record of it, but no run says that it measured that"
    if entry.night != name:
        other = f"in the night {entry.night}" if entry.night else "outside of any night"
        return (f"it was measured at {entry.at} {other}, and this is the night {name}\n"
                f"  next:  tox run -m nightly; machines that measure one night share its {NIGHT}")
    found = sha256(path)
    if found != entry.sha256:
        return ("its record is not the one that was measured tonight\n"
                f"  found: sha256 {found[:12]}, measured {entry.sha256[:12]}")
    return None


@contextlib.contextmanager
def _open(paths: Paths, environment: str) -> Iterator[Manifest]:
    """Give an environment's manifest to change; nobody else changes it meanwhile."""
    path = paths.lock_path(f"{environment}.manifest")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            manifest = read(paths, environment) or Manifest(environment)
        except RecordError:
            manifest = Manifest(environment)  # it says nothing any more, and is written anew
        yield manifest
        write_text(paths.manifest_path(environment),
                   json.dumps({"manifest": FORMAT, **asdict(manifest)}, indent=1) + "\n")


def _enter(paths: Paths, manifest: Manifest, files: Sequence[Path], name: str | None) -> None:
    """Enter what of the files there is."""
    for path in files:
        if path.is_file():
            manifest.records[_relative(paths, path)] = Entry(sha256(path), name, provenance.now())


def _relative(paths: Paths, path: Path) -> str:
    return path.relative_to(paths.runs).as_posix()


def _decode(data: Any) -> Manifest:
    """Return a manifest from JSON data.

    Raises:
        ValueError: something is not as it must be.
        TypeError: there is an unknown field.
    """
    if not isinstance(data, dict) or data.pop("manifest", None) != FORMAT:
        raise ValueError(f"not of format {FORMAT}")
    records, times = data.pop("records", None), (data.get("started"), data.get("ended"))
    texts = (data.get("environment"), *_listed(data, "asked"), *_listed(data, "selection"),
             *_object(data.get("packages")).values())
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a field is no text")
    if not all(time is None or _TIME.match(time) for time in times):
        raise ValueError("started and ended must be times")
    entries = {name: Entry(**_object(entry)) for name, entry in _object(records).items()}
    for entry in entries.values():
        if not (_DIGEST.match(entry.sha256) and _TIME.match(entry.at)
                and (entry.night is None or _NAME.match(entry.night))):
            raise ValueError("a record needs its SHA-256, a time and the name of a night or null")
    return Manifest(records=entries, **data)


def _listed(data: dict[str, Any], name: str) -> list[Any]:
    if not isinstance(data.get(name), list):
        raise ValueError(f"{name} is no list")
    return list(data[name])


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError("an object is missing")
    return data
