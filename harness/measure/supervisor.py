"""The supervisor: gives work to workers, watches them, and says why one failed.

Inside half: standard library only; it runs in the pinned environment beside the
workers, one for every core. Work that kills or hangs its worker is marked as failed,
with the end of the worker's standard error, and a new worker goes on with the rest.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Callable, Iterator

from harness.errors import UsageError, WorkerError
from harness.files import lock, sweep, write_text
from harness.measure import partial
from harness.measure.process import Event, Refused, WorkerProcess, explain
from harness.records.project import Project

PATIENCE = 0.5
"""Seconds to wait for a thread before looking whether a signal has come."""


@dataclass(frozen=True)
class Work:
    """One piece of work: what a worker measures in one go.

    Args:
        case: its name.
        variants: shell patterns; empty for all.
        fault: to train under; None for none.
        seed: of a native run; None for injected weights.
    """

    case: str
    variants: tuple[str, ...] = ()
    fault: str | None = None
    seed: int | None = None

    def __str__(self) -> str:
        parts = [self.fault, self.case, None if self.seed is None else f"seed {self.seed}"]
        return " ".join(part for part in parts if part)


@dataclass
class Run:
    """One ``harness run``: what is still pending, what was recorded, what has failed."""

    project: Project
    environment: str
    report: Callable[[Event], None]
    pending: list[Work]
    recorded: set[Work] = field(default_factory=set)
    failures: dict[Work, str] = field(default_factory=dict)
    workers: list[WorkerProcess] = field(default_factory=list)
    is_stopped: bool = False
    guard: threading.RLock = field(default_factory=threading.RLock)

    @property
    def log(self) -> Path:
        """The workers' standard error."""
        return self.project.log_path(self.environment)

    def take(self) -> Work | None:
        """Return the next piece of work, if there is any."""
        with self.guard:
            return self.pending.pop(0) if self.pending else None

    def start(self, timeout: float) -> WorkerProcess:
        """Return a new worker, which ``stop`` will end.

        Raises:
            WorkerError: the run was stopped meanwhile.
        """
        with self.guard:
            if self.is_stopped:
                raise WorkerError("the run was stopped")
            worker = WorkerProcess(self.project, self.environment, timeout, self.log)
            self.workers.append(worker)
            return worker

    def stop(self) -> None:
        """End all workers; what was not recorded stays as an earlier run left it."""
        with self.guard:
            self.is_stopped = True
            self.pending.clear()
            for worker in self.workers:
                worker.end()

    def hear(self, work: Work, event: Event) -> None:
        """Take in what was told of a piece of work, and report it; one at a time."""
        with self.guard:
            if event["event"] == "recorded":
                self.recorded.add(work)
                if work.seed is None:
                    event = {**event, "apart": self._settle(work, bool(event["errors"]))}
            self.report(event)

    def fail(self, work: Work, message: str) -> None:
        """Note why a piece of work could not be done, and let no earlier record stand for it."""
        with self.guard:
            if self.is_stopped:
                return
            self.failures[work] = message
            try:
                self._write_down(work, message)
            except OSError as error:
                self.failures[work] += f"\n  which could not be written down: {error}"

    def failed(self, pieces: list[Work]) -> dict[Work, str]:
        """Return what failed, in the order in which it was asked for."""
        return {piece: self.failures[piece] for piece in pieces if piece in self.failures}

    def _settle(self, work: Work, has_errors: bool) -> str | None:
        """Let what was recorded take the place of what an earlier run left.

        Returns:
            Why a partial run lies apart; None otherwise.
        """
        if is_partial(work):
            return partial.settle(self.project, work.case, self.environment)
        place = home(self.project, work)
        if not has_errors:
            place.failure_path(work.case, self.environment).unlink(missing_ok=True)
        place.partial_path(work.case, self.environment).unlink(missing_ok=True)
        return None

    def _write_down(self, work: Work, message: str) -> None:
        if work.seed is not None:
            return
        if not is_partial(work):
            place = home(self.project, work)
            write_text(place.failure_path(work.case, self.environment), message + "\n")
        if work not in self.recorded:
            record_path(self.project, work, self.environment).unlink(missing_ok=True)


