"""Wrapping methods of Keras' classes so that the program, and AutoGraph, see the original.

Inside half.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

ARTIFACT = "autograph_info__"
"""What AutoGraph marks its own functions with: it calls them as they are, as it does what Keras
defines and what only Keras calls."""
WRAPPED = "_harness_original"


def find_owner(kind: Any, name: str) -> Any:
    """Return the class of a family that defines a method; None if none does."""
    return next((owner for owner in kind.__mro__ if name in vars(owner)), None)


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Replace a method by ``around(original, self, *arguments, **options)``, once."""
    original = vars(owner)[name]
    if hasattr(original, WRAPPED) or not callable(original):
        return

    @functools.wraps(original)
    def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
        return around(original, self, *arguments, **options)

    setattr(wrapped, WRAPPED, original)
    setattr(wrapped, ARTIFACT, None)
    setattr(owner, name, wrapped)
