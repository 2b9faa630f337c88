"""The pinned environments: names from tox.ini, the order of versions.

Outside half. tox.ini is the only list of pins; one line there adds a version.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable
from pathlib import Path

from packaging.version import InvalidVersion, Version

from harness.errors import HarnessError, UsageError, unknown

KERAS_TENSORFLOW = "2.21.0"
"""The TensorFlow under every standalone Keras, so that only Keras changes."""
PREDECESSORS = {"keras": "tensorflow"}
"""Family -> the family it grew out of. Up to 2.15 TensorFlow carries its own
Keras; from 2.16 on the Keras version decides how training behaves."""
_PIN = re.compile(r"^(?P<name>[a-z]+(-\d[\w.+]*)?): *-c *constraints/(?P=name)\.txt$")


def pinned(root: Path) -> list[str]:
    """Return the names of the environments that tox.ini pins, in its order.

    Raises:
        HarnessError: tox.ini does not parse, or pins nothing.
    """
    parser = configparser.RawConfigParser()
    try:
        parser.read_string((root / "tox.ini").read_text(encoding="utf-8"))
        lines = parser.get("testenv", "deps").splitlines()
    except configparser.Error as error:
        raise HarnessError(f"tox.ini does not parse: {error}", str(root / "tox.ini")) from None
    names = [match["name"] for line in lines if (match := _PIN.match(line.strip()))]
    if not names:
        raise HarnessError("tox.ini pins no environment", str(root / "tox.ini"),
                           next_command="add 'torch-2.13.0: -c constraints/torch-2.13.0.txt'")
    return names


def split(environment: str) -> tuple[str, Version | None]:
    """Return family and version; no version for ``reference`` and for odd names."""
    family, _, version = environment.partition("-")
    try:
        return family, Version(version)
    except InvalidVersion:
        return family, None


def sort_key(environment: str) -> tuple[bool, str, Version]:
    """Return a key that puts the reference first, then families and versions in order."""
    family, version = split(environment)
    return environment != "reference", family, version or Version("0")


def previous(environment: str, known: Iterable[str]) -> str | None:
    """Return the version before this one, among the known environments.

    A release is compared with the release before it; a commit (a development
    version) with whatever came before, commits included. The first version of a
    family follows the last release of the family it grew out of.
    """
    family, version = split(environment)
    if version is None:
        return None
    names = list(known)
    earlier = _before(family, version, names)
    if not earlier and family in PREDECESSORS:
        earlier = _before(PREDECESSORS[family], None, names)
    return max(earlier)[1] if earlier else None


def _before(family: str, version: Version | None, names: list[str]) -> list[tuple[Version, str]]:
    """Return the candidates of a family below a version; None for any release."""
    releases_only = version is None or not version.is_prerelease
    found = []
    for name in names:
        other_family, other = split(name)
        if other_family == family and other is not None \
                and (version is None or other < version) \
                and not (releases_only and other.is_prerelease):
            found.append((other, name))
    return found


def requirements(environment: str) -> list[str]:
    """Return what is pinned by hand in an environment; all else follows from it.

    Raises:
        UsageError: the name is no framework and version.
    """
    name, version = split(environment)
    if name == "reference":
        return ["numpy"]
    if version is None:
        raise UsageError(f"{environment!r} is no framework and version",
                         next_command="harness lock torch-2.13.0")
    pins = {"torch": [f"torch=={version}", "numpy"],
            "tensorflow": [f"tensorflow-cpu=={version}"],
            "keras": [f"keras=={version}", f"tensorflow-cpu=={KERAS_TENSORFLOW}"]}
    if name not in pins:
        raise unknown("framework", name, sorted(pins))
    return pins[name]
