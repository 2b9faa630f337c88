"""Files: atomic writes and locks for what two processes want at once, and hashes.

Inside half: standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Iterator

from harness.errors import LockedError


def write_text(path: Path, text: str) -> None:
    """Write a file so that readers see the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=str(path.parent), prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, str(path))
    except BaseException:
        os.unlink(name)
        raise


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as ``sha256sum`` prints it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def lock(path: Path, what: str, waits: bool = False) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` until the block ends or the process dies.

    Args:
        path: the lock file; it stays, empty of meaning once unlocked.
        what: what is being done, for the other process's message.
        waits: until another process that holds it lets go, however long that takes.

    Raises:
        LockedError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except OSError:
            stream.seek(0)
            raise LockedError(f"another process is at work: {what}", str(path),
                              stream.read().strip(), "wait for it to end") from None
        stream.seek(0)
        stream.truncate()
        stream.write(f"process {os.getpid()}\n")
        stream.flush()
        yield
