"""A worker's process: started, given work in JSON lines, watched for a crash or a hang.

Inside half: standard library only. ``harness.measure.supervisor`` drives one for every core of
this machine, ``harness.environments.cluster_worker`` one for every environment of a Dask worker.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Mapping

from harness import leash
from harness.errors import WorkerError, last_words
from harness.records import settings
from harness.records.environment import require
from harness.records.project import Project

Event = Dict[str, Any]


class Refused(Exception):
    """The worker cannot measure anything here."""


class WorkerProcess:
    """One worker process: takes pieces of work on its input, tells events on its output.

    It does not outlive this process, and nothing that it starts outlives it.

    Args:
        project: the checkout, and where the records go.
        timeout: seconds without any progress after which it hangs.
        log: file that its standard error is added to.
        interpreter: of the environment; None for this one.
        variables: its environment variables; None for this process's. The pinned settings
            are added to them.
        folder: to start it in, and find ``harness`` in; None for this process's.
    """

    def __init__(self, project: Project, environment: str, timeout: float, log: Path,
                 interpreter: Path | None = None, variables: Mapping[str, str] | None = None,
                 folder: Path | None = None) -> None:
        self.project = project
        self.environment = environment
        self.timeout = timeout
        self.log = log
        command = [str(interpreter or sys.executable), "-m", "harness.measure.worker",
                   "--root", str(project.root), "--environment", environment]
        if project.measured is not None:
            command += ["--runs", str(project.measured)]
        given = os.environ if variables is None else variables
        with log.open("ab") as errors:
            self.process = leash.start(
                command, stdout=subprocess.PIPE, stderr=errors,
                env=settings.environment(require(environment).framework, given), cwd=folder,
                encoding="utf-8", errors="replace")
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._pump, daemon=True).start()

    def do(self, order: Mapping[str, Any], tell: Callable[[Event], None]) -> str | None:
        """Have a piece of work done.

        Args:
            order: the fields of a ``harness.measure.supervisor.Work``.
            tell: called with every event.

        Returns:
            Why it could not be done, or not in full; None if all went well.

        Raises:
            WorkerError: the process died of it, or hangs; ``end`` it.
            Refused: it cannot do any work.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has died, and may have said why
        for event in self._events():
            tell(event)
            if event["event"] == "refused":
                raise Refused(event["message"])
            if event["event"] == "failed":
                return str(event["message"])
            if event["event"] == "recorded":
                errors = event.get("errors")
                return f"{errors} variants raised an error" if errors else None
        raise WorkerError(_cause(leash.wait(self.process)))

    def end(self) -> None:
        """End the process, whatever it does, and all that it started."""
        leash.end(self.process)

    def _pump(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _events(self) -> Iterator[Event]:
        """Yield events until the worker closes its output."""
        while True:
            try:
                line = self.lines.get(timeout=self.timeout)
            except queue.Empty:
                raise WorkerError(
                    f"worker hung: no progress for {self.timeout:g} s") from None
            if line is None or not line.endswith("\n"):  # it died before it had told all
                return
            yield json.loads(line)


def explain(cause: str, log: Path) -> str:
    """Return a failure's cause with the last lines of the worker's standard error."""
    said = log.read_text(encoding="utf-8", errors="replace")
    return f"{cause}\n  {last_words(said, str(log))}" if said.strip() else cause


def _cause(code: int) -> str:
    if code < 0:
        return f"worker killed by {signal.Signals(-code).name}"
    return f"worker ended with exit code {code} before it was done"
