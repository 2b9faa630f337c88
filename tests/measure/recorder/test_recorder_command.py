"""The recorder's command line on programs that need no framework."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]


def run(folder: Path, *words: str, source: str = "") -> subprocess.CompletedProcess[str]:
    """Write a program and run it under the recorder, which writes t.npz."""
    (folder / "p.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "harness.measure.recorder", "--trace", "t.npz", *words],
        cwd=folder, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)})


def header(folder: Path) -> dict[str, Any]:
    """Return the header of the trace."""
    with np.load(folder / "t.npz") as file:
        return dict(json.loads(bytes(file["trace.json"])))


def test_program_runs_as_ever(tmp_path: Path) -> None:
    """Arguments, __main__, sys.path, output and pickles are those of Python itself."""
    source = """
import os, pickle, sys
class Thing: pass
print(sys.argv, __name__, sys.path[0] == os.path.dirname(os.path.abspath(__file__)))
print(pickle.loads(pickle.dumps(Thing())).__class__ is Thing, __file__, __spec__)
print("to stderr", file=sys.stderr)
"""
    found = run(tmp_path, "--", "p.py", "--epochs", "2", source=source)
    alone = subprocess.run([sys.executable, "p.py", "--epochs", "2"], cwd=tmp_path,
                           capture_output=True, text=True)
    assert (found.stdout, found.stderr, found.returncode) == (
        alone.stdout, alone.stderr, alone.returncode)
    assert header(tmp_path)["program"] == ["p.py", "--epochs", "2"]


def test_module_runs_as_ever(tmp_path: Path) -> None:
    """-m finds modules from the working directory, and __main__ of packages."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(
        "import sys; print(sys.argv[1:], __name__, __package__)")
    assert run(tmp_path, "--", "-m", "package", "x").stdout == "['x'] __main__ package\n"


def test_a_package_that_fails_shows_why(tmp_path: Path) -> None:
    """What a package of a module lacks is not taken for the module."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("import absent_library")
    (tmp_path / "package" / "train.py").touch()
    found = run(tmp_path, "--", "-m", "package.train")
    assert (found.returncode, "No module named 'absent_library'" in found.stderr) == (1, True)
    assert "there is no such module" not in found.stderr


def test_a_package_imports_a_framework_under_the_recorder(tmp_path: Path) -> None:
    """What the package of a module imports is not called too early."""
    for name in ("package", "torch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("import torch" if name == "package" else "")
    (tmp_path / "package" / "train.py").touch()
    run(tmp_path, "--", "-m", "package.train")
    assert not [note for note in header(tmp_path)["notes"] if "before the recorder" in note["text"]]


def test_pytest_test_is_run(tmp_path: Path) -> None:
    """A test is run by pytest, and its outcome is the exit code."""
    (tmp_path / "test_it.py").write_text(
        "import harness\ndef test_a(): harness.record('x', 2)\ndef test_b(): assert False")
    assert run(tmp_path, "--", "pytest", "-q", "test_it.py::test_a").returncode == 0
    assert header(tmp_path)["names"] == ["x"]
    assert run(tmp_path, "--", "pytest", "-q", "test_it.py::test_b").returncode == 1


@pytest.mark.parametrize(("source", "code", "ended"), [
    ("", 0, "end"), ("import sys; sys.exit(0)", 0, "end"),
    ("import sys; sys.exit(7)", 7, "failed: exit code 7"),
    ("import os; os._exit(0)", 0, "end"), ("import os; os._exit(7)", 7, "failed: exit code 7"),
    ("import sys; sys.exit('no data')", 1, "failed: no data"),
    ("def f(): raise ValueError('bad')\nf()", 1, "failed: ValueError: bad"),
    ("x = (", 1, None), ("raise KeyboardInterrupt", 130, "failed: KeyboardInterrupt: ")])
def test_how_a_program_ends_is_kept(
        tmp_path: Path, source: str, code: int, ended: str | None) -> None:
    """The exit code is the program's own, and the trace is written whatever happened."""
    found = run(tmp_path, "--", "p.py", source=source)
    assert found.returncode == code
    assert ended is None or header(tmp_path)["ended"] == ended


def test_traceback_is_the_programs_own(tmp_path: Path) -> None:
    """It does not show the recorder."""
    found = run(tmp_path, "--", "p.py", source="def f():\n    1 / 0\nf()\n")
    alone = subprocess.run([sys.executable, "p.py"], cwd=tmp_path, capture_output=True, text=True)
    assert found.stderr == alone.stderr


def test_program_that_trains_nothing_says_so(tmp_path: Path) -> None:
    """An empty trace is no match for anything: its header names the reason."""
    run(tmp_path, "--", "p.py", source="print(1)")
    assert header(tmp_path)["updates"] == 0
    assert {note["code"] for note in header(tmp_path)["notes"]} == {"no training", "no framework"}


