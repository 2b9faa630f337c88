"""Files that are none, too large, or not where they seem to be: read, or in a shard."""

from __future__ import annotations

import os
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.errors import HarnessError, MissingRecordError
from harness.files import LARGEST, read_bytes, read_text
from harness.records.project import Project
from harness.store.reading import archive

CASE, ENVIRONMENT = "xor", "torch-2.13.0"


def large(path: Path) -> None:
    """Make a file of 100 MB that takes no room."""
    with path.open("wb") as stream:
        stream.truncate(100_000_000)


MAKERS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(), "loop": lambda path: path.symlink_to(path), "large": large}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_no_bearable_file_is_refused(tmp_path: Path,
                                             make: Callable[[Path], object]) -> None:
    """A pipe does not block, a device does not fill the memory, nor does a large file."""
    path = tmp_path / "x.json"
    make(path)
    tracemalloc.start()
    with pytest.raises(HarnessError, match=r"regular file|too large|unreadable"):
        read_bytes(path)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_a_file_is_read(tmp_path: Path) -> None:
    """A regular file is; one that is not there, or no text, is said."""
    (tmp_path / "x").write_bytes(b"\xff")
    assert read_bytes(tmp_path / "x") == b"\xff"
    with pytest.raises(HarnessError, match="no text in UTF-8"):
        read_text(tmp_path / "x")
    with pytest.raises(MissingRecordError):
        read_text(tmp_path / "y")


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_an_import_of_it_is_refused(project: Project, make: Callable[[Path], object],
                                    capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends at once, with a message."""
    path = project.root / "x.json"
    make(path)
    assert main(["--root", str(project.root), "import", str(path)]) == 3
    assert "where:" in capsys.readouterr().err


def test_only_regular_files_with_names_are_taken(tmp_path: Path) -> None:
    """Links, devices and other names are refused, and said; hidden files and locks are not."""
    source, target = tmp_path / "source", tmp_path / "target"
    for name in ("xor/torch-2.13.0.json", "xor/torch-2.14.1.failed.txt", "logs/torch-2.13.0.log",
                 "xor/native/torch-2.13.0.json", "manifests/torch-2.13.0.json", "locks/a.lock",
                 ".cache/x", "xor/.hidden.json"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    wrong = {"xor/a b.json": None, "notes.txt": None, "xor/native/deeper/torch-1.json": None,
             "xor/partial/torch-2.13.0.json": None, "manifests/deeper/torch-1.json": None,
             "xor/keras-3.0.json": "/etc/passwd", "logs/keras-3.0.log": "/dev/zero"}
    for name, link in wrong.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).symlink_to(link) if link else (source / name).write_text("x")
    os.mkfifo(source / "xor" / "keras-3.1.json")
    (source / "conv1d").symlink_to("/etc")
    large(source / "xor" / "keras-3.2.json")
    refused = archive.take(source, target)
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()) \
        == ["logs/torch-2.13.0.log", "manifests/torch-2.13.0.json", "xor/native/torch-2.13.0.json",
            "xor/torch-2.13.0.json",
            "xor/torch-2.14.1.failed.txt"]
    assert len(refused) == len(wrong) + 3
    for words in (*wrong, "symbolic link", "no regular file", "too large", "conv1d",
                  "only a part"):
        assert any(words in message for message in refused), words


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    """Return a zip's entry with a mode."""
    info = zipfile.ZipInfo(name)
    info.external_attr, info.compress_type = mode << 16, zipfile.ZIP_DEFLATED
    return info


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_gives_up_what_a_folder_does(tmp_path: Path) -> None:
    """Links, names that lead out, bombs and second files are refused; nothing lies outside."""
    path, target = tmp_path / "shard.zip", tmp_path / "target"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr(entry("results/runs/xor/torch-2.13.0.json"), "{}")
        zipped.writestr(entry("results/runs/xor/torch-2.13.0.json"), "second")
        zipped.writestr(entry("../../evil.json"), "x")
        zipped.writestr(entry("/evil.json"), "x")
        zipped.writestr(entry("xor/keras-3.0.json", stat.S_IFLNK | 0o777), "/etc/passwd")
        zipped.writestr(entry("xor/keras-3.1.json"), b"0" * (LARGEST + 1))
    refused = archive.take(path, target)
    assert [path.relative_to(target).as_posix() for path in target.rglob("*.json")] \
        == ["xor/torch-2.13.0.json"]
    assert (target / "xor" / "torch-2.13.0.json").read_text() == "{}"
    assert len(refused) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shard.zip", "target"]
    assert any("too large" in message for message in refused)


def test_a_shard_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many files that are bearable one by one are not taken without end."""
    monkeypatch.setattr(archive, "TOTAL", 100)
    for number in range(10):
        path = tmp_path / "source" / "xor" / f"torch-2.{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0" * 30)
    refused = archive.take(tmp_path / "source", tmp_path / "target")
    assert len(list((tmp_path / "target").rglob("*.json"))) == 3
    assert "more than 100 bytes" in refused[0]
