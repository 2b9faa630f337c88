"""Whatever goes wrong is a message of four parts and exit code 2 or 3: 1 is a difference."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.records import writing as serialization
from harness.records.project import Project
from harness.store.store import Store
from tests.kit.trouble import Command

UPGRADE = ("compare", "axon-0.6.1", "--against", "axon-0.6.0")
MEASURE = ("run", "imbalanced_binary", "--environment", "reference", "--jobs", "1")
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def stored(project: Project, checkout: Project) -> Project:
    """Return a project with the real stored baselines of two environments."""
    case = "imbalanced_binary"
    shutil.copytree(checkout.baselines / case / "content", project.baselines / case / "content")
    for name in ("reference", "axon-0.6.0", "axon-0.6.1"):
        shutil.copy(checkout.baseline_path(case, name), project.baseline_path(case, name))
    return project


def check(told: str) -> None:
    """Check that a message has its parts, and that nobody is shown a traceback."""
    assert "Traceback" not in told
    assert all(part in told for part in ("  where: ", "  found: ", "  next:  ")), told


def limit() -> None:
    """Let no file that this process writes become longer than 1000 bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


@pytest.mark.parametrize("arguments", [
    MEASURE, ("accept", "axon-0.6.1", "--reason", "x", "--harm", "y"),
    ("report", "axon-0.6.1", "axon-0.6.0")])
def test_a_full_disk(stored: Project, arguments: tuple[str, ...]) -> None:
    """It is named, with what could not be written, and what was there stays whole."""
    if arguments[0] == "accept":
        imported = stored.baseline_path("imbalanced_binary", "axon-0.6.1")
        assert main(["--root", str(stored.root), "import", str(export(stored, imported))]) == 0
    before = {path: path.read_bytes() for path in stored.baselines.rglob("*.json*")}
    command = Command(stored, arguments, {"preexec_fn": limit})
    _, told = command.finish()
    assert command.process.returncode == 3, told
    check(told)
    assert "the file is larger than this process may write" in told
    assert {path: path.read_bytes() for path in stored.baselines.rglob("*.json*")} == before
    assert not [*stored.results.rglob(".*.tmp")]


def export(project: Project, head: Path) -> Path:
    """Return a baseline, a little changed, as a record in one file."""
    path = project.root / "exported.json"
    record = Store(project).baseline(head.parent.name, head.stem)
    for trajectory in next(iter(record.variants.values())).trajectories.values():
        trajectory.loss = [value * 1.25 for value in trajectory.loss]
    serialization.write(record, path)
    return path


@pytest.mark.parametrize("arguments", [
    (*UPGRADE, "--json", "FOLDER/out.json", "--junit", "there.xml", "--markdown", "there.md"),
    (*UPGRADE, "--json", "there.json", "--junit", "FOLDER/out.xml", "--markdown", "there.md"),
    (*UPGRADE, "--json", "there.json", "--junit", "there.xml", "--markdown", "FOLDER/out.md"),
    ("report", "axon-0.6.1", "axon-0.6.0", "--output", "FOLDER/report.html", "--picture",
     "there.svg")])
def test_an_output_that_cannot_be_written(stored: Project,
                                          arguments: tuple[str, ...]) -> None:
    """It is named, and everything else is printed and written."""
    (stored.root / "file").write_text("in the way of a folder")
    command = Command(stored, tuple(a.replace("FOLDER", "file") for a in arguments))
    printed, told = command.finish()
    assert command.process.returncode == 3
    check(told)
    assert str(stored.root / "file") in told or "file/" in told
    assert len([*stored.root.glob("there.*")]) == 1 + (arguments[0] == "compare")
    assert "regression" in printed or arguments[0] == "report"


@pytest.mark.parametrize("arguments", [("list",), UPGRADE, ("timeline",), MEASURE])
def test_a_reader_that_stops_reading(stored: Project, arguments: tuple[str, ...]) -> None:
    """``| head -1`` is said in words; what is measured is measured to the end."""
    reading, writing = os.pipe()
    os.close(reading)
    command = Command(stored, arguments, {"stdout": writing})
    os.close(writing)
    _, told = command.finish()
    assert command.process.returncode == 3
    check(told)
    assert "standard output" in told
    assert stored.run_path("imbalanced_binary", "reference").exists() == (arguments is MEASURE)


