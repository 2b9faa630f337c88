"""Foreign text made harmless for whatever shows it.

Inside half: standard library only. A record, a file name, a message of a framework can hold
anything: sequences that a terminal obeys, lines that a CI system takes for its own commands.
For a terminal there is ``terminal``, for the log of a CI system ``log``, for a page
``visible`` (its templates escape what HTML obeys), for Markdown
``harness.nightly.markdown``; ``say`` is the only way to print.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import TextIO

_ACTING = ("Cc", "Cf", "Cs", "Zl", "Zp")
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_BRACKET = re.compile(r"##(?=[A-Za-z]*\[)")


def visible(text: str) -> str:
    """Return the text with control and formatting characters spelled out.

    A bidirectional override can make a name read as another one; it is shown as
    ``[U+202E]`` instead of obeyed. Line breaks and tabs stay.
    """
    if text.isprintable():
        return text
    return "".join(f"[U+{ord(c):04X}]" if c not in "\n\t" and unicodedata.category(c) in _ACTING
                   else c for c in text)


def terminal(text: str) -> str:
    """Return the text for a terminal: nothing in it moves the cursor, or names a window."""
    return visible(text)


def log(text: str) -> str:
    """Return the text for a log that a CI system reads: no line of it is a command.

    ``::error::`` becomes ``: :error::``, and ``##[error]`` ``## [error]``.

    Source:
        GitHub, workflow commands; Azure Pipelines, logging commands; TeamCity, service messages.
    """
    return _BRACKET.sub("## ", _COMMAND.sub(r"\1: ", visible(text)))


def say(text: object, stream: TextIO | None = None, end: str = "\n") -> None:
    """Print text harmlessly, also where the locale cannot show all of it.

    Args:
        stream: standard output, if not another one.
        end: what comes after it.
    """
    stream = stream or sys.stdout
    shown = (terminal if stream.isatty() else log)(str(text))
    encoding = stream.encoding or "utf-8"
    stream.write(shown.encode(encoding, "backslashreplace").decode(encoding) + end)
    stream.flush()
