"""Numbers and lists in sentences, and names that are asked for.

Both halves: standard library only.
"""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import Any, Iterable, Sequence

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""The words for numbers that are not finite, where JSON must be strict."""


def counted(number: int, word: str, many: str = "") -> str:
    """Return a number with its word: ``1 case``, ``2 cases``, ``2 pieces of work``.

    Args:
        many: the word's plural, where it is not the word with an s.
    """
    return f"{number} {word if number == 1 else many or word + 's'}"


def few(texts: Sequence[str], most: int, apart: str = ", ") -> str:
    """Return the first texts, and how many more there are: ``a, b and 3 more``."""
    more = len(texts) - most
    return apart.join(texts[:most]) + (f" and {more} more" if more > 0 else "")


def number(value: Any) -> Any:
    """Return the value, or the word for a number that is not finite."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def is_asked(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a name matches one of the shell patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