def run(project: Project, environment: str, pieces: list[Work], timeout: float,
        report: Callable[[Event], None], jobs: int | None = None) -> dict[Work, str]:
    """Measure pieces of work in this interpreter's environment.

    Args:
        timeout: seconds without any progress after which a worker hangs.
        report: called with every event, never twice at once.
        jobs: number of workers; None for one a core.

    Returns:
        By piece, why it could not be measured, or not in full; empty if all went well.

    Raises:
        UsageError: there is nothing to do, or nobody to do it.
        LockedError: another run of this environment is under way.
    """
    if jobs is not None and jobs < 1:
        raise UsageError("there must be a worker at least", numbers=f"asked for {jobs}",
                         next_command="harness run --jobs 1 ...")
    if not 0 < timeout <= threading.TIMEOUT_MAX:
        raise UsageError("a worker needs some time, and not for ever",
                         numbers=f"asked for {timeout:g} s", next_command="--timeout 600")
    with begin(project, environment, pieces, report) as state:
        count = min(jobs or len(os.sched_getaffinity(0)), len(pieces))
        threads = [threading.Thread(target=_serve, args=(state, timeout)) for _ in range(count)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(PATIENCE)  # in pieces: a signal is heard between them
        except BaseException:
            state.stop()
            raise
    return state.failed(pieces)


@contextlib.contextmanager
def begin(project: Project, environment: str, pieces: list[Work],
          report: Callable[[Event], None]) -> Iterator[Run]:
    """Begin a run; at its end whatever was neither recorded nor failed has failed.

    What an earlier run left stays until it is replaced, or fails now.

    Raises:
        UsageError: there is nothing to do.
        LockedError: another run of this environment is under way.
    """
    if not pieces:
        raise UsageError("nothing to measure: no variant matches", next_command="harness list")
    with lock(project.lock_path(environment), f"harness run of {environment}"):
        for folder in (project.results, *filter(None, [project.measured])):
            sweep(folder)
        state = Run(project, environment, report, list(pieces))
        state.log.parent.mkdir(parents=True, exist_ok=True)
        state.log.write_text("", encoding="utf-8")
        yield state
        for work in pieces:
            if work not in state.recorded and work not in state.failures:
                state.fail(work, explain("nobody measured it", state.log))


def home(project: Project, work: Work) -> Project:
    """Return where the records of a piece of work belong."""
    return project.under(work.fault) if work.fault else project


def is_partial(work: Work) -> bool:
    """Return whether a piece of work is some variants of a case; a fault chooses its own."""
    return bool(work.variants) and work.fault is None and work.seed is None


def record_path(project: Project, work: Work, environment: str) -> Path:
    """Return where a worker writes the record of a piece of work."""
    place = home(project, work)
    return (place.partial_path if is_partial(work) else place.run_path)(work.case, environment)


def _serve(state: Run, timeout: float) -> None:
    """Work off what is pending, with a new worker after each that fails."""
    worker: WorkerProcess | None = None
    try:
        for work in iter(state.take, None):
            worker = _attempt(state, work, worker, timeout)
    finally:
        if worker is not None:
            worker.end()


def _attempt(state: Run, work: Work, worker: WorkerProcess | None,
             timeout: float) -> WorkerProcess | None:
    """Have a piece of work done; return the worker, if it can go on."""
    try:
        worker = worker or state.start(timeout)
        cause = worker.do(asdict(work), functools.partial(state.hear, work))
        if cause is not None:
            state.fail(work, explain(cause, state.log))
        return worker
    except Refused as refused:
        for one in (work, *iter(state.take, None)):
            state.fail(one, str(refused))
    except WorkerError as error:
        state.fail(work, explain(error.what, state.log))
    except Exception as error:  # a thread would take it with it, unheard
        state.fail(work, explain(f"{type(error).__name__}: {error}", state.log))
    if worker is not None:
        worker.end()
    return None
