"""The terminal: as wide as it is, or wide enough to read in a log.

Outside half.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.console import Console, RenderableType

from harness.errors import FAILURE, MATCH, HarnessError

WIDTH = 160
"""Columns where the output is no terminal."""


def show(renderable: RenderableType) -> None:
    """Print tables and text."""
    Console(width=None if sys.stdout.isatty() else WIDTH).print(renderable, highlight=False)


def tell_broken(broken: Mapping[str, HarnessError]) -> int:
    """Say of the cases that do not load why, after what the others gave; return the exit code."""
    for error in broken.values():
        print(f"harness: {error}", file=sys.stderr)
    return FAILURE if broken else MATCH
