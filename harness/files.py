"""Files: atomic writes and locks for what two processes want at once, and hashes.

Inside half: standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path
from typing import Callable, Iterator, Mapping

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


TEMPORARY = ".tmp"
"""How the name of a file ends that is not whole yet; the name also begins with a dot."""


def write_text(path: Path, text: str) -> None:
    """Write a file so that readers see the old content or the new, never a part."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old content or the new, never a part."""
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = _own(
            lambda: tempfile.mkstemp(TEMPORARY, f".{path.name}.", str(path.parent)))
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
                os.chmod(name, 0o644)
                os.replace(name, str(path))
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Make a folder in a folder, to be used until the block ends, and remove it then."""
    folder.mkdir(parents=True, exist_ok=True)

    def make() -> tuple[int, str]:
        name = tempfile.mkdtemp(TEMPORARY, ".scratch.", str(folder))
        return os.open(name, os.O_RDONLY), name

    handle, name = _own(make)
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what killed processes left below a folder: temporary files that nobody locks."""
    for path in temporary(folder):
        with contextlib.suppress(OSError):  # it is gone, or its owner is at work
            handle = os.open(str(path), os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.is_dir():
                    shutil.rmtree(str(path))
                else:
                    path.unlink()
            finally:
                os.close(handle)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error of the system name the file that was wanted; a full disk names none."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def temporary(folder: Path) -> list[Path]:
    """Return the temporary files and folders below a folder, whatever goes on there meanwhile."""
    found = []
    for top, folders, names in os.walk(str(folder)):  # passes over what is gone
        own = [name for name in (*folders, *names) if name.startswith(".")
               and name.endswith(TEMPORARY)]
        found += [Path(top) / name for name in own]
        folders[:] = [name for name in folders if name not in own]
    return found


def _own(make: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    """Make a temporary file and lock it, which tells ``sweep`` that its owner lives.

    Returns:
        Its open handle and its name.
    """
    while True:
        handle, name = make()
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):
            return handle, name
        os.close(handle)  # swept before it was locked


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return files as one zip; equal files give equal bytes.

    Args:
        members: content by name.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name in sorted(members):
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(member, members[name])
    return content.getvalue()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as ``sha256sum`` prints it."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


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
    with contextlib.ExitStack() as stack:
        with _naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = stack.enter_context(path.open("ab+", buffering=0))
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except OSError:
            stream.seek(0)
            raise LockedError(f"another process is at work: {what}", str(path),
                              stream.read().decode("utf-8", "replace").strip(),
                              "wait for it to end") from None
        with _naming(path):
            stream.truncate(0)
            stream.write(f"process {os.getpid()}\n".encode())
        yield
