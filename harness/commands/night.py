"""The command that ends a night: compare, confirm, tell; or say at once that nothing changed.

Outside half; what compares and reports is imported when there is something to compare.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import environments, provenance, unchanged
from harness.errors import MATCH, HarnessError
from harness.escaping import say
from harness.paths import Paths


def nightly(paths: Paths, options: argparse.Namespace) -> int:
    """Compare what was measured tonight, confirm alarms, and write what a night leaves."""
    expected = environments.labelled(paths.root, options.label)
    state = None if options.merged else unchanged.digest(paths, expected, unchanged.started())
    said = unchanged.last(paths, state)
    if said is not None and _repeat(paths):
        say(said)
        return MATCH
    return _compare(paths, options, state)


def _repeat(paths: Paths) -> bool:
    """Keep the last night once more; return whether that was possible."""
    from harness import history

    try:
        history.repeat(history.path_of(paths), provenance.now(), unchanged.commit(paths.root))
        return True
    except HarnessError:
        return False


def _compare(paths: Paths, options: argparse.Namespace, state: str | None) -> int:
    from harness import nightly as job
    from harness import outputs, summary
    from harness.project import Project

    project = Project(paths.root)
    night = job.run(project, options.label, [Path(name) for name in options.merged or ()])
    written = outputs.write(project, night)
    lines = summary.lines(night)
    say("\n".join(lines))
    is_silent = night.outcome == "silent"
    unchanged.keep(paths, state if is_silent else None, "\n".join(lines))
    if not is_silent:
        say("written: " + ", ".join(str(path.relative_to(project.root)) for path in written))
    return night.exit_code
