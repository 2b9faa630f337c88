"""The files that a program opens: what another run finds changed if it comes after this one.

Inside half: standard library only. Python tells of every file that is opened through it, also
by the libraries that training saves its checkpoints with.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

MOST = 200
"""Files of each kind that are kept."""
OWN = tuple(f"{path}{os.sep}" for path in dict.fromkeys([
    Path(sys.prefix), Path(sys.base_prefix), Path(os.__file__).parent, Path(__file__).parents[3],
    Path("/proc"), Path("/sys"), Path("/dev"), Path.home() / ".cache", Path.home() / ".config"]))
"""Folders of what Python, packages and the system open for themselves."""


class Opened:
    """Notes which files are read that the program itself did not write before, and which written.

    Args:
        read, written: absolute paths, in the order in which they were opened first.
    """

    def __init__(self) -> None:
        self.read: dict[str, None] = {}
        self.written: dict[str, None] = {}

    def install(self) -> None:
        """Have Python tell of every file; that cannot be taken back."""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if event != "open" or len(arguments) < 3 or len(self.read) + len(self.written) > 2 * MOST:
            return
        path, mode, flags = arguments[:3]
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        try:
            name = os.path.abspath(os.fsdecode(path))
        except (OSError, ValueError):
            return
        if name.startswith(OWN) or name.endswith((".py", ".pyc", ".so")):
            return
        writes = (isinstance(mode, str) and bool(set("wax+") & set(mode))) or (
            isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR)))
        is_kept = not ((isinstance(mode, str) and bool(set("wx") & set(mode)))
                       or (isinstance(flags, int) and bool(flags & os.O_TRUNC)))
        if is_kept and name not in self.written and len(self.read) < MOST \
                and os.path.isfile(name):
            self.read[name] = None
        if writes and len(self.written) < MOST:
            self.written[name] = None
