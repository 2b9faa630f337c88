"""Compare deep-learning framework versions by how they train.

A training program may import this package for ``record`` and ``watch``: they need nothing
but the standard library, and do nothing unless the program runs under a recorder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.version import __version__
from harness.watching import record, watch

if TYPE_CHECKING:
    from harness.notebook.checkout import Checkout

__all__ = ["__version__", "open", "record", "watch"]

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
