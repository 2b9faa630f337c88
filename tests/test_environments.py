"""The pins and the order of versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import environments
from harness.errors import HarnessError, UsageError

KNOWN = ["reference", "torch-2.9.1", "torch-2.13.0", "tensorflow-2.12.1", "tensorflow-2.15.1",
         "keras-3.0.5", "keras-3.15.1", "axon-0.6.0", "axon-0.6.1.dev1+57c75e52",
         "axon-0.6.1.dev2+235a0308", "axon-0.6.1", "axon-0.7.0.dev1+5f9e7bc1", "axon-0.7.0"]


@pytest.mark.parametrize(("environment", "expected"), [
    ("torch-2.13.0", "torch-2.9.1"),
    ("torch-2.9.1", None),
    ("torch-2.9.2", "torch-2.9.1"),
    ("keras-3.15.1", "keras-3.0.5"),
    ("keras-3.0.5", "tensorflow-2.15.1"),
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
    assert environments.previous(environment, KNOWN) == expected


def test_order_is_of_versions_not_of_text() -> None:
    """2.9 comes before 2.13, and the reference before everything."""
    assert sorted(reversed(KNOWN), key=environments.sort_key)[0] == "reference"
    torch = sorted(["torch-2.13.0", "torch-2.9.1"], key=environments.sort_key)
    assert torch == ["torch-2.9.1", "torch-2.13.0"]


def test_pins_come_from_tox_ini(tmp_path: Path) -> None:
    """A version is a line; other lines of tox.ini are not versions."""
    (tmp_path / "tox.ini").write_text(
        "[testenv]\ndeps =\n  torch: torch\n  torch-2.7.0: -c constraints/torch-2.7.0.txt\n"
        "  reference: -c constraints/reference.txt\n  keras-3.1.0: -c constraints/other.txt\n")
    assert environments.pinned(tmp_path) == ["torch-2.7.0", "reference"]


@pytest.mark.parametrize("text", ["", "[testenv]\n", "[testenv]\ndeps = torch\n", "no section"])
def test_no_pins_is_an_error(tmp_path: Path, text: str) -> None:
    """A tox.ini that pins nothing is said to, and is not an empty matrix."""
    (tmp_path / "tox.ini").write_text(text)
    with pytest.raises(HarnessError, match=r"tox\.ini"):
        environments.pinned(tmp_path)


def test_every_pin_has_its_constraints(checkout) -> None:  # type: ignore[no-untyped-def]
    """Each pinned environment has a file that pins what its name says, exactly."""
    for name in environments.pinned(checkout.root):
        lines = (checkout.root / "constraints" / f"{name}.txt").read_text().split()
        assert all("==" in line for line in lines)
        assert {pin for pin in environments.requirements(name) if "==" in pin} <= set(lines)


@pytest.mark.parametrize("name", ["torch", "mxnet-1.0", "torch-"])
def test_requirements_of_no_framework(name: str) -> None:
    """A name that is no framework and version cannot be locked."""
    with pytest.raises(UsageError):
        environments.requirements(name)
