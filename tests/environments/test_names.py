"""The pins and the order of versions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from harness.environments import names, pins
from harness.errors import HarnessError, UsageError
from harness.records.project import Project
from harness.records.record import Record
from harness.store.accepting import accept
from harness.store.store import Store

KNOWN = ["reference", "torch-2.9.1", "torch-2.13.0", "tensorflow-2.12.1", "tensorflow-2.15.1",
         "tensorflow-2.16.2", "keras-3.0.5", "keras-3.15.1", "axon-0.6.0",
         "axon-0.6.1.dev1+57c75e52", "axon-0.6.1.dev2+235a0308",
         "axon-0.6.1", "axon-0.7.0.dev1+5f9e7bc1", "axon-0.7.0"]


@pytest.mark.parametrize(("environment", "expected"), [
    ("torch-2.13.0", "torch-2.9.1"),
    ("torch-2.9.1", None),
    ("torch-2.9.2", "torch-2.9.1"),
    ("keras-3.15.1", "keras-3.0.5"),
    ("keras-3.0.5", "tensorflow-2.15.1"),
    ("tensorflow-2.16.2", "tensorflow-2.15.1"),
    ("keras-nightly", "keras-3.15.1"),
    ("axon-0.6.1", "axon-0.6.0"),
    ("axon-0.6.1.dev2+235a0308", "axon-0.6.1.dev1+57c75e52"),
    ("axon-0.6.1.dev1+57c75e52", "axon-0.6.0"),
    ("axon-0.7.0.dev1+5f9e7bc1", "axon-0.6.1"),
    ("axon-0.7.0", "axon-0.6.1"),
    ("reference", None),
    ("mxnet-nightly", None),
])
def test_previous_version(environment: str, expected: str | None) -> None:
    """A release follows the release before it, a commit whatever came before it."""
    assert names.previous(environment, KNOWN) == expected


@pytest.mark.parametrize(("environment", "expected"), [
    ("torch-2.7.0", "torch-2.7.1"), ("torch-2.7.1", "torch-2.10.0"), ("torch-2.10.0", None),
    ("keras-3.0.5", None), ("keras-nightly", None), ("reference", None)])
def test_following_version(environment: str, expected: str | None) -> None:
    """The next release of the same family, neither a pre-release nor a build."""
    known = ["torch-2.10.0", "torch-2.8.0.dev1", "torch-2.7.1", "torch-2.6.0", "torch-nightly",
             "tensorflow-2.16.2", "reference"]
    assert names.following(environment, known) == expected


def test_another_backend_or_device_has_versions_of_its_own() -> None:
    """Keras over JAX follows Keras over JAX; on a GPU, torch follows torch there."""
    known = ["keras-3.14.1", "keras-3.14.1-jax", "keras-3.15.1", "tensorflow-2.15.1",
             "torch-2.9.1-cuda", "torch-2.13.0"]
    assert names.previous("keras-3.15.1-jax", known) == "keras-3.14.1-jax"
    assert names.previous("keras-3.14.1-jax", known) is None
    assert names.previous("torch-2.13.0-cuda", known) == "torch-2.9.1-cuda"
    assert names.previous("keras-3.15.1", known) == "keras-3.14.1"


def test_order_is_of_versions_not_of_text() -> None:
    """2.9 comes before 2.13, and the reference before everything."""
    assert sorted(reversed(KNOWN), key=names.sort_key)[0] == "reference"
    torch = sorted(["torch-2.13.0", "torch-2.9.1"], key=names.sort_key)
    assert torch == ["torch-2.9.1", "torch-2.13.0"]


MATRIX = """
[tox]
labels =
    quick = reference, torch-2.13.0, compare
[matrix]
environments =
    reference
    # the oldest
    torch-1.8.1
    torch-2.9.1, torch-2.10.0
    torch-2.13.0  # the newest
    keras-3.1.1
    keras-nightly
