"""The terminal: as wide as it is, or wide enough to read in a log.

Outside half.
"""

from __future__ import annotations

import sys

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from harness.escaping import say, terminal

WIDTH = 160
"""Columns where the output is no terminal."""


class _Harmless:
    """Shows something without obeying what foreign text in it says; only Rich has styles."""

    def __init__(self, renderable: RenderableType) -> None:
        self.renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.renderable, options):
            yield segment if segment.control else Segment(terminal(segment.text), segment.style)


def show(renderable: RenderableType) -> None:
    """Print tables and text."""
    if sys.stdout.isatty():
        Console().print(_Harmless(renderable), highlight=False)
        return
    console = Console(width=WIDTH)
    with console.capture() as capture:
        console.print(_Harmless(renderable), highlight=False)
    say(capture.get(), end="")