def test_standard_output_on_a_full_disk(stored: Project) -> None:
    """What cannot be printed for want of space is said on standard error."""
    with open("/dev/full", "wb") as full:
        command = Command(stored, ("list",), {"stdout": full})
    _, told = command.finish()
    assert command.process.returncode == 3
    check(told)
    assert "standard output" in told and "the disk is full" in told


@pytest.mark.parametrize(("arguments", "code"), [(("list",), 0), (UPGRADE, 1), (("timeline",), 1)])
def test_a_terminal_that_knows_ascii_only(stored: Project, arguments: tuple[str, ...],
                                          code: int) -> None:
    """What it cannot show is escaped, and the exit code is what it is elsewhere."""
    command = Command(stored, arguments, {"env": ASCII})
    printed, told = command.finish()
    assert (command.process.returncode, told) == (code, "")
    assert printed.isascii()


@pytest.mark.parametrize("text", ["def (", "import no_such_module", "1 / 0", "CASE = 5", "\0"])
def test_a_case_that_does_not_load(stored: Project, capsys: pytest.CaptureFixture[str],
                                   text: str) -> None:
    """File and line are named; a run measures all the other cases."""
    (stored.root / "cases" / "broken.py").write_text(text)
    for name in ("xor", "masked_sequences", "conv1d_stability"):
        (stored.root / "cases" / f"{name}.py").unlink()
    root = ("--root", str(stored.root))
    for arguments in (("list",), UPGRADE, ("report",)):
        assert main([*root, *arguments]) == 3
        told = "".join(capsys.readouterr())
        assert "Traceback" not in told and "broken.py" in told
    assert main([*root, "run", "--environment", "reference"]) == 3
    told = capsys.readouterr().err
    assert "broken.py" in told and "Traceback" not in told
    assert stored.run_path("imbalanced_binary", "reference").exists()
    assert not stored.failure_path("imbalanced_binary", "reference").exists()


@pytest.mark.parametrize("error", [RuntimeError("odd"), RecursionError("deep"), MemoryError(),
                                   OSError(5, "Input/output error", "disk"),
                                   UnicodeEncodeError("ascii", "\ud800", 0, 1, "surrogate")])
def test_an_error_that_nobody_expected(stored: Project, capsys: pytest.CaptureFixture[str],
                                       monkeypatch: pytest.MonkeyPatch,
                                       error: Exception) -> None:
    """It is 3, with the place in the harness; its traceback is shown to whoever asks for it."""
    def fail(project: Project) -> None:
        raise error

    monkeypatch.setattr("harness.commands.tables.listing.render", fail)
    assert main(["--root", str(stored.root), "list"]) == 3
    told = capsys.readouterr().err
    assert "Traceback" not in told and "  where: " in told and "  next:  " in told
    monkeypatch.setenv("HARNESS_TRACEBACK", "1")
    assert main(["--root", str(stored.root), "list"]) == 3
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [
    ["--jobs", "-1"], ["--jobs", "0"], ["--jobs", "1.5"], ["--timeout", "-1"], ["--timeout", "0"],
    ["--timeout", "nan"], ["--timeout", "inf"], ["--timeout", "1e300"], ["--seeds", "0"],
    ["--seeds", "-3"]])
def test_numbers_on_the_command_line(stored: Project, capsys: pytest.CaptureFixture[str],
                                     arguments: list[str]) -> None:
    """A number that cannot be meant is wrong use, and nothing is removed for it."""
    path = stored.run_path("imbalanced_binary", "reference")
    path.parent.mkdir(parents=True)
    path.write_text("an earlier record")
    with pytest.raises(SystemExit) as error:
        main(["--root", str(stored.root), "run", "--environment", "reference", *arguments])
    assert error.value.code == 2
    assert arguments[1] in capsys.readouterr().err
    assert path.exists()


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_a_number_of_nights(stored: Project, number: str) -> None:
    """It is a whole number of at least one, too."""
    assert main(["--root", str(stored.root), "history", "xor", "--nights", number]) == 2
