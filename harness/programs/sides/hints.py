"""Hints: what a framework silently needs, added where the user said nothing of it.

Outside half. Old releases name no upper bound of what broke them later: torch 2.0 to 2.3
import ``pkg_resources``, nothing before mid-2024 works with NumPy 2. ``harness.pins`` knows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.environments.pins import PINS, Pin

FAMILIES = {"torch": "torch", "tensorflow": "tensorflow", "tensorflow-cpu": "tensorflow",
            "keras": "keras"}
"""Distribution -> the family of pins that it belongs to."""
BACKENDS = ("tensorflow", "tensorflow-cpu", "torch", "jax", "tf-nightly", "tf-nightly-cpu")
"""What Keras 3 can compute with; it requires none of them."""
RECORDER = "numpy"
"""What the recorder itself needs in an environment."""


@dataclass(frozen=True)
class Hint:
    """A requirement that the user did not name.

    Args:
        requirement: as pip reads it.
        reason: what it is for.
    """

    requirement: str
    reason: str


def missing(packages: Mapping[str, str], named: Mapping[str, Requirement]) -> list[Hint]:
    """Return what an environment lacks for its framework and the recorder.

    Args:
        packages: what it resolved to: normalised name -> version.
        named: what the user asked for, by normalised name.
    """
    found = [] if RECORDER in packages else [Hint(RECORDER, "the recorder needs it")]
    for name, family in FAMILIES.items():
        pin = _pin(family, packages.get(name))
        if pin is None or (family == "tensorflow" and "keras" in named):
            continue
        for bound in pin.bounds:
            requirement = Requirement(bound)
            if not _is_silent(family, requirement, packages):
                continue
            key = canonicalize_name(requirement.name)
            said = named.get(key)
            is_free = said is None or not (said.specifier or said.url)
            if is_free and not _satisfies(packages.get(key), requirement):
                found.append(Hint(bound, f"{name} {packages[name]} needs it and does not say so"))
    return list({hint.requirement: hint for hint in found}.values())


def python(sides: Iterable[Mapping[str, Requirement]]) -> str:
    """Return the interpreter that both sides are tried with: this one's version, or an older.

    Args:
        sides: what each side names, by normalised name.
    """
    newest = [f"{sys.version_info.major}.{sys.version_info.minor}"]
    for named in sides:
        for name, family in FAMILIES.items():
            exact = [item.version for item in named[name].specifier
                     if item.operator in ("==", "===", "<", "<=")] if name in named else []
            pins = [pin for version in exact if (pin := _pin(family, version)) is not None]
            newest += [pin.python for pin in pins if pin.below is not None]
    return min(newest, key=Version)


def _pin(family: str, version: str | None) -> Pin | None:
    """Return what is known of a version; None of none."""
    try:
        parsed = Version((version or "").removesuffix(".*"))
    except InvalidVersion:
        return None
    return next(pin for pin in PINS[family] if pin.below is None or parsed < Version(pin.below))


def _is_silent(family: str, requirement: Requirement, packages: Mapping[str, str]) -> bool:
    """Return whether it is needed, not chosen by this project for its own matrix."""
    if requirement.marker is not None and not requirement.marker.evaluate():
        return False
    if family == "keras":
        return not set(BACKENDS) & set(packages)
    return not any(item.operator == "==" for item in requirement.specifier)


def _satisfies(version: str | None, requirement: Requirement) -> bool:
    return version is not None and requirement.specifier.contains(version, prereleases=True)
