"""The pytest plugin in a repository of a user's own: a baseline is made, held to, and renewed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("msgspec", reason="the plugin is of the outside half")
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "test_training.py"
ROOT = Path(__file__).parents[2]
FAULT = "        loss.backward()\n        model[0].weight.grad *= 1.002\n"


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder, as the package's entry point would have them run."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    if "harness.programs.testing.plugin" not in _entry_points():
        command += ["-p", "harness.programs.testing.plugin"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          env={**_variables(), "PYTHONPATH": str(ROOT)})


def _entry_points() -> set[str]:
    from importlib.metadata import entry_points

    return {point.value for point in entry_points(group="pytest11")}


def _variables() -> dict[str, str]:
    import os

    return dict(os.environ)


def test_a_training_is_held_to_its_baseline(tmp_path: Path) -> None:
    """A first run writes it, a second agrees, and a gradient that is 0.2 % too large is named."""
    test = tmp_path / "test_training.py"
    shutil.copy(EXAMPLE, test)
    first = run(tmp_path)
    assert first.returncode == 1 and first.stdout.count("baseline written") == 2
    assert run(tmp_path).returncode == 0
    test.write_text(test.read_text().replace("        loss.backward()\n", FAULT))
    told = run(tmp_path)
    assert told.returncode == 1
    assert "gradient of `0.weight` at step 0" in told.stdout and "1.002 x" in told.stdout
    assert "needs a reason" in run(tmp_path, "--force-regen").stdout
    assert run(tmp_path, "--regen-all", "--regen-reason", "a new layer").returncode == 0
    assert run(tmp_path).returncode == 0
