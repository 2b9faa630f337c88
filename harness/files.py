"""Files: atomic writes and locks for what two processes want at once, and hashes.

Inside half: standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Iterator

from harness.errors import LockedError, MissingRecordError, RecordError

LARGEST = 16 * 2**20
"""Bytes of a file that are read; the largest record of the canonical cases has 3 million."""


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """Return the bytes of a regular file that has a bearable size.

    A named pipe does not block, and a device that never ends is not read.

    Args:
        largest: number of bytes.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is no regular file, too large, or cannot be read.
    """
    try:
        with open(os.open(str(path), os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise RecordError("no regular file", str(path), stat.filemode(status.st_mode))
            data = stream.read(largest + 1) if status.st_size <= largest else b""
    except FileNotFoundError:
        raise MissingRecordError("no such file", str(path)) from None
    except (OSError, ValueError) as error:  # a null character in the path
        raise RecordError(f"unreadable file: {error}", str(path)) from None
    size = max(status.st_size, len(data))
    if size > largest:
        raise RecordError("the file is too large", str(path),
                          f"{size} bytes, at most {largest} are read")
    return data


def read_text(path: Path, largest: int = LARGEST) -> str:
    """Return the text of a regular file in UTF-8, as ``read_bytes`` does.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it cannot be read, or is no text.
    """
    try:
        return read_bytes(path, largest).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"unreadable file: no text in UTF-8: {error}", str(path)) from None


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
    return hashlib.sha256(read_bytes(path)).hexdigest()


@contextlib.contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` until the block ends or the process dies.

    Args:
        path: the lock file; it stays, empty of meaning once unlocked.
        what: what is being done, for the other process's message.

    Raises:
        LockedError: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.seek(0)
            raise LockedError(f"another process is at work: {what}", str(path),
                              stream.read().strip(), "wait for it to end") from None
        stream.seek(0)
        stream.truncate()
        stream.write(f"process {os.getpid()}\n")
        stream.flush()
        yield
