"""The environment as a value: framework, version, backend and device, parsed and printed here only.

Inside half: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from harness.errors import UsageError, unknown

REFERENCE = "reference"
"""The environment that needs no framework."""
FRAMEWORKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "reference": ("reference", ()),
    "torch": ("torch", ("torch",)),
    "tensorflow": ("tensorflow", ("tensorflow-cpu", "tensorflow")),  # by architecture
    "keras": ("tensorflow", ("keras",)),
    "axon": ("axon", ()),
}
"""Framework -> its adapter, and the distributions of which one has its version, if any."""
BACKENDS = {"keras": ("tensorflow", "torch", "jax")}
"""Framework -> what it can compute with, where that is another framework."""
DEVICES = ("cuda",)
"""What can be computed on beside the processor."""
NIGHTLY = "nightly"
"""What stands for the version of a pre-release build that changes every night."""


@dataclass(frozen=True)
class Environment:
    """What is pinned: ``torch-2.13.0``, ``keras-3.15.1-jax``, ``torch-2.13.0-cuda``.

    Args:
        framework: which one; of a record that another program made, any name.
        version: as it is written; empty for none.
        backend: what a framework of ``BACKENDS`` computes with; empty for the one its pins have.
        device: one of ``DEVICES``; empty for the processor.
    """

    framework: str
    version: str = ""
    backend: str = ""
    device: str = ""

    def __str__(self) -> str:
        return _joined(self.framework, self.version, self.backend, self.device)

    @property
    def family(self) -> str:
        """The name without its version: the versions of one family follow each other."""
        return _joined(self.framework, self.backend, self.device)

    @property
    def is_build(self) -> bool:
        """Whether it is a pre-release build, without a version of its own."""
        return self.version == NIGHTLY

    @property
    def adapter(self) -> str:
        """Its adapter's folder, of an environment that was required."""
        return FRAMEWORKS[self.framework][0]

    @property
    def distributions(self) -> tuple[str, ...]:
        """The distributions of which one has its version; none where Python has none."""
        return (str(self),) if self.is_build else FRAMEWORKS[self.framework][1]


@lru_cache(maxsize=None)
def parse(name: str) -> Environment:
    """Return the environment of any name; what is no backend or device belongs to the version."""
    framework, _, version = name.partition("-")
    version, device = _cut(version, DEVICES)
    version, backend = _cut(version, BACKENDS.get(framework, ()))
    return Environment(framework, version, backend, device)


def require(name: str) -> Environment:
    """Return the environment of a name under which something can be measured.

    Raises:
        UsageError: its framework is unknown, or it names a backend or a device: no pins and no
            adapter have another than their own yet.
    """
    found = parse(name)
    if found.framework not in FRAMEWORKS \
            or bool(found.version) == (found.framework == REFERENCE):
        raise unknown("environment", name, [
            one if one == REFERENCE else f"{one}-VERSION" for one in FRAMEWORKS])
    if found.family != found.framework:
        raise UsageError(f"nothing is measured on {found.backend or found.device} yet", name,
                         next_command=f"tox run -e {Environment(found.framework, found.version)}")
    return found


def _cut(version: str, endings: tuple[str, ...]) -> tuple[str, str]:
    """Return what stands before one of the endings, and that ending; empty if there is none."""
    before, _, last = version.rpartition("-")
    return (before, last) if before and last in endings else (version, "")


def _joined(*parts: str) -> str:
    return "-".join(part for part in parts if part)
