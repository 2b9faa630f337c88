"""The command that ends a night: compare, confirm, tell; or say at once that nothing changed.

Outside half; what compares and reports is imported when there is something to compare.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harness import environments, provenance, unchanged
from harness.errors import MATCH, HarnessError
from harness.paths import Paths


def nightly(paths: Paths, options: argparse.Namespace) -> int:
    """Compare what was measured tonight, confirm alarms, and write what a night leaves."""
    expected = environments.labelled(paths.root, options.label)
    state = None if options.merged else unchanged.digest(paths, expected, unchanged.started())
    said = unchanged.last(paths, state)
    if said is not None and _repeat(paths):
        print(said)
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
    from rich.constrain import Constrain

    from harness import blocks, outputs, summary
    from harness import nightly as job
    from harness.commands.terminal import show
    from harness.confirmation import Outcome
    from harness.project import Project

    project = Project(paths.root)
    night = job.run(project, options.label, [Path(name) for name in options.merged or ()])
    written = outputs.write(project, night)
    lines = summary.lines(night)
    print(lines[0])
    confirmed = {found.alarm.environment for found in night.having(Outcome.CONFIRMED)}
    for block in blocks.render(blocks.causes(night.report, confirmed)):
        show(Constrain(block, blocks.READABLE))
    print("\n".join(lines[1:]), end="\n" if lines[1:] else "")
    is_silent = night.outcome == "silent"
    unchanged.keep(paths, state if is_silent else None, "\n".join(lines))
    if not is_silent:
        print("written: " + ", ".join(str(path.relative_to(project.root)) for path in written))
    return night.exit_code
