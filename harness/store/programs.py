"""Users' programs on disk: the environments that have runs or baselines of one.

Outside half.
"""

from __future__ import annotations

from pathlib import Path

from harness.environments import names as environments
from harness.records.paths import PROGRAMS, Paths, is_name


def measured(paths: Paths, program: str) -> list[str]:
    """Return the environments that a program was run in last, in order."""
    return _environments(paths.runs / PROGRAMS / program)


def accepted(paths: Paths, program: str) -> list[str]:
    """Return the environments that have a baseline of a program, in order."""
    return _environments(paths.baselines / PROGRAMS / program)


def _environments(folder: Path) -> list[str]:
    names = {path.stem for path in folder.glob("[a-z]*.zip")}
    return sorted((name for name in names if is_name("environment", name)),
                  key=environments.sort_key)
