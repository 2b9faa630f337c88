"""Runs of a training that is checked by a test: nothing of one goes on, and each end is told."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import WorkerError
from harness.programs.testing import running, stored
from harness.programs.testing.checking import Asked, Training
from harness.programs.testing.running import Runs

LEAVES = """
import pathlib, subprocess, sys
def test_training():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path({pid!r}).write_text(str(child.pid))
    print("epoch 1")
"""
HANGS = LEAVES + "    import time; time.sleep(600)\n"
FAILS = LEAVES + "    raise ValueError('the reason')\n"


def runs(folder: Path, text: str, limit: float) -> Runs:
    """Return the runs of a test with this text."""
    path = folder / "test_it.py"
    path.write_text(text.format(pid=str(folder / "pid")))
    return Runs("test_it.py::test_training", folder, "float64", [], limit, folder)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have runs find the harness, as they do where it is installed."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def is_gone(folder: Path) -> bool:
    """Return whether the process that the training started, if it came so far, has ended."""
    if not (folder / "pid").exists():
        return True
    child = int((folder / "pid").read_text())
    for _ in range(100):
        try:
            os.kill(child, 0)
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_training_that_never_ends_is_ended(tmp_path: Path) -> None:
    """With what it started; the message says the limit, its last lines and what helps."""
    with pytest.raises(WorkerError, match="did not end within 15 s in float64") as caught:
        runs(tmp_path, HANGS, 15.0).file(stored.UNCHANGED)
    assert caught.value.where == "test_it.py::test_training"
    assert caught.value.numbers and "steps=N" in caught.value.next_command
    assert is_gone(tmp_path)


def test_what_a_training_leaves_is_ended(tmp_path: Path) -> None:
    """Nobody waits for it, though it holds the output open."""
    start = time.monotonic()
    runs(tmp_path, LEAVES, 300.0).file(stored.UNCHANGED)
    assert time.monotonic() - start < 200
    assert is_gone(tmp_path)


def test_a_training_that_fails_is_told_with_its_last_lines(tmp_path: Path) -> None:
    """Exit code, reason, and how to run it alone."""
    with pytest.raises(WorkerError, match="failed in float64, run unchanged") as caught:
        runs(tmp_path, FAILS, 300.0).file(stored.UNCHANGED)
    assert "the reason" in caught.value.numbers
    alone, _, instead = caught.value.next_command.partition("; ")
    assert alone == "pytest 'test_it.py::test_training'" and "precisions=['float32']" in instead
    assert is_gone(tmp_path)


def test_several_runs_are_told_and_done_at_once(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a baseline reads how many runs there are, and of what length."""
    monkeypatch.setattr(running, "jobs", lambda trace: 2)
    monkeypatch.setattr(running, "SLOW", 0.0)
    told: list[str] = []
    found = runs(tmp_path, "def test_training(): pass", 300.0)
    found.tell = told.append
    names = [stored.UNCHANGED, "perturbed-1", stored.REPEATED]
    assert list(found.files(names)) == names and all(map(Path.is_file, found.files(names).values()))
    assert told[0].startswith("test_it.py::test_training, float64: a baseline takes 2 more runs")
    assert told[0].endswith(", 2 at once")
    assert [text.rpartition(": ")[2] for text in told[1:3]] == ["1 of 2 done", "2 of 2 done"]


def test_the_first_run_that_fails_ends_the_others(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for what hangs where another one has failed."""
    monkeypatch.setattr(running, "jobs", lambda trace: 2)
    text = """
import sys, time
def test_training():
    if "1" in sys.orig_argv: raise ValueError("the reason")
    if "2" in sys.orig_argv: time.sleep(600)
"""
    start = time.monotonic()
    with pytest.raises(WorkerError, match="run perturbed-1"):
        runs(tmp_path, text, 300.0).files([stored.UNCHANGED, "perturbed-2", "perturbed-1"])
    assert time.monotonic() - start < 200


def check(folder: Path, precisions: Sequence[str]) -> None:
    """Check a test that trains nothing."""
    path = folder / "test_it.py"
    path.write_text("def test_training(): pass")
    asked = Asked(False, False, None, "--regen-reason")
    Training("test_it.py::test_training", path, folder, asked).check(print, precisions=precisions)


def test_what_trains_nothing_gets_no_baseline(tmp_path: Path) -> None:
    """It is told after one run, and no file is left to be committed."""
    with pytest.raises(pytest.fail.Exception, match="trained nothing") as caught:
        check(tmp_path, "float64")  # one word is one precision
    assert "where: test_it.py::test_training" in str(caught.value)
    assert not list(tmp_path.rglob("*.zip"))


def test_what_is_wrong_is_said_without_the_harness_own_lines(tmp_path: Path) -> None:
    """A test fails with the message alone."""
    with pytest.raises(pytest.fail.Exception, match="'float16' is no precision") as caught:
        check(tmp_path, ["float16"])
    assert not caught.value.pytrace and "known: float64, float32" in str(caught.value)
