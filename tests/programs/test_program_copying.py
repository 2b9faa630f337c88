"""Copies of the working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.programs.runs import copying


def test_a_copy_holds_what_the_folder_holds(tmp_path: Path) -> None:
    """Files are copied, bytecode is left out, large files and version control are linked."""
    home = tmp_path / "user" / "project"
    (home / "pkg" / "__pycache__").mkdir(parents=True)
    (home / ".git").mkdir()
    (home / "pkg" / "train.py").write_text("x")
    (home / "data.bin").write_bytes(b"0" * (copying.LARGE + 1))
    (home.parent / "data").mkdir()
    found = copying.copy(home, tmp_path / "copy")
    assert (found.folder / "pkg" / "train.py").read_text() == "x"
    assert not (found.folder / "pkg" / "train.py").is_symlink()
    assert not (found.folder / "pkg" / "__pycache__").exists()
    assert (found.folder / "data.bin").is_symlink() and (found.folder / ".git").is_symlink()
    assert (found.folder / ".." / "data").resolve() == home.parent / "data"


def test_what_a_run_writes_stays_in_its_copy(tmp_path: Path) -> None:
    """The user's folder is as it was, and the next copy is like the first."""
    home = tmp_path / "project"
    home.mkdir()
    (home / "log.txt").write_text("before")
    first = copying.copy(home, tmp_path / "1")
    (first.folder / "log.txt").write_text("after")
    (first.folder / "model.pt").write_text("weights")
    second = copying.copy(home, tmp_path / "2")
    assert sorted(path.name for path in second.folder.iterdir()) == ["log.txt"]
    assert (second.folder / "log.txt").read_text() == "before"
    assert first.changed() == []


def test_what_is_changed_through_a_link_is_told(tmp_path: Path) -> None:
    """A large file of the user's that a program wrote to is known."""
    home = tmp_path / "project"
    home.mkdir()
    large = home / "large.bin"
    large.write_bytes(b"0" * (copying.LARGE + 1))
    found = copying.copy(home, tmp_path / "1")
    with (found.folder / "large.bin").open("ab") as stream:
        stream.write(b"1")
    assert found.changed() == [large]


def test_a_folder_that_is_too_large_is_refused(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the limits and the way on."""
    monkeypatch.setattr(copying, "MOST", 3)
    home = tmp_path / "project"
    home.mkdir()
    for i in range(5):
        (home / str(i)).write_text("")
    with pytest.raises(HarnessError, match="--in-place"):
        copying.copy(home, tmp_path / "1")


def test_a_data_set_of_many_files_is_linked(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with very many entries is not copied."""
    monkeypatch.setattr(copying, "MANY", 3)
    images = tmp_path / "project" / "images"
    images.mkdir(parents=True)
    for i in range(5):
        (images / str(i)).write_text("")
    found = copying.copy(images.parent, tmp_path / "1")
    assert (found.folder / "images").is_symlink()
