"""Compare deep-learning framework versions by how they train."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.notebook.checkout import Checkout

__version__ = "0.1.0"


def open(path: str = ".") -> Checkout:
    """Open a checkout in a notebook: its curves, comparisons and histories as pandas' tables.

    Args:
        path: the checkout, or a folder in it.

    Raises:
        UsageError: there is no checkout.
    """
    from pathlib import Path

    from harness.notebook.checkout import Checkout
    from harness.records.paths import find_root

    return Checkout(find_root(Path(path).resolve()))
