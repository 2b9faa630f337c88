"""The errors a user can meet, each with its exit code.

Inside half: standard library only. A difference between two trainings is a
value (a finding); being unable to measure or to compare is an exception.
"""

from __future__ import annotations

MATCH, DIFFERENCE, USAGE, FAILURE = 0, 1, 2, 3
"""Exit codes: match, a difference that is not waived, wrong use, could not run."""


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


def unknown(kind: str, name: str, known: list[str]) -> UsageError:
    """Return the error for a name that does not exist, listing those that do."""
    listed = ", ".join(sorted(known)) or "none"
    return UsageError(f"unknown {kind} {name!r}", numbers=f"known: {listed}",
                      next_command="harness list")
