"""Atomic writes, and what a killed process leaves of them."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness import files
from harness.files import scratch, sweep, temporary, write_text

ROOT = Path(__file__).parents[1]
DIES = """
import os, sys
from pathlib import Path
from harness import files
os.{call} = lambda *_: os.kill(os.getpid(), 9)
folder = Path(sys.argv[1])
files.write_text(folder / "record.json", "new")
"""
DIES_IN_SCRATCH = """
import os, sys
from pathlib import Path
from harness import files
with files.scratch(Path(sys.argv[1])) as folder:
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_text("x")
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("code", [DIES.format(call="fsync"), DIES.format(call="replace"),
                                  DIES_IN_SCRATCH], ids=["writing", "renaming", "scratch"])
def test_what_a_killed_writer_leaves_is_swept(tmp_path: Path, code: str) -> None:
    """The old content stays, and the next command removes the temporary file."""
    path = tmp_path / "results" / "record.json"
    write_text(path, "old")
    ended = subprocess.run([sys.executable, "-c", code, str(path.parent)], cwd=ROOT)
    assert ended.returncode == -signal.SIGKILL
    assert temporary(tmp_path)
    sweep(tmp_path)
    assert not temporary(tmp_path)
    assert path.read_text() == "old"
    assert [one.name for one in path.parent.iterdir()] == ["record.json"]


def test_a_writer_at_work_is_not_disturbed(tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    """Another command's sweep, in the midst of a write, takes nothing away."""
    synchronize = os.fsync

    def sweep_meanwhile(handle: int) -> None:
        assert temporary(tmp_path)
        sweep(tmp_path)
        assert temporary(tmp_path)
        synchronize(handle)

    monkeypatch.setattr(os, "fsync", sweep_meanwhile)
    write_text(tmp_path / "record.json", "new")
    assert (tmp_path / "record.json").read_text() == "new"
    with scratch(tmp_path) as folder:
        sweep(tmp_path)
        assert folder.is_dir()
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"]


def test_swept_before_it_was_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary file that another command takes between its making and its lock is made anew."""
    lock, taken = files.fcntl.flock, []

    def take_first(handle: int, kind: int) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        lock(handle, kind)

    monkeypatch.setattr(files.fcntl, "flock", take_first)
    write_text(tmp_path / "record.json", "new")
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"]


def test_a_folder_that_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another command removes while the temporary files are looked for is passed over."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".left.tmp").write_text("")
    scan = os.scandir

    def take_away(folder: object) -> object:
        if str(folder).endswith(("first", "second")):
            shutil.rmtree(tmp_path / "first", ignore_errors=True)
        return scan(folder)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", take_away)
    sweep(tmp_path)
    assert not temporary(tmp_path) and (tmp_path / "second").exists()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """The error says which file could not be written; the old one and no other is left."""
    path = tmp_path / "record.json"
    write_text(path, "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError) as error:
            write_text(path, "x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert error.value.filename == str(path)
    assert path.read_text() == "old" and not temporary(tmp_path)
