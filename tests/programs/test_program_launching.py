"""Runs of programs: limits, failures, and what they are started with."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.programs.runs import launching, running
from harness.programs.runs.launching import Side
from harness.programs.runs.running import Program, Runner
from harness.programs.sides.making import Environment


@pytest.fixture
def side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Side:
    """Return a side with this interpreter, in an empty folder."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    home = tmp_path / "home"
    home.mkdir()
    environment = Environment(Path(sys.executable), "3.11.0", {})
    return Side("observed", environment, home, {"OWN": "1"}, ("--own", "2"))


def run(side: Side, text: str, folder: Path, limit: float = 60.0) -> running.Ran:
    """Run a program of this text."""
    (side.directory / "train.py").write_text(text)
    return Runner(Program(("train.py",), limit=limit), folder / "session").run("observed", side)


def test_a_program_that_fails_is_told_with_its_side_and_last_words(
        side: Side, tmp_path: Path) -> None:
    """The message has the side, the exit code, and the last lines of standard error."""
    with pytest.raises(HarnessError, match="failed on the observed side") as caught:
        run(side, "import sys\nprint('the reason', file=sys.stderr)\nsys.exit(5)", tmp_path)
    assert "exit code 5" in str(caught.value) and "the reason" in str(caught.value)
    assert "without the recorder" in caught.value.next_command


def test_a_program_that_needs_a_gpu_is_told_so(side: Side, tmp_path: Path) -> None:
    """The way to run it alone has the side's own variables and arguments."""
    text = "raise RuntimeError('Torch not compiled with CUDA enabled')"
    with pytest.raises(HarnessError, match="needs a GPU, and the observed side finds none"
                       ) as caught:
        run(side, text, tmp_path)
    assert "CPU" in caught.value.next_command
    assert f"OWN=1 {sys.executable} train.py --own 2" in caught.value.next_command


def test_a_rank_that_is_not_recorded_is_told(side: Side, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that a launcher left makes every run one of many."""
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(HarnessError, match="not the first of several processes") as caught:
        run(side, "print('hello')", tmp_path)
    assert (caught.value.numbers, caught.value.next_command) == (
        "RANK=1", "unset RANK, then the same command")


def test_a_program_that_is_killed_is_told_with_the_signal(side: Side, tmp_path: Path) -> None:
    """What the system kills for memory, say, is no match."""
    with pytest.raises(HarnessError, match="killed by SIGKILL on the observed side"):
        run(side, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path)


def test_a_program_that_never_ends_is_ended(side: Side, tmp_path: Path) -> None:
    """The message names the limit, and the options that help."""
    with pytest.raises(HarnessError, match="did not end within 3 s") as caught:
        run(side, "import time\nwhile True: time.sleep(1)", tmp_path, limit=3.0)
    assert "--steps" in caught.value.next_command


def test_a_program_that_reads_its_input_gets_none(side: Side, tmp_path: Path) -> None:
    """It does not wait for anybody, and the message says why it failed."""
    with pytest.raises(HarnessError, match="asks for input on the observed side") as caught:
        run(side, "input()", tmp_path)
    assert "EOFError" in caught.value.numbers and "arguments" in caught.value.next_command


def test_a_program_that_trains_nothing_is_an_error(side: Side, tmp_path: Path) -> None:
    """Two runs without an update are never a match."""
    with pytest.raises(HarnessError, match="trains nothing on the observed side"):
        run(side, "print('hello')", tmp_path)


def test_what_a_program_reports_alone_is_not_judged(side: Side, tmp_path: Path) -> None:
    """The message does not advise what the program does already."""
    with pytest.raises(HarnessError, match="trains nothing") as caught:
        run(side, "import harness\nharness.record('loss', 0.5)", tmp_path)
    assert "what harness.record was given alone cannot be judged" in caught.value.numbers
    assert "harness.record" not in caught.value.next_command


def test_a_program_that_is_not_there_is_told(side: Side, tmp_path: Path) -> None:
    """A script that does not exist cannot be recorded."""
    runner = Runner(Program(("missing.py",)), tmp_path / "session")
    with pytest.raises(HarnessError, match="cannot be recorded on the observed side"):
        runner.run("observed", side)


def test_a_program_that_ends_past_python_leaves_no_trace(side: Side, tmp_path: Path) -> None:
    """Exit code 0 without a trace is an error of its own."""
    with pytest.raises(HarnessError, match="left no trace on the observed side"):
        run(side, "import os; os.execvp('true', ['true'])", tmp_path)


def test_a_program_of_ones_own_named_harness_does_not_hide_the_recorder(
        side: Side, tmp_path: Path) -> None:
    """A module of that name in the user's folder is no obstacle to the start."""
    (side.directory / "harness.py").write_text("raise SystemExit('hidden')")
    with pytest.raises(HarnessError, match="trains nothing"):
        run(side, "print('hello')", tmp_path)


def test_what_a_side_is_started_with(
        side: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are pinned, what the user chose goes first, and the side's own before all."""
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)  # tox sets it
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    found = launching.variables(side, str(tmp_path))
    assert found["OWN"] == "1" and found["MKL_NUM_THREADS"] == "7"
    assert found["PYTHONHASHSEED"] == "0" and "VIRTUAL_ENV" not in found


def test_the_package_lies_alone(side: Side) -> None:
    """The folder that the program can import from holds this package and nothing else."""
    place = launching.package()
    assert [path.name for path in place.iterdir()] == ["harness"]
    assert (place / "harness" / "measure" / "recorder" / "running.py").is_file()
    assert launching.package() == place


def test_a_session_that_is_stopped_ends_its_runs(side: Side, tmp_path: Path) -> None:
    """An interruption does not wait for the programs."""
    (side.directory / "train.py").write_text("import time\nwhile True: time.sleep(1)")
    stop = threading.Event()
    stop.set()
    with pytest.raises(HarnessError, match="stopped"):
        launching.launch(side, "observed", ["train.py"], [], tmp_path / "run", side.directory,
                         60.0, stop)
