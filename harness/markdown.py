"""Text in Markdown: whatever a record or a framework says is shown, and never obeyed.

Inside half: standard library only. A summary ends up in an issue, where a stray ``@name``
would call somebody and a ``|`` would break a table.
"""

from __future__ import annotations

import re

from harness.escaping import visible

_SPECIAL = re.compile(r"([\\`*\[\]|~$<>&])")
_REFERENCE = re.compile(r"([@#]|gh-(?=\d)|(?:https?|ftp|mailto|xmpp):|www(?=\.))", re.IGNORECASE)
"""After which a space without width keeps GitHub from making a link of what follows."""
_TICKS = re.compile("`+")


def line(text: object) -> str:
    """Return the text in one line without markup, mentions, links or references to issues."""
    flat = _SPECIAL.sub(r"\\\1", " ".join(visible(str(text)).split()))
    return _REFERENCE.sub("\\1\N{ZERO WIDTH SPACE}", flat)


def cell(text: object) -> str:
    """Return the text for a table's cell, as code; a dash where there is none."""
    flat = " ".join(visible(str(text)).split()).replace("|", "\\|")
    if not flat:
        return "-"
    ticks = _fence(flat, 1)
    space = " " if "`" in flat else ""
    return f"{ticks}{space}{flat}{space}{ticks}"


def block(text: object, language: str = "text") -> str:
    """Return the text as a block of code, whatever fences it has itself."""
    shown = visible(str(text)).strip("\n")
    ticks = _fence(shown, 3)
    return f"{ticks}{language}\n{shown}\n{ticks}"


def _fence(text: str, least: int) -> str:
    """Return more backticks in a row than the text has anywhere."""
    return "`" * max(least, 1 + max(map(len, _TICKS.findall(text)), default=0))
