"""What tox knows: every environment of the matrix, and any other release by its name."""

from __future__ import annotations

import configparser
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from harness.environments import names as environments
from harness.environments import pins
from harness.records import manifest

ROOT = Path(__file__).parents[2]


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
    assert build["deps"].strip().splitlines() == pins.requirements("keras-nightly")
    assert found["testenv:axon-0.6.1"]["deps"].split() == [
        *pins.requirements("reference"), "-c", "constraints/reference.txt"]


@pytest.mark.parametrize(("name", "is_fresh"), [
    ("keras-nightly", True), ("torch-2.13.0", False), ("contract-keras-nightly", True)])
def test_a_build_is_installed_anew(tmp_path: Path, name: str, is_fresh: bool) -> None:
    """tox keeps what it has made; of a build it takes the newest one for every night."""
    text = tox("config", "--workdir", str(tmp_path), "-k", "recreate", "-e", name)
    assert f"recreate = {is_fresh}" in text


def test_all_that_a_tox_runs_is_one_night(monkeypatch: pytest.MonkeyPatch) -> None:
    """The night has a name of its own, unless somebody names one for several machines."""
    names = set()
    for given in (None, None, "17093"):
        monkeypatch.delenv(manifest.NIGHT, raising=False)
        if given is not None:
            monkeypatch.setenv(manifest.NIGHT, given)
        runpy.run_path(str(ROOT / "toxfile.py"))
        names.add(manifest.night())
    assert len(names) == 3 and None not in names and "17093" in names


def test_labels_are_those_of_the_matrix(tmp_path: Path) -> None:
    """tox runs what the harness expects, and compares at the end."""
    for label, last in (("nightly", "nightly"), ("full", "compare"), ("oldest", "compare"),
                        ("quick", "compare")):
        listed = tox("list", "--workdir", str(tmp_path), "-q", "--no-desc", "-m", label).split()
        assert set(listed) == {*environments.labelled(ROOT, label), last}


def test_every_environment_of_a_name_with_braces_is_known(tmp_path: Path) -> None:
    """What tox makes of programs-{keras, jax} can be run."""
    text = tox("config", "--workdir", str(tmp_path), "-k", "deps", "-e", "programs-jax")
    assert "optax" in text


@pytest.mark.parametrize(("arguments", "what", "numbers"), [
    (["-e", "mxnet-1.9.1"], "unknown environment 'mxnet-1.9.1'", "known: "),
    (["-e", "torch"], "no framework and version", "nearest: torch-2.15.0"),
    (["-e", "torch-nightly"], "no framework and version", "keras-nightly"),
    (["-e", "2.13.0"], "unknown environment '2.13.0'", "nearest: torch-2.13.0"),
    (["-e", "torch-2.13"], "no release", "nearest: torch-2.13.0"),
    (["-e", "contract-torch-2.13"], "no release", "nearest: torch-2.13.0"),
    (["-e", "unti"], "unknown environment 'unti'", "nearest: unit"),
    (["-m", "quik"], "unknown label 'quik'", "nearest: quick"),
])
def test_what_does_not_exist_is_refused(tmp_path: Path, arguments: list[str], what: str,
                                        numbers: str) -> None:
    """What is wrong, where, what it could have been and what to type: no traceback, exit code 2."""
    command = [sys.executable, "-m", "tox", "run", "-c", str(ROOT / "tox.ini"),
               "--workdir", str(tmp_path), *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    said = result.stderr.splitlines()
    assert said[0].startswith("tox: ") and what in said[0]
    assert [line.split()[0] for line in said[1:]] == ["where:", "found:", "next:"]
    assert numbers in said[2]
