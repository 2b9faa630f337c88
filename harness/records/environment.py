"""The environment: its family, and which adapter and distribution a family has.

Inside half: standard library only.
"""

from __future__ import annotations

from harness.errors import unknown

REFERENCE = "reference"
"""The environment that needs no framework."""
FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "reference": ("reference", ()),
    "torch": ("torch", ("torch",)),
    "tensorflow": ("tensorflow", ("tensorflow-cpu", "tensorflow")),  # by architecture
    "keras": ("tensorflow", ("keras",)),
    "axon": ("axon", ()),
}
"""Environment family -> its adapter, and the distributions of which one has its version, if any."""


def family(environment: str) -> str:
    """Return the environment's family, ``torch`` of ``torch-2.13.0``."""
    name, _, version = environment.partition("-")
    if name not in FAMILIES or bool(version) == (name == "reference"):
        raise unknown("environment", environment, [
            family if family == "reference" else f"{family}-VERSION" for family in FAMILIES])
    return name
