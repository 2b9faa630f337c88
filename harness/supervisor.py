"""The supervisor: starts a worker, watches it, and says why it failed.

Inside half: standard library only; it runs in the pinned environment beside the
worker. A case that kills or hangs its worker is marked as failed, with the end
of the worker's standard error, and the cases after it go on in a new worker.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterator

from harness.case import Case
from harness.errors import UsageError
from harness.files import lock, write_text
from harness.project import Project, select_variants

LINES_SHOWN = 20
"""Lines of a failed worker's standard error in the message."""
Event = Dict[str, Any]


@dataclass
class Run:
    """One ``harness run``: what is asked, what is still pending, what has failed."""

    project: Project
    environment: str
    patterns: list[str] | None
    timeout: float
    report: Callable[[Event], None]
    pending: list[str]
    failures: dict[str, str] = field(default_factory=dict)


def run(project: Project, environment: str, cases: list[Case], patterns: list[str] | None,
        timeout: float, report: Callable[[Event], None]) -> dict[str, str]:
    """Measure cases in this interpreter's environment.

    What an earlier run left of these cases is removed first: a record under
    ``results/runs`` is always of the last run.

    Args:
        timeout: seconds without any progress after which a worker hangs.
        report: called with every event.

    Returns:
        By case, why it could not be measured, or not in full; empty if all went well.

    Raises:
        UsageError: the patterns select no variant of any case.
        LockedError: another run of this environment is under way.
    """
    selected = [case for case in cases if select_variants(case, patterns)]
    if not selected:
        raise UsageError("nothing to measure: no variant matches", " ".join(patterns or []),
                         next_command="harness list")
    with lock(project.lock_path(environment), f"harness run of {environment}"):
        for case in selected:
            project.run_path(case.name, environment).unlink(missing_ok=True)
            project.failure_path(case.name, environment).unlink(missing_ok=True)
        state = Run(project, environment, patterns, timeout, report,
                    pending=[case.name for case in selected])
        log = project.log_path(environment)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("", encoding="utf-8")
        while state.pending:
            _work(state, log)
        for name, message in state.failures.items():
            write_text(project.failure_path(name, environment), message + "\n")
        return state.failures


def _work(state: Run, log: Path) -> None:
    """Run one worker on what is pending; remove what it has settled."""
    command = [sys.executable, "-m", "harness.worker", "--root", str(state.project.root),
               "--environment", state.environment,
               *(f"--variant={pattern}" for pattern in state.patterns or []), *state.pending]
    current: str | None = None
    refused = ""
    # Idle OpenMP threads sleep and do not spin: the numbers are the same, and beside
    # another busy process torch trains five times faster.
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
    with log.open("ab") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors,
                                   env=environment, encoding="utf-8", errors="replace")
    try:
        for event in _events(process, state.timeout):
            state.report(event)
            if event["event"] == "case":
                current = event["case"]
            elif event["event"] == "refused":
                refused = event["message"]
            elif event["event"] in ("recorded", "failed"):
                state.pending.remove(event["case"])
                current = None
                if event["event"] == "failed":
                    state.failures[event["case"]] = _message(event["message"], log)
                elif event["errors"]:
                    state.failures[event["case"]] = _message(
                        f"{event['errors']} variants raised an error", log)
        cause = _cause(process.wait())
    except queue.Empty:
        cause = f"worker hung: no progress for {state.timeout:g} s"
    finally:
        process.kill()
        process.wait()
    # the case at which it died has failed; without one, it never got to work
    for name in [current] if current else list(state.pending):
        state.pending.remove(name)
        state.failures[name] = refused or _message(cause, log)


def _events(process: subprocess.Popen[str], timeout: float) -> Iterator[Event]:
    """Yield the worker's events until it closes its output.

    Raises:
        queue.Empty: there was none for ``timeout`` seconds.
    """
    lines: queue.Queue[str | None] = queue.Queue()
    stream = process.stdout
    assert stream is not None

    def pump() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=pump, daemon=True).start()
    while True:
        line = lines.get(timeout=timeout)
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
