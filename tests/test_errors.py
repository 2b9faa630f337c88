"""Errors: a name that does not exist, and what it could have been."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from harness import errors
from harness.commands.application import COMMANDS
from harness.environments import names, pins
from harness.errors import HarnessError, candidates, nearest

ROOT = Path(__file__).parents[1]
KNOWN = ["torch-2.13.0", "torch-2.9.1", "torch-2.3.1", "torch-2.2.2", "keras-3.15.1", "reference",
         "keras-nightly", "torch-1.8.1"]


@pytest.mark.parametrize(("name", "expected"), [
    ("torch-2.3.0", ["torch-2.3.1"]),
    ("torch-2.3.9", ["torch-2.3.1"]),
    ("torch-2.13", ["torch-2.13.0"]),
    ("torch-2.11.0", ["torch-2.9.1"]),
    ("torch-1.0.0", ["torch-1.8.1"]),
    ("torch-3.0.0", ["torch-2.13.0"]),
    ("torch", ["torch-2.13.0"]),
    ("keras-3", ["keras-3.15.1"]),
    ("referense", ["reference"]),
    ("axon-0.6.0", []),
])
def test_the_nearest_version_is_the_one_beside_it(name: str, expected: list[str]) -> None:
    """Versions are near by their numbers, other names by their spelling."""
    assert nearest(name, KNOWN) == expected


def test_known_versions_are_listed_in_order() -> None:
    """2.9 comes before 2.13, and other frameworks are left out."""
    assert candidates("torch-2.3.0", KNOWN) == (
        "nearest: torch-2.3.1; known: torch-1.8.1, torch-2.2.2, torch-2.3.1, torch-2.9.1, "
        "torch-2.13.0")
    assert candidates("axon", KNOWN) == (
        "known: keras-3.15.1, keras-nightly, reference, torch-1.8.1, torch-2.2.2, torch-2.3.1, "
        "torch-2.9.1, torch-2.13.0")
    assert candidates("axon", []) == "known: none"



def advised() -> list[tuple[str, str, str]]:
    """Return file, program and name of every command that begins a text in the sources."""
    found = []
    for path in sorted((ROOT / "harness").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else ""
            match = re.match(r"(tox run -[em]|harness) ([a-z][\w.-]*)", str(text))
            if match:
                found.append((path.name, *match.groups()))
    return found


def test_every_command_that_is_advised_exists() -> None:
    """What a message tells to type is a command, a label or an environment of this checkout."""
    desk = re.findall(r"\[testenv:([\w-]+)\]", (ROOT / "tox.ini").read_text(encoding="utf-8"))
    commands = [name for group in COMMANDS.values() for name in group]
    known = {"harness": commands, "tox run -m": names.labelling(ROOT),
             "tox run -e": [*names.pinned(ROOT), *desk]}
    places = advised()
    assert len(places) > 20
    assert [place for place in places
            if place[2] not in known[place[1]] and not is_release(place[2])] == []


def is_release(name: str) -> bool:
    """Return whether tox can make an environment of that name, of the matrix or not."""
    try:
        return bool(pins.requirements(name))
    except HarnessError:
        return False


def test_what_a_process_said_last_is_shown_in_one_way():
    """The last lines that say anything, and where all of them are kept."""
    said = "\n".join(["first", *("" for _ in range(40)), *(f"line {i}" for i in range(20))])
    assert errors.last_words(said, "LOG").splitlines()[:2] == [
        "last lines of its standard error (61 in LOG):", "    line 0"]
    assert "first" not in errors.last_lines(said)
    assert errors.last_words(" \n") == "it said nothing on standard error"
