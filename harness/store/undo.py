"""Undo: what the last accept replaced, so that it can be taken back to the byte.

Outside half. The caller holds the lock of ``accept``. Whenever a process dies, every baseline
can be read: contents are never taken away before the heads that name them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.errors import HarnessError, MissingRecordError, RecordError, UsageError
from harness.files import read_bytes, read_text, sha256, write_text
from harness.records.paths import Paths


@dataclass
class Replaced:
    """What one accept replaced.

    Args:
        what: was accepted.
        before: text of every file that it could write, by its path in the checkout; None for
            one that was not there.
        after: SHA-256 of each when the accept had ended; None until then.
    """

    what: str
    before: dict[str, str | None]
    after: dict[str, str | None] | None = None


LARGEST = 2**28
"""Bytes of all that one accept may have replaced; the whole matrix has 4 million."""
CONTENTS = ".jsonl"
"""How the name of a file of shared contents ends."""


def path_of(paths: Paths) -> Path:
    """Return the file that keeps what the last accept replaced; git ignores it."""
    return paths.root / "results" / "undo.json"


def keep(paths: Paths, what: str, files: Iterable[Path]) -> None:
    """Keep files as they are, before an accept replaces them.

    Args:
        what: is accepted, for whoever takes it back.
        files: that it may write, delete or create.
    """
    _write(paths, Replaced(what, {_relative(paths, path): _text(path) for path in files}))


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
    before = {paths.root / name: text for name, text in kept.before.items()}
    changed = [paths.root / name for name, digest in (kept.after or {}).items()
               if _digest(paths.root / name) != digest
               and _text(paths.root / name) != kept.before[name]]
    if changed:
        raise HarnessError("baselines have changed since the last accept", str(changed[0]),
                           f"{len(changed)} of {len(before)} files", "git diff results/baselines")
    _write(paths, Replaced(kept.what, kept.before))  # from here on it can be done once more
    contents = {path: text for path, text in before.items() if path.suffix == CONTENTS}
    for path, text in contents.items():
        _restore(path, _united(path, text))
    for path, text in before.items():
        if path not in contents:
            _restore(path, text)
    for path, text in contents.items():
        _restore(path, text)
    path_of(paths).unlink()
    return kept.what, list(before)


def _united(path: Path, before: str | None) -> str | None:
    """Return what is there and what was: the last line of a key counts, and every key is there."""
    now = _text(path)
    return now if before is None or now is None else now + before


def _restore(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
    else:
        write_text(path, text)


def _digest(path: Path) -> str | None:
    return sha256(path) if path.exists() else None


def _text(path: Path) -> str | None:
    try:  # a file that is no UTF-8 is damaged, and no baseline
        return read_bytes(path).decode("utf-8", "replace")
    except MissingRecordError:
        return None


def _relative(paths: Paths, path: Path) -> str:
    return path.relative_to(paths.root).as_posix()


def _write(paths: Paths, kept: Replaced) -> None:
    write_text(path_of(paths), json.dumps(asdict(kept)) + "\n")


def _read(paths: Paths) -> Replaced:
    path = path_of(paths)
    try:
        kept = Replaced(**json.loads(read_text(path, LARGEST)))
        home = paths.baselines.resolve()
        if not all((paths.root / name).resolve().is_relative_to(home) for name in kept.before):
            raise ValueError("it names a file that is no baseline")
        return kept
    except MissingRecordError:
        raise UsageError("there is no accept to take back", str(path),
                         next_command="git log results/baselines") from None
    except (OSError, RecordError, ValueError, TypeError, RecursionError) as error:
        raise HarnessError("what the last accept replaced cannot be read", str(path), str(error),
                           "git checkout results/baselines") from None
