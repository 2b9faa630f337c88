"""Numbers in sentences.

Both halves: standard library only.
"""

from __future__ import annotations


def counted(number: int, word: str, many: str = "") -> str:
    """Return a number with its word: ``1 case``, ``2 cases``, ``2 pieces of work``.

    Args:
        many: the word's plural, where it is not the word with an s.
    """
    return f"{number} {word if number == 1 else many or word + 's'}"
