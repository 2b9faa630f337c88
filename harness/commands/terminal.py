"""The terminal: as wide as it is, or wide enough to read in a log.

Outside half.
"""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType

WIDTH = 160
"""Columns where the output is no terminal."""


def show(renderable: RenderableType) -> None:
    """Print tables and text."""
    _Console(width=None if sys.stdout.isatty() else WIDTH).print(renderable, highlight=False)


class _Console(Console):
    """A terminal that says it when nobody reads it, where Rich ends with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise
