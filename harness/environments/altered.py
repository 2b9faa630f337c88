"""Altered files: whether what tox installed is still what the packages' wheels held.

Outside half. A wheel lists its files with size and hash, and the installer keeps the list. A
file that differs from it was edited after it was installed, or was never the release's: the first
thing to know of an environment that trains differently.
"""

from __future__ import annotations

import base64
import csv
import functools
import hashlib
from pathlib import Path

HASHED = {".py", ".pyi"}
"""Suffixes of files that are hashed; of others, libraries of gigabytes, the size is compared."""
FIELDS = 3
"""Of a line of the list: path, hash, size."""
TOLD = 20
"""Files that are told of at most."""


@functools.cache
def files(root: Path, environment: str) -> list[str]:
    """Return the files of an environment that are not those of its wheels; at most ``TOLD``.

    Nothing of an environment that tox has not made here: nobody can tell.

    Args:
        root: of the checkout.
    """
    found: list[str] = []
    for site in sorted((root / ".tox" / environment / "lib").glob("python*/site-packages")):
        for listing in sorted(site.glob("*.dist-info/RECORD")):
            found += _altered(site, listing)
    return found[:TOLD]


def _altered(site: Path, listing: Path) -> list[str]:
    try:
        lines = list(csv.reader(listing.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return [f"{listing.relative_to(site)}: cannot be read"]
    return [line[0] for line in lines if len(line) == FIELDS and line[1] and line[2].isdigit()
            and not line[0].startswith("..") and _is_altered(site / line[0], line[1], line[2])]


def _is_altered(path: Path, digest: str, size: str) -> bool:
    try:
        if path.stat().st_size != int(size):
            return True
        if path.suffix not in HASHED:
            return False
        name, _, expected = digest.partition("=")
        own = hashlib.new(name, path.read_bytes()).digest()
        return base64.urlsafe_b64encode(own).rstrip(b"=").decode() != expected
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
