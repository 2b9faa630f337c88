"""Running ``harness run`` in pinned environments, from the outside half, through tox.

Outside half.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness import leash
from harness.environments.names import labelled, pinned
from harness.errors import HarnessError, unknown
from harness.records.environment import REFERENCE, require
from harness.records.project import Project


def run_each(root: Path, environments: Sequence[str], *arguments: str) -> None:
    """Run in each environment, or in those of the quick matrix that have a framework.

    Raises:
        UsageError: an environment is not pinned.
        HarnessError: in one of them something could not be measured; the others ran.
    """
    frameworks = [name for name in pinned(root) if require(name).adapter != REFERENCE]
    quick = [name for name in labelled(root, "quick") if name in frameworks]
    for name in environments:
        if name not in frameworks:
            raise unknown("pinned environment", name, frameworks)
    failed = [name for name in environments or quick if run(root, name, *arguments)]
    if failed:
        raise HarnessError("not everything could be measured", ", ".join(failed),
                           next_command=f"tox run -e {failed[0]}")


def measure_again(environment: str, cases: Sequence[str], project: Project, native: bool) -> None:
    """Measure cases in one environment afresh, into the project's own folder of runs.

    What could not be measured is missing from that folder; there is no other sign of it.

    Args:
        native: train natively as well.
    """
    folder = ("--runs", str(project.runs))
    run(project.root, environment, *cases, "--again", *folder)
    if native:
        run(project.root, environment, *cases, "--again", "--native", *folder)


def run(root: Path, environment: str, *arguments: str) -> int:
    """Run in one environment, made if need be; return the exit code.

    Nothing that was started here goes on when this process ends.
    """
    command = ["tox", "exec", "-q", "-e", environment, "--", "python", "-m", "harness", "run",
               "--environment", environment, *arguments]
    process = leash.start(command, cwd=root)
    try:
        return leash.wait(process)
    finally:
        leash.end(process)
