"""Programs of users, run with and without the recorder in an environment that has torch."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
NEEDS = re.compile(r"# needs torch (\d+)\.(\d+)")
RECORDER = [sys.executable, "-m", "harness.measure.recorder"]


class Run(NamedTuple):
    """What became of a program."""

    code: int
    output: str
    errors: str


def run(words: list[str], folder: Path = PROGRAMS) -> Run:
    """Run a command in a folder, on one thread, with the harness to be imported."""
    found = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=900,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
    return Run(found.returncode, found.stdout, found.stderr)


@pytest.fixture
def launch():
    """Return what runs a command."""
    return run


@pytest.fixture
def record(tmp_path):
    """Return what records a program: its run, and its trace."""
    import trace_file

    def start(*words, options=(), folder=PROGRAMS):
        path = tmp_path / "trace.npz"
        found = run([*RECORDER, "--trace", str(path), *options, "--", *words], folder)
        return found, trace_file.read(path)

    return start


def pytest_generate_tests(metafunc):
    """Give every test that takes a program one after the other."""
    if "program" in metafunc.fixturenames:
        import torch

        version = tuple(int(part) for part in torch.__version__.split(".")[:2])
        found = []
        for path in sorted(PROGRAMS.glob("*.py")):
            needed = NEEDS.search(path.read_text(encoding="utf-8"))
            is_old = needed is not None and version < (int(needed[1]), int(needed[2]))
            found.append(pytest.param(path.name, marks=pytest.mark.skipif(
                is_old, reason=f"torch {torch.__version__} is older")))
        metafunc.parametrize("program", found)
