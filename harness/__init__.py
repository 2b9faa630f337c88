"""Compare deep-learning framework versions by how they train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.version import __version__

if TYPE_CHECKING:
    from harness.notebook.checkout import Checkout

__all__ = ["__version__", "open"]


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
