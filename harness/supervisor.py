"""The supervisor: gives work to workers, watches them, and says why one failed.

Inside half: standard library only; it runs in the pinned environment beside the
workers, one for every core. Work that kills or hangs its worker is marked as failed,
with the end of the worker's standard error, and a new worker goes on with the rest.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

from harness.errors import UsageError, WorkerError
from harness.files import lock, write_text
from harness.project import Project

LINES_SHOWN = 20
"""Lines of a failed worker's standard error in the message."""
Event = Dict[str, Any]
SINGLE_THREADED = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1",
    # Idle OpenMP threads sleep and do not spin: the numbers are the same, and beside
    # another busy process torch trains five times faster.
    "OMP_WAIT_POLICY": "passive",
}
"""One thread a worker, unless the caller's variables say otherwise: the order in which
numbers are added up then does not depend on the machine's cores."""


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
    timeout: float
    report: Callable[[Event], None]
    pending: list[Work]
    failures: dict[Work, str] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> Work | None:
        """Return the next piece of work, if there is any."""
        with self.guard:
            return self.pending.pop(0) if self.pending else None

    def fail(self, work: Work, message: str) -> None:
        """Note why a piece of work could not be done."""
        with self.guard:
            self.failures[work] = message

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
    if not pieces:
        raise UsageError("nothing to measure: no variant matches", next_command="harness list")
    with lock(project.lock_path(environment), f"harness run of {environment}"):
        log = project.log_path(environment)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("", encoding="utf-8")
        _forget(project, environment, pieces)
        state = Run(project, environment, timeout, report, list(pieces))
        count = min(jobs or len(os.sched_getaffinity(0)), len(pieces))
        threads = [threading.Thread(target=_serve, args=(state, log)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for work, message in state.failures.items():
            if work.seed is not None:
                continue
            write_text(_home(project, work).failure_path(work.case, environment), message + "\n")
        return {piece: state.failures[piece] for piece in pieces if piece in state.failures}


def _home(project: Project, work: Work) -> Project:
    """Return where the records of a piece of work belong."""
    return project.under(work.fault) if work.fault else project


def _forget(project: Project, environment: str, pieces: list[Work]) -> None:
    """Remove what an earlier run left: a record of the runs is always of the last run."""
    for work in pieces:
        home = _home(project, work)
        if work.seed is not None:
            home.native_run_path(work.case, environment).unlink(missing_ok=True)
            continue
        home.run_path(work.case, environment).unlink(missing_ok=True)
        home.failure_path(work.case, environment).unlink(missing_ok=True)


def _serve(state: Run, log: Path) -> None:
    """Work off what is pending, with a new worker after each that fails."""
    work = state.take()
    while work is not None:
        worker = _Worker(state, log)
        try:
            while work is not None:
                worker.do(work)
                work = state.take()
        except _Refused as refused:
            while work is not None:
                state.fail(work, str(refused))
                work = state.take()
        except WorkerError as error:
            assert work is not None
            state.fail(work, _message(error.what, log))
            work = state.take()
        finally:
            worker.end()


class _Refused(Exception):
    """The worker cannot measure anything here."""


class _Worker:
    """One worker process: takes pieces of work on its input, tells events on its output."""

    def __init__(self, state: Run, log: Path) -> None:
        self.state = state
        self.log = log
        command = [sys.executable, "-m", "harness.worker", "--root", str(state.project.root),
                   "--runs", str(state.project.runs), "--environment", state.environment]
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                env={**SINGLE_THREADED, **os.environ}, encoding="utf-8", errors="replace")
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._pump, daemon=True).start()

    def do(self, work: Work) -> None:
        """Have a piece of work done; note its failure.

        Raises:
            WorkerError: the worker died of it, or hangs.
            _Refused: it cannot do any work.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(asdict(work)) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has died, and may have said why
        for event in self._events():
            self.state.tell(event)
            if event["event"] == "refused":
                raise _Refused(event["message"])
            if event["event"] == "failed":
                self.state.fail(work, _message(event["message"], self.log))
            if event["event"] == "recorded" and event.get("errors"):
                self.state.fail(work, _message(f"{event['errors']} variants raised an error",
                                               self.log))
            if event["event"] in ("failed", "recorded"):
                return
        raise WorkerError(_cause(self.process.wait()))

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.wait()

    def _pump(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _events(self) -> Iterator[Event]:
        """Yield events until the worker closes its output."""
        while True:
            try:
                line = self.lines.get(timeout=self.state.timeout)
            except queue.Empty:
                raise WorkerError(
                    f"worker hung: no progress for {self.state.timeout:g} s") from None
            if line is None:
                return
            yield json.loads(line)


def _cause(code: int) -> str:
    if code < 0:
        return f"worker killed by {signal.Signals(-code).name}"
    return f"worker ended with exit code {code} before it was done"


def _message(cause: str, log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    tail = [f"    {line}" for line in lines[-LINES_SHOWN:]]
    heading = f"  last lines of standard error ({len(lines)} in {log}):"
    return "\n".join([cause, heading, *tail])
