"""What a record depends on, so that nothing is measured twice: digests and the reason to measure.

Inside half: standard library only. ``harness`` and ``case`` are the same on every machine,
``packages`` wherever the same pins are installed; ``files`` tells that somebody changed an
installed file without changing a version, and ``machine`` that the processor, the interpreter
or a switch for threads and kernels is another one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterable, Sequence

from harness.errors import HarnessError
from harness.files import read_text, sha256
from harness.records import processor, settings
from harness.records.paths import Paths
from harness.vocabulary.program import Program

MEASURING = ("measure", "records", "vocabulary")
"""Rooms that a measured number depends on."""
APART = ("recorder", "program.py")
"""What of them measures users' own programs, and no case."""
SOURCES = ("*.py", "*.exs", "*.json")
"""Files of theirs that it depends on."""
RECORDING = ("measure/recorder", "records")
"""Rooms that what is recorded of a user's program depends on."""
BESIDE = ("vocabulary/program.py", "leash.py", "watching.py")
"""Modules of other rooms that it depends on."""
LEFT_OUT = ("__pycache__", ".git", ".tox", ".venv", ".pytest_cache")
"""Folders of a program that no run gets."""
FACTS = "run.json"
"""What the runs of a program have beside their traces."""
IGNORED = ("include", "__pycache__", "share", "test", "tests")
"""Folders of installed packages that hold nothing that trains."""
WORDS = {"harness": "the harness changed", "case": "the case changed",
         "packages": "another version of a package is installed",
         "files": "an installed file changed", "machine": "the machine or its switches changed"}
"""What it means that a digest differs."""
HEAD = 50
"""Lines of a record among which its provenance stands."""
_MACHINE = [sys.version, processor.machine(), {**settings.pinned(None), **settings.chosen()}]
"""As they were before a framework could change a variable."""


def digests(root: Path, case: str, data: Iterable[str]) -> dict[str, Any]:
    """Return the SHA-256 of everything that the record of a case depends on.

    Args:
        root: the checkout.
        data: names of the case's files in ``cases/data``; kept beside the digests.
    """
    names = sorted(set(data))
    return {"harness": harness_digest(), "case": case_digest(root, case, names),
            "data": names, **of_here()}


def of_here() -> dict[str, str]:
    """Return the digests of what is the same for everything that is measured here.

    They are those of ``packages``, ``files`` and ``machine``.
    """
    return {**_installed(), "machine": digest([json.dumps(_MACHINE)])}


def harness_digest(home: Path = Path(__file__).parents[1]) -> str:
    """Return the digest of the sources that measure: these, or another checkout's.

    Args:
        home: the folder of the package.
    """
    files = [path for room in MEASURING for pattern in SOURCES
             for path in (home / room).rglob(pattern)
             if not set(APART) & set(path.relative_to(home).parts)]
    return digest(f"{path.relative_to(home).as_posix()} {sha256(path)}" for path in sorted(files))


def case_digest(root: Path, case: str, data: Iterable[str]) -> str:
    """Return the digest of a case: its declaration, data and initial weights."""
    files = [f"{case}.py", *(f"data/{name}" for name in data)]
    return digest(f"{name} {sha256(root / 'cases' / name)}" for name in files)


def program_digests(root: Path, program: Program) -> dict[str, str]:
    """Return the digests of a user's program, and of the sources that record it.

    Like those of a case they are the same on every machine.

    Args:
        root: the checkout.
    """
    home = Path(__file__).parents[1]
    sources = sorted([path for room in RECORDING for path in (home / room).rglob("*.py")]
                     + [home / name for name in BESIDE])
    folder = root / program.folder
    return {"harness": _of_files(home, sources),
            "case": digest([program.dumps(), _of_files(folder, program_files(folder))])}


