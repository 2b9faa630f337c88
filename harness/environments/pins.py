"""What an environment is made of: Python and requirements, by framework and version.

Outside half; tox reads it through toxfile.py. Everything else of an environment follows from
these, resolved once into ``constraints/`` (``harness.environments.lockfiles``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from harness.environments.names import release
from harness.errors import UsageError, unknown
from harness.records.environment import NIGHTLY, REFERENCE, parse

KERAS, KERAS_TENSORFLOW = "3.15.1", "2.16.2"
"""The Keras over every TensorFlow that has none of its own, and the TensorFlow under every
standalone Keras: the first that resolves with all of them."""
PROGRESS = "tqdm"
"""What the harness itself needs in an environment, beside NumPy."""
ON_ARM = {"tensorflow-cpu": "tensorflow", "tf-nightly-cpu": "tf-nightly"}
"""Distributions without a wheel for 64-bit Arm, and those that have the same in one."""


def by_architecture(name: str, version: str = "") -> tuple[str, ...]:
    """Return what a distribution is required as: once, or once for each architecture."""
    if name not in ON_ARM:
        return (f"{name}{version}",)
    is_arm = "platform_machine {0} 'aarch64' {1} platform_machine {0} 'arm64'"
    return (f"{name}{version}; {is_arm.format('!=', 'and')}",
            f"{ON_ARM[name]}{version}; {is_arm.format('==', 'or')}")


@dataclass(frozen=True)
class Pin:
    """What versions of a framework below a bound need, as the newest rule that fits says.

    Args:
        below: the first version for which another rule holds; None for the newest.
        python: newest interpreter that its wheels are made for.
        bounds: requirements beside the framework.
    """

    below: str | None
    python: str
    bounds: tuple[str, ...] = ()


PINS = {
    "torch": (
        Pin("1.10", "3.9", ("numpy<2",)),
        # imports pkg_resources.packaging
        Pin("1.11", "3.9", ("numpy<2", "setuptools<70")),
        Pin("1.13", "3.10", ("numpy<2",)),
        Pin("2.0", "3.11", ("numpy<2",)),
        # their optimizers import pkg_resources
        Pin("2.4", "3.11", ("numpy<2", "setuptools<70", "packaging")),
        Pin("2.14", "3.11", ("numpy",)),
        Pin(None, "3.11", ("numpy", "setuptools>=77")),
    ),
    "tensorflow": (
        Pin("2.5", "3.8", ("protobuf<4",)),
        Pin("2.8", "3.9", ("protobuf<4", "numpy<2")),
        Pin("2.12", "3.10", ("protobuf<4", "numpy<2")),
        Pin("2.16", "3.11"),
        Pin(None, "3.11", (f"keras=={KERAS}",)),
    ),
    "keras": (Pin(None, "3.11", by_architecture("tensorflow-cpu", f"=={KERAS_TENSORFLOW}")),),
    # the packages of Elixir are pinned in its adapter's locks.json
    "axon": (Pin(None, "3.11"),),
}
"""By family, from old to new."""
EXAMPLE = "tox run -e torch-2.13.0"
RELEASE = 3
"""Numbers in a release's version; tox would take 2.13 for a Python."""
BUILDS = {"keras-nightly": ("keras-nightly", *by_architecture("tf-nightly-cpu"))}
"""Pre-release builds that PyPI carries, and what they are installed with."""


def requirements(environment: str) -> list[str]:
    """Return what is pinned by hand in an environment; all else follows from it.

    Raises:
        UsageError: the name is no framework and version.
    """
    if environment == REFERENCE:
        return ["numpy", PROGRESS]
    if environment in BUILDS:
        return [*BUILDS[environment], PROGRESS]
    pin, version = _pin(environment)
    framework = parse(environment).framework
    if framework == "axon":
        return requirements(REFERENCE)
    name = "tensorflow-cpu" if framework == "tensorflow" else framework
    return [*by_architecture(name, f"=={version}"), *pin.bounds, PROGRESS]


def python(environment: str) -> str:
    """Return the interpreter's version, ``3.11``."""
    if environment == REFERENCE or environment in BUILDS:
        return "3.11"
    return _pin(environment)[0].python


def constraints(root: Path, environment: str) -> Path:
    """Return the file that pins everything else, exactly."""
    if parse(environment).framework == "axon":
        environment = REFERENCE
    return root / "constraints" / f"{environment}.txt"


def _pin(environment: str) -> tuple[Pin, Version]:
    family, version = parse(environment).family, release(environment)
    if family not in PINS:
        raise unknown("framework", family, PINS, next_command=EXAMPLE)
    if version is None:
        known = ", ".join(BUILDS)
        raise UsageError(f"{environment!r} is no framework and version", numbers=(
            f"builds that change every night ({NIGHTLY}): {known}"), next_command=EXAMPLE)
    if len(version.release) < RELEASE:
        raise UsageError(f"{environment!r} is no release, whose version has {RELEASE} numbers",
                         next_command=f"tox run -e {environment}.0")
    rules = PINS[family]
    return next(pin for pin in rules
                if pin.below is None or version < Version(pin.below)), version
