"""Where a record comes from: packages, interpreter, machine, threads, data.

Inside half: standard library only.
"""

from __future__ import annotations

import datetime
import platform
from importlib import metadata
from typing import Any

from harness.records import processor, settings
from harness.version import __version__


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def packages() -> dict[str, str]:
    """Return name and version of every installed distribution."""
    found = {(d.metadata["Name"] or "").lower().replace("_", "-"): d.version
             for d in metadata.distributions()}
    return {name: found[name] for name in sorted(found) if name}


def collect(data_sha256: str, described: dict[str, Any]) -> dict[str, Any]:
    """Return the provenance of what this process measures.

    Args:
        data_sha256: of the case's data file.
        described: what the adapter says of threads and switches.
    """
    return {**here(), "data_sha256": data_sha256, "settings": described}


def here() -> dict[str, Any]:
    """Return the provenance of whatever this process measures."""
    return {
        "harness": __version__,
        "recorded": now(),
        "packages": packages(),
        "python": platform.python_version(),
        **processor.machine(),
        "variables": settings.chosen(),
    }
