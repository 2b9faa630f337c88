"""Undo: what the last accept replaced, so that it can be taken back to the byte.

Outside half. The caller holds the lock of ``accept``. Whenever a process dies, every baseline
can be read: contents are back before the heads that name them, and go after them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.errors import HarnessError, MissingRecordError, RecordError, UsageError
from harness.files import read_bytes, sha256, write_bytes
from harness.records.paths import CONTENT, Paths


class Replaced(msgspec.Struct):
    """What one accept replaced.

    Args:
        what: was accepted.
        before: every file that it could write, by its path in the checkout, in base64 in the
            JSON; None for one that was not there.
        after: SHA-256 of each when the accept had ended; None until then.
    """

    what: str
    before: dict[str, bytes | None]
    after: dict[str, str | None] | None = None


LARGEST = 2**28
"""Bytes of all that one accept may have replaced; the whole matrix has 4 million."""
_decoder = msgspec.json.Decoder(Replaced)


def path_of(paths: Paths) -> Path:
    """Return the file that keeps what the last accept replaced; git ignores it."""
    return paths.root / "results" / "undo.json"


def keep(paths: Paths, what: str, files: Iterable[Path]) -> None:
    """Keep files as they are, before an accept replaces them.

    Args:
        what: is accepted, for whoever takes it back.
        files: that it may write, delete or create.
    """
    _write(paths, Replaced(what, {_relative(paths, path): _bytes(path) for path in files}))


def finish(paths: Paths) -> None:
    """Write down what the accept has left, so that nothing later is taken back with it."""
    kept = _read(paths)
    kept.after = {name: _digest(paths.root / name) for name in kept.before}
    _write(paths, kept)


def take_back(paths: Paths) -> tuple[str, list[Path]]:
    """Take the last accept back.

    Returns:
        What had been accepted, and the files that are as they were.

    Raises:
        UsageError: there is nothing to take back.
        HarnessError: the baselines have changed since.
    """
    kept = _read(paths)
    before = {paths.root / name: data for name, data in kept.before.items()}
    changed = [paths.root / name for name, digest in (kept.after or {}).items()
               if _digest(paths.root / name) != digest
               and _bytes(paths.root / name) != kept.before[name]]
    if changed:
        raise HarnessError("baselines have changed since the last accept", str(changed[0]),
                           f"{len(changed)} of {len(before)} files", "git diff results/baselines")
    _write(paths, Replaced(kept.what, kept.before))  # from here on it can be done once more
    contents = [path for path in before if path.parent.parent.name == CONTENT]
    lost = [path for path in contents if not path.exists()]
    heads = [path for path in before if path not in contents]
    for path in (*lost, *heads, *contents):
        _restore(path, before[path])
    path_of(paths).unlink()
    return kept.what, list(before)


def _restore(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
    elif _bytes(path) != data:
        write_bytes(path, data)


def _digest(path: Path) -> str | None:
    return sha256(path) if path.exists() else None


def _bytes(path: Path) -> bytes | None:
    try:
        return read_bytes(path)
    except MissingRecordError:
        return None


def _relative(paths: Paths, path: Path) -> str:
    return path.relative_to(paths.root).as_posix()


def _write(paths: Paths, kept: Replaced) -> None:
    write_bytes(path_of(paths), msgspec.json.encode(kept))


def _read(paths: Paths) -> Replaced:
    path = path_of(paths)
    try:
        kept = _decoder.decode(read_bytes(path, LARGEST))
        home = paths.baselines.resolve()
        if not all((paths.root / name).resolve().is_relative_to(home) for name in kept.before):
            raise ValueError("it names a file that is no baseline")
        return kept
    except MissingRecordError:
        raise UsageError("there is no accept to take back", str(path),
                         next_command="git log results/baselines") from None
    except (OSError, RecordError, ValueError, RecursionError) as error:
        raise HarnessError("what the last accept replaced cannot be read", str(path), str(error),
                           "git checkout results/baselines") from None
