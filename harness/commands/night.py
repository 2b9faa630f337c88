"""The command that ends a night: compare, confirm, tell; or say at once that nothing changed.

Outside half; what compares and reports is imported when there is something to compare.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from harness.commands.parameters import Here
from harness.environments import names
from harness.errors import MATCH, HarnessError, UsageError
from harness.escaping import say
from harness.files import lock
from harness.history import unchanged
from harness.history.night import now
from harness.history.unchanged import Silent
from harness.records import manifest
from harness.records.paths import Paths


def nightly(*merged: Path, here: Here, label: str = "nightly",
            confirmed: Sequence[Path] = ()) -> int:
    """Compare what was measured tonight, confirm alarms, and write what a night leaves.

    Args:
        merged: runs of other machines, folders or zips, to merge first.
        label: of tox.ini; which environments are expected; nightly, if not given.
        confirmed: what another machine measured once more for this night; can be given more
            than once.
    """
    paths = Paths(here.root)
    expected = names.labelled(paths.root, label)
    if not expected:
        raise UsageError(f"the label {label!r} names no environment", "tox.ini",
                         next_command="harness nightly --label nightly")
    name = manifest.night()
    if name is None:
        raise UsageError("nobody says which night this is", manifest.NIGHT, "not set",
                         f"tox run -m nightly; or one {manifest.NIGHT} for all that measures and "
                         "for this")
    try:
        with lock(paths.lock_path("nightly"), "harness nightly", waits=True):
            return _end(paths, expected, name, merged, confirmed)
    except OSError as error:
        raise HarnessError("the night cannot be kept", str(error.filename or paths.root),
                           str(error.strerror or error),
                           f"ls -ld {paths.root / 'results'}; df {paths.root}") from None


def _end(paths: Paths, expected: list[str], name: str, merged: Sequence[Path],
         confirmed: Sequence[Path]) -> int:
    """End the night, as the only one that does in this checkout."""
    at = now()
    state = None if merged else unchanged.digest(paths, expected, name, at[:10])
    before = unchanged.last(paths, state)
    again = _repeat(paths, before, at) if before else None
    if again is not None:
        say(again.said)
        return MATCH
    return _compare(paths, expected, name, state, merged, confirmed)


def _repeat(paths: Paths, before: Silent, at: str) -> Silent | None:
    """Keep the last night once more; return it, or None where that is impossible."""
    from harness.history import history

    try:
        again = unchanged.repeat(paths, before, at)
        history.repeat(history.path_of(paths), at, unchanged.commit(paths.root))
    except (HarnessError, OSError):
        return None
    unchanged.keep(paths, again)
    return again


def _compare(paths: Paths, expected: list[str], name: str, state: str | None,
             merged: Sequence[Path], confirmed: Sequence[Path]) -> int:
    from rich.constrain import Constrain

    from harness.commands.tables import blocks
    from harness.commands.tables.terminal import show
    from harness.nightly import job, outputs, summary
    from harness.nightly.confirmation import Outcome
    from harness.records.project import Project
    from harness.report.changes import causes

    project = Project(paths.root)
    try:
        night = job.run(project, expected, name, merged, list(confirmed) or None)
    except UsageError:
        raise
    except Exception as error:  # the night is told of, whatever ended it
        if not isinstance(error, HarnessError):
            say(traceback.format_exc(), sys.stderr, end="")
        night = job.broken(expected, error)
    written = outputs.write(project, night)
    lines = summary.lines(night)
    is_silent = night.outcome == "silent"
    unchanged.keep(paths, Silent(state, night.at, "\n".join(lines))
                   if is_silent and state is not None else None)
    say(lines[0])
    confirmed_names = {found.alarm.environment for found in night.having(Outcome.CONFIRMED)}
    for block in blocks.render(causes(night.report, confirmed_names)):
        show(Constrain(block, blocks.READABLE))
    say("\n".join(lines[1:]), end="\n" if lines[1:] else "")
    if not is_silent:
        say("written: " + ", ".join(str(path.relative_to(project.root)) for path in written))
    return night.exit_code
