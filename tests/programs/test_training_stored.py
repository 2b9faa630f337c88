"""The baseline of a test: one file that tells what it holds, or why it cannot be read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from harness.errors import MissingRecordError, RecordError
from harness.programs.testing import stored
from harness.programs.traces import trace as traces
from tests.kit.traces import train, write


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Path]:
    """Return the traces of three runs, written as the recorder writes them."""
    perturbing = {"unchanged": None, "perturbed-1": 1, "repeated": None}
    return {name: write(train(perturb=seed), tmp_path / f"{name}.npz")
            for name, seed in perturbing.items()}


def test_a_baseline_is_what_was_written(runs: dict[str, Path], tmp_path: Path) -> None:
    """Every trace to the bit, the reason, and standard tools that open it."""
    path = tmp_path / "test_model" / "test_training-float32.zip"
    stored.write(path, runs, {"reason": "first baseline"})
    found = stored.load(path)
    assert set(found.runs) == set(runs) and len(found.perturbed) == 1
    assert found.facts["reason"] == "first baseline"
    assert (found.runs["unchanged"].sketch == traces.read(runs["unchanged"]).sketch).all()
    before = path.read_bytes()
    stored.write(path, runs, {"reason": "first baseline"})
    assert path.read_bytes() == before
    with zipfile.ZipFile(path) as file:
        assert json.loads(file.read("baseline.json"))["reason"] == "first baseline"


@pytest.mark.parametrize("damage", [
    lambda path: path.write_bytes(path.read_bytes()[:-40]),
    lambda path: path.write_bytes(b""),
    lambda path: stored.write(path, {}, {}),
    lambda path: stored.write(path, {"unchanged": path}, {}),
])
def test_a_damaged_baseline_is_named(runs: dict[str, Path], tmp_path: Path, damage: object
                                     ) -> None:
    """With its file, and how to get it back."""
    path = tmp_path / "test_training-float32.zip"
    stored.write(path, runs, {})
    damage(path)  # type: ignore[operator]
    with pytest.raises(RecordError) as error:
        stored.load(path)
    assert str(path.parent) in error.value.where


def test_no_baseline_is_no_damage(tmp_path: Path) -> None:
    """It has an error of its own."""
    with pytest.raises(MissingRecordError):
        stored.load(tmp_path / "none.zip")