def program_files(folder: Path) -> list[Path]:
    """Return the files that every run of a program gets a copy of."""
    found = []
    for top, folders, names in os.walk(str(folder), followlinks=True):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        found += [Path(top) / name for name in sorted(names) if name not in LEFT_OUT]
    return found


def program_facts(path: Path) -> dict[str, Any] | None:
    """Return the facts of a program's runs; None where there are none that can be read."""
    try:
        with zipfile.ZipFile(str(path)) as file:
            facts = json.loads(file.read(FACTS))
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile):
        return None
    return facts if isinstance(facts, dict) else None


def _of_files(home: Path, files: Iterable[Path]) -> str:
    return digest(f"{path.relative_to(home).as_posix()} {sha256(path)}" for path in files)


def due(paths: Paths, environment: str, cases: Sequence[str]) -> dict[str, str | None]:
    """Return by case why it must be measured here; None where its record is still true."""
    return {case: reason(paths.root, case, paths.run_path(case, environment),
                         paths.failure_path(case, environment)) for case in cases}


def reason(root: Path, case: str, record: Path, failure: Path,
           selection: Sequence[str] = ()) -> str | None:
    """Return why a case must be measured here, or None where its record is still true.

    Args:
        record: path of the last run's record, or native record.
        failure: path of the file that says why the last run failed.
        selection: patterns of the variants that are wanted; empty for all.
    """
    if failure.exists():
        return "the last run failed"
    origin = recorded(record)
    if origin is None:
        return "it was not measured yet"
    if origin.get("selection", list(selection)) != list(selection):
        return f"only {' '.join(origin['selection'])} was measured"
    if origin.get("errors"):
        return f"{len(origin['errors'])} variants raised an error"
    before = origin.get("inputs", {})
    try:
        now = digests(root, case, before.get("data", ()))
    except (OSError, HarnessError, TypeError):  # a file that is no more, or no name of one
        return WORDS["case"]
    return "; ".join(WORDS[name] for name in WORDS if before.get(name) != now[name]) or None


def recorded(path: Path) -> dict[str, Any] | None:
    """Return a record's provenance from its first lines; None where there is none to read."""
    try:
        for line in read_text(path).split("\n", HEAD)[:HEAD]:
            if line.lstrip("{").startswith('"provenance":'):
                found = json.loads("{" + line.lstrip("{").rstrip().rstrip(",") + "}")["provenance"]
                return found if _can_tell(found) else None
    except (HarnessError, ValueError, KeyError, RecursionError):
        pass
    return None


def _can_tell(found: Any) -> bool:
    """Return whether a provenance has the types that the reason to measure is told from."""
    if not isinstance(found, dict) or not isinstance(found.get("inputs", {}), dict):
        return False
    lists = found.get("selection", []), found.get("errors", [])
    return all(isinstance(some, list) and all(isinstance(one, str) for one in some)
               for some in lists)


@lru_cache(maxsize=None)
def _installed() -> dict[str, str]:
    """Return the digests of versions, and of sizes and times of the files that train."""
    names: set[str] = set()
    files: list[str] = []
    for top in {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}:
        names |= {entry for entry in os.listdir(top) if entry.endswith(".dist-info")}
        files += _files(top)
    compiled = os.path.join(sys.prefix, "elixir")  # where the adapter of Axon keeps its packages
    if os.path.isdir(compiled):
        files += _files(compiled)
    return {"packages": digest(sorted(names)), "files": digest(sorted(files))}


def _files(top: str) -> list[str]:
    """Return path, size and time of every Python, Erlang and library file below a folder."""
    found, pending = [], [top]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in IGNORED:
                        pending.append(entry.path)
                elif entry.name.endswith((".py", ".so", ".beam")) or ".so." in entry.name:
                    state = entry.stat(follow_symlinks=False)
                    found.append(f"{entry.path} {state.st_size} {state.st_mtime_ns}")
    return found


def digest(lines: Iterable[str]) -> str:
    """Return the SHA-256 of lines."""
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()
