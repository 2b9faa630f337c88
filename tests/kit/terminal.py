"""What is printed, as a terminal of 80 columns shows it."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType


def printed(renderable: RenderableType, width: int = 80) -> str:
    """Return the text, without colours and without spaces at the ends of lines."""
    file = io.StringIO()
    Console(width=width, file=file).print(renderable, highlight=False)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())
