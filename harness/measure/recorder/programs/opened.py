"""The files that a program opens: what another run finds changed if it comes after this one.

Inside half: standard library only. Python tells of every file that is opened through it, also
by the libraries that training saves its checkpoints with.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

MOST = 200
"""Files of each kind that are kept."""
INSTALLED = tuple(f"{path}{os.sep}" for path in dict.fromkeys([
    Path(sys.prefix), Path(sys.base_prefix), Path(os.__file__).parent, Path(__file__).parents[3]]))
"""Folders of Python, of what is installed, and of this package."""
OWN = INSTALLED + tuple(f"{path}{os.sep}" for path in [
    Path("/proc"), Path("/sys"), Path("/dev"), Path.home() / ".cache", Path.home() / ".config"])
"""Folders of what Python, packages and the system open for themselves."""

TICK = 0.05
"""Seconds by which the time of a file may lag behind the clock."""
SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/lib", "/lib64", "/usr/lib", "/usr/lib64",
          "/usr/share")
"""Folders of the system, of which a machine's own digest tells."""
PROCESSES = {"subprocess.Popen": "another program", "os.system": "another program",
             "os.exec": "another program", "os.posix_spawn": "another process",
             "os.spawn": "another process", "os.fork": "another process",
             "os.forkpty": "another process"}
"""What Python tells of processes, whose files are not heard of."""
MOST_USED = 8
"""What is used outside of a program's folder that is named."""


class Opened:
    """Notes which files are read that the program itself did not write before, and which written.

    Libraries that write in C are not heard of; so a file that changed since the program began
    counts as its own.

    Args:
        read, written: absolute paths, in the order in which they were opened first.
    """

    def __init__(self) -> None:
        self.read: dict[str, None] = {}
        self.written: dict[str, None] = {}
        self._began = time.time() - TICK

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
                and self._was_there(name):
            self.read[name] = None
        if writes and len(self.written) < MOST:
            self.written[name] = None

    def _was_there(self, name: str) -> bool:
        """Return whether a file is as it was when the program began."""
        try:
            return os.path.isfile(name) and os.stat(name).st_mtime < self._began
        except OSError:
            return False


class Outside:
    """Notes what a program uses that does not lie in its folder and is not installed.

    Such a thing may be another one the next time, though nothing of the program has changed.

    Args:
        folder: that the program runs in.
        used: files, addresses and processes, each in a few words.
    """

    def __init__(self, folder: str) -> None:
        places = [folder, os.environ.get("TMPDIR") or folder, sys.prefix, sys.base_prefix,
                  os.path.dirname(os.__file__), str(Path(__file__).parents[3]), *SYSTEM]
        self.known = tuple(f"{os.path.realpath(place)}{os.sep}" for place in places)
        self.used: dict[str, None] = {}
        self._process = os.getpid()

    def install(self) -> None:
        """Have Python tell of every file, connection and process; that cannot be taken back."""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if len(self.used) >= MOST_USED or os.getpid() != self._process:
            return
        if event in PROCESSES:
            self.used[PROCESSES[event]] = None
        elif event == "socket.connect" and len(arguments) > 1 \
                and isinstance(arguments[1], tuple):  # a local socket has a path
            self.used["the network"] = None
        elif event in ("open", "sqlite3.connect") and arguments \
                and isinstance(arguments[0], (str, bytes, os.PathLike)):
            self._hear_file(arguments[0])

    def _hear_file(self, path: str | bytes | os.PathLike[str]) -> None:
        try:
            name = os.path.realpath(os.fsdecode(path))
            if not name.startswith(self.known) and os.path.isfile(name):
                self.used[f"the file {name}"] = None
        except (OSError, ValueError):
            return
