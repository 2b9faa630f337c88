"""Numbers and places in words, as every sentence on a program has them.

Outside half.
"""

from __future__ import annotations

import math
import re

_SMALL = 1e-4
_PRINTED = re.compile(r"(?P<how>printed|logged): (?P<line>.*)\[(?P<at>\d+)\]", re.DOTALL)
_BAR = re.compile(r"[━─╸╺█▏▎▍▌▋▊▉░▒▓=>.]{4,}")
_WORDS = re.compile(r"([^\W\d][\w /%-]*?)\W*\Z")
_LONGEST = 60
"""Characters of a printed line that are shown."""


def percent(value: float) -> str:
    """Return a relative difference in words: ``0.8 %``, or ``3.1e-06`` of what is small."""
    if not math.isfinite(value):
        return "beyond all measure"
    if value >= 0.995:
        return f"{value * 100:.0f} %" if value < 100 else f"{value:.1e} times"
    return f"{value * 100:.2g} %" if value >= _SMALL else f"{value:.1e}"


def number(value: float) -> str:
    """Return a number in six digits."""
    return f"{value:.6g}"


def name(tensor: str) -> str:
    """Return what a tensor or figure is called: a printed one by the word before it, and its
    line without progress bars: ``accuracy` in the printed line `#/# - accuracy: #``."""
    match = _PRINTED.fullmatch(tensor)
    if match is None:
        return f"`{tensor}`"
    line = _BAR.sub("...", match["line"])
    before = match["line"].split("#")
    at = int(match["at"])
    word = _WORDS.search(before[at]) if at < len(before) else None
    shown = line if len(line) <= _LONGEST else line[:_LONGEST - 3] + "..."
    if line.count("#") == 1 or word is None:
        return f"`{match['how']}: {shown}`" + (f", number {at + 1}" if line.count("#") > 1 else "")
    return f"`{word[1].strip()}` in the {match['how']} line `{shown}`"


def rather(observed: float, baseline: float) -> str:
    """Return two numbers, in as many digits as tell them apart: ``1.2 rather than 1.3``."""
    for digits in range(6, 18):
        mine, theirs = f"{observed:.{digits}g}", f"{baseline:.{digits}g}"
        if mine != theirs:
            return f"{mine} rather than {theirs}"
    return f"{number(observed)} rather than {number(baseline)}"


def place(channel: str, tensor: str, step: int | None) -> str:
    """Return where a difference is: ``update of `a.weight` at step 3``.

    What goes into a module is an event of the forward pass only if no module returned it.
    """
    of = f" of {name(tensor)}" if tensor and tensor != channel else ""
    if channel == "forward" and ":input[" in tensor:
        of += " (computed between modules)"
    return f"{channel}{of}" + ("" if step is None else f" at step {step}")
