"""Copies of the working directory: every run of a program begins with what the first one found.

Outside half. A program that writes a checkpoint, a cache or a log, and reads it when it is
there, would train otherwise the second time. So each run gets a copy of its own, and the
user's folder is left alone. What is large, and what other tools keep there, is linked.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import HarnessError

LARGE = 16 * 2**20
"""Bytes of a file above which it is linked."""
MANY = 2000
"""Entries of a folder above which it is linked: a data set."""
LARGEST, MOST = 512 * 2**20, 20_000
"""Bytes and files that are copied for a run."""
LINKED = {".git", ".hg", ".svn", ".tox", ".nox", ".venv", "node_modules", ".mypy_cache",
          ".ruff_cache"}
"""Folders that programs at most read."""
LEFT_OUT = {"__pycache__", ".pytest_cache"}


@dataclass
class Copy:
    """A copy of a working directory.

    Args:
        folder: the copy, where the program runs.
        linked: files and folders of the user's that the copy only links, and when they changed.
    """

    folder: Path
    linked: dict[Path, int] = field(default_factory=dict)
    size: int = 0
    files: int = 0

    def changed(self) -> list[Path]:
        """Return what is linked, and was changed through its link."""
        return [path for path, changed in self.linked.items() if _changed(path) != changed]


def copy(folder: Path, place: Path) -> Copy:
    """Copy a working directory, beside links to its neighbours.

    Args:
        folder: the user's.
        place: an empty folder, to hold the copy and the links.

    Raises:
        HarnessError: it is too large to be copied for every run.
    """
    around = place / (folder.parent.name or "root")
    around.mkdir(parents=True)
    found = Copy(around / (folder.name or "root"))
    if folder.parent != folder:
        neighbours = sorted(folder.parent.iterdir()) if _readable(folder.parent) else []
        for path in neighbours if len(neighbours) <= MANY else []:
            if path != folder:
                (around / path.name).symlink_to(path)
    _copy(folder, found.folder, found, folder)
    return found


def _copy(source: Path, target: Path, found: Copy, top: Path) -> None:
    target.mkdir()
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.name in LEFT_OUT:
            continue
        if entry.is_symlink():
            (target / entry.name).symlink_to(path.resolve())
        elif entry.is_dir():
            if _is_linked(path):
                _link(path, target / entry.name, found)
            else:
                _copy(path, target / entry.name, found, top)
        elif entry.is_file():
            if entry.stat().st_size > LARGE:
                _link(path, target / entry.name, found)
            else:
                _count(found, entry.stat().st_size, top)
                shutil.copy2(path, target / entry.name)


def _link(path: Path, target: Path, found: Copy) -> None:
    target.symlink_to(path)
    found.linked[path] = _changed(path)


def _is_linked(path: Path) -> bool:
    if path.name in LINKED or (path / "pyvenv.cfg").exists() or not _readable(path):
        return True
    with os.scandir(path) as entries:
        return sum(1 for _ in entries) > MANY


def _readable(path: Path) -> bool:
    return os.access(path, os.R_OK | os.X_OK)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _count(found: Copy, size: int, top: Path) -> None:
    found.size += size
    found.files += 1
    if found.size > LARGEST or found.files > MOST:
        raise HarnessError(
            "the working directory is too large to be copied for every run", str(top),
            f"more than {LARGEST >> 20} MiB or {MOST} files, those above {LARGE >> 20} MiB and "
            f"folders of more than {MANY} entries not counted",
            "change to the folder of the program alone, or --in-place: all runs share the folder")
