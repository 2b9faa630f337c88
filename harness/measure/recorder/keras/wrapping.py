"""Wrapping methods of Keras' classes so that the program, and AutoGraph, see the original.

Inside half.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Callable

ARTIFACT = "autograph_info__"
"""What AutoGraph marks its own functions with: it calls them as they are."""
WRAPPED = "_harness_original"
FRAMEWORKS = ("keras", "tensorflow", "tf_keras")


def find_owner(kind: Any, name: str) -> Any:
    """Return the class of a family that defines a method; None if none does."""
    return next((owner for owner in kind.__mro__ if name in vars(owner)), None)


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Replace a method by ``around(original, self, *arguments, **options)``, once."""
    original = vars(owner)[name]
    if hasattr(original, WRAPPED) or not callable(original):
        return
    call = _convert(original)

    @functools.wraps(original)
    def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
        return around(call, self, *arguments, **options)

    setattr(wrapped, WRAPPED, original)
    setattr(wrapped, ARTIFACT, None)
    setattr(owner, name, wrapped)


def _convert(original: Any) -> Any:
    """Return what calls a method of the program's so that AutoGraph converts it, if it would."""
    if str(original.__module__).split(".")[0] in FRAMEWORKS or "tensorflow" not in sys.modules:
        return original

    def call(*arguments: Any, **options: Any) -> Any:
        from tensorflow.python.autograph.core import ag_ctx
        from tensorflow.python.autograph.impl import api

        context = ag_ctx.control_status_ctx()
        if context.status is not ag_ctx.Status.ENABLED:
            return original(*arguments, **options)
        return api.tf_convert(original, context)(*arguments, **options)

    return call