"""


def test_the_matrix_comes_from_tox_ini(tmp_path: Path) -> None:
    """A version is a line; comments are none."""
    (tmp_path / "tox.ini").write_text(MATRIX)
    assert names.pinned(tmp_path) == [
        "reference", "torch-1.8.1", "torch-2.9.1", "torch-2.10.0", "torch-2.13.0",
        "keras-3.1.1", "keras-nightly"]


@pytest.mark.parametrize(("label", "expected"), [
    ("quick", ["reference", "torch-2.13.0"]),
    ("nightly", ["reference", "torch-2.9.1", "torch-2.10.0", "torch-2.13.0", "keras-3.1.1",
                 "keras-nightly"]),
    ("oldest", ["reference", "torch-1.8.1", "keras-3.1.1"]),
])
def test_labels_follow_from_the_matrix(tmp_path: Path, label: str, expected: list[str]) -> None:
    """The newest and the oldest are found by version, without a second list."""
    (tmp_path / "tox.ini").write_text(MATRIX)
    assert names.labelled(tmp_path, label) == expected
    with pytest.raises(UsageError, match="unknown label"):
        names.labelled(tmp_path, "weekly")


def test_braces_in_a_label_are_names_as_in_tox(tmp_path: Path) -> None:
    """What tests an adapter does not measure; the commas inside are no end of a name."""
    text = MATRIX.replace("labels =",
                          "labels =\n    tests = unit, contract-{reference, torch-2.13.0}")
    (tmp_path / "tox.ini").write_text(text)
    assert names.labelling(tmp_path)["tests"] == {
        "unit", "contract-reference", "contract-torch-2.13.0"}
    assert names.labelled(tmp_path, "tests") == []


@pytest.mark.parametrize("text", ["", "[matrix]\n", "[testenv]\ndeps = torch\n", "no section"])
def test_no_matrix_is_an_error(tmp_path: Path, text: str) -> None:
    """A tox.ini that pins nothing is said to, and is not an empty matrix."""
    (tmp_path / "tox.ini").write_text(text)
    with pytest.raises(HarnessError, match=r"tox\.ini"):
        names.pinned(tmp_path)


def test_every_release_of_the_matrix_is_pinned_exactly(checkout: Project) -> None:
    """Each has a file that pins everything, what its name says among it."""
    for name in names.pinned(checkout.root):
        if name in pins.BUILDS:
            continue
        lines = pins.constraints(checkout.root, name).read_text().split()
        assert all("==" in line for line in lines)
        found = {pin.name: Version(str(pin.specifier)[2:]) for pin in map(Requirement, lines)}
        for wanted in on("x86_64", pins.requirements(name)):
            assert found[wanted.name] in wanted.specifier, name


@pytest.mark.parametrize(("environment", "x86", "arm"), [
    ("tensorflow-2.15.1", {"tensorflow-cpu==2.15.1"}, {"tensorflow==2.15.1"}),
    ("keras-3.15.1", {"keras==3.15.1", "tensorflow-cpu==2.16.2"},
     {"keras==3.15.1", "tensorflow==2.16.2"}),
    ("keras-nightly", {"keras-nightly", "tf-nightly-cpu"}, {"keras-nightly", "tf-nightly"}),
    ("torch-2.13.0", {"torch==2.13.0", "numpy"}, {"torch==2.13.0", "numpy"}),
])
def test_a_framework_is_required_under_the_name_that_has_a_wheel(
        environment: str, x86: set[str], arm: set[str]) -> None:
    """TensorFlow's CPU-only distributions exist for x86 only."""
    for machine, expected in (("x86_64", x86), ("AMD64", x86), ("aarch64", arm), ("arm64", arm)):
        wanted = on(machine, pins.requirements(environment))
        assert {f"{one.name}{one.specifier}" for one in wanted} == {*expected, "tqdm"}


def on(machine: str, lines: list[str]) -> list[Requirement]:
    """Return the requirements that hold on an architecture."""
    return [wanted for wanted in map(Requirement, lines)
            if wanted.marker is None or wanted.marker.evaluate({"platform_machine": machine})]


@pytest.mark.parametrize("name", ["torch", "mxnet-1.0", "torch-", "torch-2.13"])
def test_requirements_of_no_framework(name: str) -> None:
    """A name that is no framework and version cannot be locked."""
    with pytest.raises(UsageError):
        pins.requirements(name)


def test_a_build_of_the_night_has_no_baseline(project: Project, measured: Record) -> None:
    """What is another build tomorrow cannot be accepted."""
    build = dataclasses.replace(measured, environment="keras-nightly")
    with pytest.raises(UsageError, match="every night"):
        accept(Store(project), [build], "it is right")


@pytest.mark.parametrize("text", [
    b"\xff", b"[matrix]\nenvironments =\n    ../../x", b"[matrix]\nenvironments = a\x1b[2J",
    b"[matrix", b"[matrix]\nenvironments =", b"[matrix]\n[matrix]\n"])
def test_damaged_pins_are_an_error(tmp_path: Path, text: bytes) -> None:
    """Bytes that are no text, names that are none, sections twice: named, never a traceback."""
    (tmp_path / "tox.ini").write_bytes(text)
    with pytest.raises(HarnessError, match=r"tox\.ini"):
        names.pinned(tmp_path)
