"""Measuring on a Dask cluster: a run's work as commands, and what they leave taken in here.

Outside half. A task is a run of the measuring half in its environment: one case, or some seeds of
its native runs, so that a framework's import is paid once for all of them.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from harness.environments import scale
from harness.environments.cluster_worker import Outcome, Task
from harness.errors import FAILURE, MATCH, HarnessError, RecordError
from harness.escaping import say
from harness.files import lock, write_text
from harness.measure import native_runs
from harness.measure.supervisor import Work
from harness.records import native_record
from harness.records.project import Project

APART = ("locks", "manifests")
"""Folders below runs that a machine keeps for itself."""


def run(project: Project, pieces: Mapping[str, Sequence[Work]], variants: Sequence[str],
        address: str, timeout: float) -> int:
    """Measure pieces of work on a cluster, and take in what comes back; return the exit code.

    Args:
        pieces: by environment.
        variants: patterns that chose them.
        address: of a scheduler, or ``local:N``.
        timeout: seconds without any progress after which a framework hangs.

    Raises:
        LockedError: another run of one of the environments is under way.
        HarnessError: the cluster cannot measure; see ``scale.run``.
    """
    intake = Intake(project)
    cases = sorted({work.case for some in pieces.values() for work in some})
    with contextlib.ExitStack() as stack:
        for name in pieces:
            stack.enter_context(lock(project.lock_path(name), "harness run --scheduler"))
        scale.run(project, cases, address, timeout,
                  lambda threads: plan(pieces, variants, threads), intake.take)
    return intake.code


def plan(pieces: Mapping[str, Sequence[Work]], variants: Sequence[str],
         threads: int) -> list[Task]:
    """Return the commands that do all pieces of work, in their order.

    Args:
        variants: patterns that chose them.
        threads: of all Dask workers; seeds of a case are shared out among them.
    """
    chosen = tuple(word for pattern in variants for word in ("--variant", pattern))
    tasks = []
    for name, some in pieces.items():
        if any(work.fault for work in some):
            tasks.append(Task(name, ("--faults",), "faults"))
            continue
        seeds: dict[str, set[int]] = defaultdict(set)
        for work in some:
            if work.seed is None:
                tasks.append(Task(name, (work.case, *chosen), work.case))
            else:
                seeds[work.case].add(work.seed)
        for case, found in seeds.items():
            tasks += [Task(name, (case, "--native", "--seeds", f"{part[0]}-{part[-1]}", *chosen),
                           f"{case} seeds {part[0]} to {part[-1]}")
                      for part in _shares(sorted(found), threads)]
    return tasks


def _shares(seeds: Sequence[int], count: int) -> list[Sequence[int]]:
    """Return consecutive seeds in shares of about the same size."""
    ends = [round(len(seeds) * number / count) for number in range(count + 1)]
    return [seeds[start:end] for start, end in itertools.pairwise(ends) if start < end]


class Intake:
    """What tasks leave becomes this machine's own runs.

    Args:
        project: whose runs.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.code = MATCH
        self.begun: set[tuple[str, str]] = set()

    def take(self, task: Task, outcome: Outcome) -> None:
        """Write what a task left, and say what it said."""
        say(outcome.said, end="")
        if outcome.code:
            self.code = FAILURE
            why = outcome.errors.strip() or f"its run ended with {outcome.code}"
            say(f"{task.environment}  {task.label} failed: {why}", sys.stderr)
        for name, content in outcome.files.items():
            self._put(PurePosixPath(name), content)
        if outcome.code and task.words[0] in self.project.case_names() and not any(
                name.endswith(".failed.txt") for name in outcome.files):
            write_text(self.project.failure_path(task.words[0], task.environment), why)

    def _put(self, name: PurePosixPath, content: bytes) -> None:
        """Write one file where a run here writes it; native runs join those of other seeds."""
        if name.parts[0] in APART:
            return
        home, parts = self.project, name.parts
        if parts[0] == "faults":
            home, parts = self.project.under(parts[1]), parts[2:]
        target = home.runs.joinpath(*parts)
        if not target.resolve().is_relative_to(home.runs.resolve()):
            raise RecordError("a Dask worker names a file outside the runs", str(name))
        text = content.decode("utf-8", "replace")
        if parts[0] == "logs" and target.exists():
            text = target.read_text("utf-8", "replace") + text
        if len(parts) == 3 and parts[1] == "native":
            self._join(home, parts[0], target.stem, text)
        else:
            write_text(target, text)
            self._end_failure(home, parts)

    def _join(self, home: Project, case: str, environment: str, text: str) -> None:
        """Take some seeds of native runs in: the first of this run replace the last run's."""
        path = home.native_run_path(case, environment)
        if (case, environment) not in self.begun:
            self.begun.add((case, environment))
            path.unlink(missing_ok=True)
        part = home.native_partial_path(case, environment)
        write_text(part, text)
        record = native_record.reopen(part)
        part.unlink()
        if (apart := native_runs.settle(home, record)) is not None:
            raise HarnessError("seeds of one run do not fit each other", str(path), apart)

    def _end_failure(self, home: Project, parts: Sequence[str]) -> None:
        """Remove what says why the last run of a case left no record, where this one left one."""
        if len(parts) == 2 and parts[1].endswith(".json"):
            home.failure_path(parts[0], parts[1].removesuffix(".json")).unlink(missing_ok=True)
