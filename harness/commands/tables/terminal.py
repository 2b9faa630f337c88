"""The terminal: as wide as it is, or as ``COLUMNS`` says, or wide enough to read in a log.

Outside half.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table

from harness.errors import FAILURE, MATCH, HarnessError, UsageError
from harness.escaping import say, terminal

WIDTH = 160
"""Columns where the output is no terminal, and nothing says how many it has."""


class _Harmless:
    """Shows something without obeying what foreign text in it says; only Rich has styles."""

    def __init__(self, renderable: RenderableType) -> None:
        self.renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.renderable, options):
            yield segment if segment.control else Segment(terminal(segment.text), segment.style)


def show(renderable: RenderableType) -> None:
    """Print tables and text; a table grows beyond the width rather than cut a name."""
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) else WIDTH
    console = _Console(width=None if sys.stdout.isatty() else width)
    unbounded = console.options.update(width=sys.maxsize)
    for table in _tables(renderable):
        for column in table.columns:
            column.min_width = max(
                Measurement.get(console, unbounded, cell).minimum
                for cell in (column.header, *column.cells))
    if sys.stdout.isatty():
        console.print(_Harmless(renderable), highlight=False, crop=False)
        return
    with console.capture() as capture:
        console.print(_Harmless(renderable), highlight=False, crop=False)
    say(capture.get(), end="")


def tell_table(form: str, make: Callable[[Any], Any]) -> None:
    """Print a table for other programs.

    Args:
        form: csv, json or parquet.
        make: makes it, given the module that makes tables; pandas is imported here.
    """
    from harness.notebook import frames

    content = frames.dumps(make(frames), form)
    if form != "parquet":
        say(content.decode(), end="")
    elif sys.stdout.isatty():
        raise UsageError("Parquet is no text for a terminal", next_command="... > table.parquet")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)


def _tables(renderable: RenderableType) -> Iterator[Table]:
    """Yield the tables of a group, in order."""
    if isinstance(renderable, Table):
        yield renderable
    if isinstance(renderable, Group):
        for part in renderable.renderables:
            yield from _tables(part)


def tell_broken(broken: Mapping[str, HarnessError]) -> int:
    """Say of the cases that do not load why, after what the others gave; return the exit code."""
    for error in broken.values():
        say(f"harness: {error}", sys.stderr)
    return FAILURE if broken else MATCH


class _Console(Console):
    """A terminal that says it when nobody reads it, where Rich ends with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise
