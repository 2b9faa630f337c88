"""The supervisor: gives work to workers, watches them, and says why one failed.

Inside half: standard library only; it runs in the pinned environment beside the
workers, one for every core. Work that kills or hangs its worker is marked as failed,
with the end of the worker's standard error, and a new worker goes on with the rest.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Callable, Iterator

from harness.errors import UsageError, WorkerError
from harness.files import lock, write_text
from harness.process import Event, Refused, WorkerProcess, explain
from harness.project import Project


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
    """One ``harness run``: what is still pending, what has failed."""

    project: Project
    environment: str
    report: Callable[[Event], None]
    pending: list[Work]
    failures: dict[Work, str] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def log(self) -> Path:
        """The workers' standard error."""
        return self.project.log_path(self.environment)

    def take(self) -> Work | None:
        """Return the next piece of work, if there is any."""
        with self.guard:
            return self.pending.pop(0) if self.pending else None

    def fail(self, work: Work, message: str) -> None:
        """Note why a piece of work could not be done."""
        with self.guard:
            self.failures[work] = message

    def failed(self, pieces: list[Work]) -> dict[Work, str]:
        """Return what failed, in the order in which it was asked for."""
        return {piece: self.failures[piece] for piece in pieces if piece in self.failures}

    def tell(self, event: Event) -> None:
        """Report an event; one at a time."""
        with self.guard:
            self.report(event)


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
        UsageError: there is nothing to do.
        LockedError: another run of this environment is under way.
    """
    with begin(project, environment, pieces, report) as state:
        count = min(jobs or len(os.sched_getaffinity(0)), len(pieces))
        threads = [threading.Thread(target=_serve, args=(state, timeout)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return state.failed(pieces)


@contextlib.contextmanager
def begin(project: Project, environment: str, pieces: list[Work],
          report: Callable[[Event], None]) -> Iterator[Run]:
    """Begin a run, without what an earlier one left; at its end write down what failed.

    Raises:
        UsageError: there is nothing to do.
        LockedError: another run of this environment is under way.
    """
    if not pieces:
        raise UsageError("nothing to measure: no variant matches", next_command="harness list")
    with lock(project.lock_path(environment), f"harness run of {environment}"):
        state = Run(project, environment, report, list(pieces))
        state.log.parent.mkdir(parents=True, exist_ok=True)
        state.log.write_text("", encoding="utf-8")
        _forget(project, environment, pieces)
        yield state
        for work, message in state.failures.items():
            if work.seed is not None:
                continue
            write_text(home(project, work).failure_path(work.case, environment), message + "\n")


def home(project: Project, work: Work) -> Project:
    """Return where the records of a piece of work belong."""
    return project.under(work.fault) if work.fault else project


def _forget(project: Project, environment: str, pieces: list[Work]) -> None:
    """Remove what an earlier run left: a record of the runs is always of the last run."""
    for work in pieces:
        place = home(project, work)
        if work.seed is not None:
            place.native_run_path(work.case, environment).unlink(missing_ok=True)
            continue
        place.run_path(work.case, environment).unlink(missing_ok=True)
        place.failure_path(work.case, environment).unlink(missing_ok=True)


def _serve(state: Run, timeout: float) -> None:
    """Work off what is pending, with a new worker after each that fails."""
    work = state.take()
    while work is not None:
        worker = WorkerProcess(state.project, state.environment, timeout, state.log)
        try:
            while work is not None:
                cause = worker.do(asdict(work), state.tell)
                if cause is not None:
                    state.fail(work, explain(cause, state.log))
                work = state.take()
        except Refused as refused:
            while work is not None:
                state.fail(work, str(refused))
                work = state.take()
        except WorkerError as error:
            assert work is not None
            state.fail(work, explain(error.what, state.log))
            work = state.take()
        finally:
            worker.end()
