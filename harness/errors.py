"""The errors a user can meet, each with its exit code.

Inside half: standard library only. A difference between two trainings is a
value (a finding); being unable to measure or to compare is an exception.
"""

from __future__ import annotations

import difflib
import errno
import re
import traceback
from pathlib import Path
from typing import Iterable

MATCH, DIFFERENCE, USAGE, FAILURE = 0, 1, 2, 3
"""Exit codes: match, a difference that is not waived, wrong use, could not run."""
LINES_SHOWN = 20
"""Of what a failed program said last."""
TRACEBACK = "HARNESS_TRACEBACK"
"""Variable that has an error that nobody expected shown with all of its traceback."""


class HarnessError(Exception):
    """Something kept the harness from measuring or comparing.

    Args:
        what: one sentence that names the problem.
        where: the file, case, variant or environment it concerns.
        numbers: what was found against what is allowed, or the known names.
        next_command: what to type next.
    """

    exit_code = FAILURE

    def __init__(
        self, what: str, where: str = "", numbers: str = "", next_command: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.numbers = numbers
        self.next_command = next_command

    def __str__(self) -> str:
        parts = [self.what]
        parts += [f"  where: {self.where}"] if self.where else []
        parts += [f"  found: {self.numbers}"] if self.numbers else []
        parts += [f"  next:  {self.next_command}"] if self.next_command else []
        return "\n".join(parts)


class UsageError(HarnessError):
    """The command names something that does not exist, or selects nothing."""

    exit_code = USAGE


class RecordError(HarnessError):
    """A record cannot be read: truncated, malformed, of another format version."""


class InputMismatchError(RecordError):
    """A record was measured on other data or other initial weights."""


class MissingRecordError(HarnessError):
    """There is no such run or baseline yet."""


class IncomparableError(HarnessError):
    """Two records were measured under settings that choose another algorithm."""


class WorkerError(HarnessError):
    """A worker crashed, hung, was killed, or could not import its framework."""


class LockedError(HarnessError):
    """Another process is writing what this one wants to write."""


class UnsupportedError(HarnessError):
    """An adapter cannot express a variant; said and counted, never skipped."""


class Stopped(KeyboardInterrupt):
    """A signal asks this process to end.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def last_lines(text: str) -> str:
    """Return the last lines of a text that say anything."""
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-LINES_SHOWN:])


def last_words(text: str, kept: str = "") -> str:
    """Return what a process said last on standard error.

    Args:
        kept: where all of it is.
    """
    shown = last_lines(text).splitlines()
    if not shown:
        return "it said nothing on standard error"
    rest = f" ({len(text.splitlines())} in {kept})" if kept else ""
    return "\n".join([f"last lines of its standard error{rest}:",
                      *(f"    {line}" for line in shown)])


def unknown(kind: str, name: str, known: Iterable[str], where: str = "",
            next_command: str = "harness list") -> UsageError:
    """Return the error for a name that does not exist, listing those that do."""
    return UsageError(f"unknown {kind} {name!r}", where, candidates(name, known), next_command)


def candidates(name: str, known: Iterable[str]) -> str:
    """Return in words what a name could have been: the nearest first, then all that are known.

    Args:
        known: names that exist, in any order; of a framework's name or version only that
            framework's versions are listed, if there are any.
    """
    names = sorted(set(known), key=_in_order)
    close, family = nearest(name, names), _versions(name, names)
    parts = [f"nearest: {', '.join(close)}"] if close else []
    return "; ".join([*parts, f"known: {', '.join(family or names) or 'none'}"])


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that one probably meant, the likeliest first; often none.

    Of a framework's version that is the version beside it with the longer common beginning,
    the older one if both are alike; of a framework the newest; of anything else what is
    spelled alike.
    """
    names = sorted(set(known), key=_in_order)
    version, family = _version(name), _versions(name, names)
    if not family:
        return difflib.get_close_matches(name, names, n=3)
    if not version:
        return family[-1:]
    older = [other for other in family if _version(other) <= version][-1:]
    newer = [other for other in family if _version(other) > version][:1]
    return sorted([*older, *newer], key=lambda other: -_common(version, _version(other)))[:1]


def _versions(name: str, names: list[str]) -> list[str]:
    """Return the versions of the framework that a name names, in the order of the names."""
    return [other for other in names if _family(other) == _family(name) and _version(other)]


def _family(name: str) -> str:
    return name.partition("-")[0]


def _version(name: str) -> list[int]:
    """Return the numbers of ``torch-2.13.0``; none of a name that is no version."""
    found = re.match(r"[a-z]+-(\d+(?:\.\d+)*)", name)
    return [int(number) for number in found[1].split(".")] if found else []


def _common(one: list[int], other: list[int]) -> int:
    """Return how many numbers two versions begin with alike."""
    return next((i for i, (a, b) in enumerate(zip(one, other)) if a != b),
                min(len(one), len(other)))


def _in_order(name: str) -> list[tuple[bool, int, str]]:
    """Return a key by which numbers inside names are ordered as numbers."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part)
            for part in re.split(r"(\d+)", name)]


def locate(error: BaseException, inside: Path) -> str:
    """Return the last file and line that an error came by: ``cases/xor.py:7``.

    Args:
        inside: the file, or a folder of files, to look in.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if inside in (Path(frame.filename), *Path(frame.filename).parents)]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(inside)


def explain(error: Exception) -> HarnessError:
    """Return in four parts why the harness could not go on.

    Args:
        error: what nothing else has caught.
    """
    if isinstance(error, HarnessError):
        return error
    if isinstance(error, BrokenPipeError) and not error.filename:
        return HarnessError("whoever reads what this command prints has stopped reading",
                            "standard output", "not everything was printed; what is kept in "
                            "files is there", "the same command, without cutting off its output")
    if isinstance(error, OSError):
        return _refused(error)
    return HarnessError(f"an error that nobody expected: {type(error).__name__}",
                        locate(error, inside=Path(__file__).parent), str(error),
                        f"{TRACEBACK}=1 before the same command shows all of it")


def _refused(error: OSError) -> HarnessError:
    """Return in four parts what the system did not let the harness do."""
    place = locate(error, inside=Path(__file__).parent)
    file = Path(place.rpartition(":")[0])
    is_printing = "commands" in file.parts or file.name == "escaping.py"
    where = str(error.filename or ("standard output" if is_printing else place))
    what, next_command = {
        errno.ENOSPC: ("the disk is full", "free some space"),
        errno.EDQUOT: ("the disk quota is used up", "free some space"),
        errno.EFBIG: ("the file is larger than this process may write", "ulimit -f unlimited"),
        errno.EROFS: ("the file system is read-only", "mount it for writing"),
        errno.EACCES: ("this user may not read or write there", f"ls -ld '{where}'"),
        errno.EPERM: ("this user may not do that there", f"ls -ld '{where}'"),
        errno.EMFILE: ("too many files are open", "ulimit -n 4096"),
        errno.ENOMEM: ("there is not enough memory", "close other programs"),
    }.get(error.errno or 0, ("a file could not be read or written", f"ls -ld '{where}'"))
    return HarnessError(what, where, f"{type(error).__name__}: {error.strerror or error}",
                        f"{next_command}, then the same command")
