"""Compare deep-learning framework versions by how they train.

A training program may import this package for ``record`` and ``watch``: they need nothing
but the standard library, and do nothing unless the program runs under a recorder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.version import __version__

if TYPE_CHECKING:
    from harness.notebook.checkout import Checkout

__all__ = ["__version__", "open", "record", "watch"]

_recording: Any = None
"""The recording that is going on in this process (``measure.recorder``), if any."""


def record(name: str, value: Any) -> None:
    """Keep a figure or a tensor of a training program in the trace, under a recorder.

    Args:
        name: what it is called, the same in every run: ``"validation accuracy"``.
        value: a number (channel ``reported``), or an array or a tensor of a framework
            (channel ``forward``: what a function outside any module computed).
    """
    if _recording is not None:
        _recording.report(name, value)


def watch(thing: Any) -> Any:
    """Have what has no seam of its own recorded, such as ``optax.adam(1e-3)``.

    Args:
        thing: what trains.

    Returns:
        The thing itself, or one that computes the same and is recorded.
    """
    return thing if _recording is None else _recording.watch(thing)


def open(path: str = ".") -> Checkout:
    """Open a checkout in a notebook: its curves, comparisons and histories as pandas' tables.

    Args:
        path: the checkout, or a folder in it.

    Raises:
        UsageError: there is no checkout.
    """
    from pathlib import Path

    from harness.notebook.checkout import find

    return find(Path(path))