def test_terminated_program_leaves_its_trace(tmp_path: Path) -> None:
    """On SIGTERM what was recorded until then is written."""
    source = """
import harness, os, signal
harness.record("loss", 0.5)
os.kill(os.getpid(), signal.SIGTERM)
"""
    assert run(tmp_path, "--", "p.py", source=source).returncode == 128 + signal.SIGTERM
    assert header(tmp_path)["ended"] == "failed: SIGTERM"
    assert header(tmp_path)["names"] == ["loss"]


def test_forked_children_write_nothing(tmp_path: Path) -> None:
    """A child has no recording, ends by signals as ever, and leaves the trace to its parent."""
    source = """
import harness, os, signal, sys, time
child = os.fork()
if child == 0:
    harness.record("child", 1)
    sys.exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), os.path.exists("t.npz"))
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
harness.record("parent", 1)
"""
    found = run(tmp_path, "--", "p.py", source=source)
    assert found.stdout == f"5 False\n-{int(signal.SIGTERM)}\n"
    assert header(tmp_path)["names"] == ["parent"]


def test_other_ranks_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several processes of one training only rank 0 is recorded."""
    monkeypatch.setenv("RANK", "1")
    assert run(tmp_path, "--", "p.py", source="print(1)").stdout == "1\n"
    assert not (tmp_path / "t.npz").exists()


def test_a_console_script_is_run(tmp_path: Path) -> None:
    """A name that is no file is one of those that are installed beside this Python."""
    found = run(tmp_path, "--", "pygmentize", "-V")
    assert (found.returncode, found.stdout.split()[0]) == (0, "Pygments")
    assert header(tmp_path)["program"] == ["pygmentize", "-V"]


@pytest.mark.parametrize(("words", "what"), [
    (("--", "missing.py"), "there is no such program"),
    (("--", "sh", "-c", "echo ran"), "this is no program of Python"),
    (("--", "-m", "missing.module"), "there is no such module"),
    (("--load", "missing.npz", "--", "p.py"), "there are no weights to load"),
    (("--load", "p.py", "--", "p.py"), "no weights can be read"),
    (("--every", "0", "--", "p.py"), "less than 1"),
    (("--capture", "3", "--", "p.py"), "belong together"), ((), "no program is named")])
def test_wrong_use_is_said(tmp_path: Path, words: tuple[str, ...], what: str) -> None:
    """Nothing is run, and the message says what is wrong."""
    found = run(tmp_path, *words, source="print('ran')")
    assert found.returncode in (2, 3)
    assert what in found.stderr
    assert "ran" not in found.stdout
    assert not (tmp_path / "t.npz").exists()


def test_plain_program_is_left_alone(tmp_path: Path) -> None:
    """--plain records nothing: harness.record does nothing at all."""
    source = ("import harness; harness.record('x', 1); "
              "print(harness.watch(3), harness.watching.recording)")
    assert run(tmp_path, "--plain", "--", "p.py", source=source).stdout == "3 None\n"
    assert not (tmp_path / "t.npz").exists()


def test_what_the_program_logs_is_kept(tmp_path: Path) -> None:
    """Of its own files, of levels that count, and unless it is printed anyway."""
    source = """
import logging, sys
import told
logging.basicConfig(level=logging.INFO)
logging.info("epoch %d loss %.3f", 1, 0.25)
logging.debug("hidden 1")
logging.info("broken %d", "x")
exec(compile("import logging; logging.info('of a package 7')", sys.prefix + "/x.py", "exec"))
told.log.info("validation %s", 0.5)
loud = logging.getLogger("loud")
loud.addHandler(logging.StreamHandler(sys.stdout))
loud.info("printed 3")
"""
    (tmp_path / "told.py").write_text("import logging\nlog = logging.getLogger(__name__)\n")
    (tmp_path / "q.py").write_text(source)
    alone = subprocess.run([sys.executable, "q.py"], cwd=tmp_path, capture_output=True, text=True)
    found = run(tmp_path, "--logged", "l.txt", "--", "p.py", source=source)
    assert (tmp_path / "l.txt").read_text() == "epoch 1 loss 0.250\nvalidation 0.5\n"
    assert found.stdout == alone.stdout == "printed 3\n"
    lines = [[line for line in one.stderr.splitlines() if line.startswith(("INFO", "TypeError"))]
             for one in (found, alone)]
    assert lines[0] == lines[1] and len(lines[0]) == 5
    run(tmp_path, "--logged", "m.txt", "--", "p.py", source="print(1)")
    assert not (tmp_path / "m.txt").exists()
