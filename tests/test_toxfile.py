"""What tox knows: every environment of the matrix, and any other release by its name."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

from harness import environments, pins

ROOT = Path(__file__).parents[1]


def tox(*arguments: str) -> str:
    """Return what tox says of this checkout."""
    command = [sys.executable, "-m", "tox", "-c", str(ROOT / "tox.ini"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_environments_are_made_as_pinned(tmp_path: Path) -> None:
    """Python, requirements and exact pins, for measuring and for testing an adapter."""
    text = tox("config", "--workdir", str(tmp_path), "-k", "deps", "base_python", "-e",
               "torch-1.8.1,torch-2.7.0,contract-keras-3.6.0,keras-nightly,axon-0.6.1")
    found = configparser.RawConfigParser()
    found.read_string(text)
    old, other, contract, build = (
        found[f"testenv:{name}"] for name in
        ("torch-1.8.1", "torch-2.7.0", "contract-keras-3.6.0", "keras-nightly"))
    assert old["base_python"].strip() == "python3.9"
    assert "-c constraints/torch-1.8.1.txt" in old["deps"]
    assert other["deps"].split() == pins.requirements("torch-2.7.0")
    assert {"pytest", "keras==3.6.0"} <= set(contract["deps"].split())
    assert {"keras-nightly", "tf-nightly-cpu"} <= set(build["deps"].split())
    assert found["testenv:axon-0.6.1"]["deps"].split() == [
        *pins.requirements("reference"), "-c", "constraints/reference.txt"]


def test_labels_are_those_of_the_matrix(tmp_path: Path) -> None:
    """tox runs what the harness expects, and compares at the end."""
    for label, last in (("nightly", "nightly"), ("full", "compare"), ("oldest", "compare"),
                        ("quick", "compare")):
        listed = tox("list", "--workdir", str(tmp_path), "-q", "--no-desc", "-m", label).split()
        assert set(listed) == {*environments.labelled(ROOT, label), last}


def test_an_unknown_framework_is_refused(tmp_path: Path) -> None:
    """A name that is no framework of the matrix is no environment."""
    command = [sys.executable, "-m", "tox", "-c", str(ROOT / "tox.ini"), "config",
               "--workdir", str(tmp_path), "-e", "mxnet-1.9.1"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "mxnet" in result.stdout + result.stderr
