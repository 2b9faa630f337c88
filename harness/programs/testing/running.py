"""The runs of one check: each a process of its own that calls the same test under the recorder.

Outside half.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import leash
from harness.errors import WorkerError, last_lines
from harness.programs.runs.running import at_once, jobs
from harness.programs.testing import stored
from harness.programs.traces.trace import Trace, read
from harness.records import settings
from harness.vocabulary.program import PINNED

PRECISION = "HARNESS_TRAINING"
"""Variable that tells a run its precision."""
LONGEST = 2**16
"""Bytes of what a run printed that are read for its last lines."""
SLOW = 10.0
"""Seconds of a run from which on each one that has ended is told."""
WORKERS = "PYTEST_XDIST_WORKER_COUNT"
"""Variable of pytest-xdist with how many processes test at once."""


@dataclass
class Runs:
    """The runs of one check in one precision, each done when it is asked for.

    Args:
        test: pytest's name of it.
        root: folder that pytest is run from.
        options: of the recorder.
        limit: seconds that one may take.
        folder: for their traces.
        number: which check of its test it is.
        tell: called with a line on how far it is.
    """

    test: str
    root: Path
    precision: str
    options: Sequence[str]
    limit: float
    folder: Path
    number: int = 1
    tell: Callable[[str], None] = lambda text: None
    seconds: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def trace(self, name: str) -> Trace:
        """Return the trace of a run."""
        return read(self.file(name))

    def files(self, names: Sequence[str]) -> dict[str, Path]:
        """Return the files of several runs, as many of them done at once as the machine bears.

        Raises:
            WorkerError: one failed, did not end, or left no trace; the others are ended.
        """
        first = self.trace(names[0])
        count = max(1, jobs(first) // int(os.environ.get(WORKERS) or 1))
        wanted = [name for name in names if not self._path(name).exists()]
        self.tell(f"{self.test}, {self.precision}: a baseline takes {len(wanted)} more runs of "
                  f"about {self.seconds:.0f} s, {count} at once")

        def told(done: int) -> None:
            if self.seconds > SLOW:
                self.tell(f"{self.test}, {self.precision}: {done} of {len(wanted)} done")

        at_once([functools.partial(self.file, name) for name in wanted], count, self.stop, told)
        return {name: self.file(name) for name in names}

    def file(self, name: str) -> Path:
        """Return the file with the trace of a run.

        Raises:
            WorkerError: it failed, did not end, or left no trace.
        """
        path = self._path(name)
        if path.exists():
            return path
        seed = name.removeprefix(stored.PERTURBED)
        perturbing = ["--perturb", seed] if seed != name else []
        command = [sys.executable, "-m", "harness.measure.recorder", "--trace", str(path),
                   *self.options, *perturbing, "--", "pytest", self.test, "-q",
                   "--tb=short", "--disable-warnings", "-p", "no:cacheprovider",
                   "--override-ini", "addopts="]
        variables = {**settings.pinned(None), **PINNED, **os.environ, "PYTEST_ADDOPTS": "",
                     PRECISION: f"{self.precision}:{self.number}"}
        began = time.monotonic()
        code, said = self._run(command, variables)
        self.seconds = time.monotonic() - began
        if code is None:
            raise WorkerError(f"the training did not end within {self.limit:g} s in "
                              f"{self.precision}, run {name}", self.test,
                              _last(said), "training.check(..., steps=N) ends it after N updates, "
                              "limit=SECONDS gives it longer")
        if code or not path.exists():
            raise WorkerError(f"the training failed in {self.precision}, run {name}, with exit "
                              f"code {code}", self.test, _last(said),
                              f"pytest '{self.test}'" + (
                                  "; training.check(..., precisions=['float32']) if it cannot "
                                  "train in float64" if self.precision == "float64" else ""))
        return path

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"

    def _run(self, command: Sequence[str], variables: Mapping[str, str]
             ) -> tuple[int | None, str]:
        """Run a command on a leash, so that nothing that it starts goes on; return how it ended.

        Returns:
            Its exit code, or None where it took too long and was ended; and what it printed.
        """
        with tempfile.TemporaryFile() as output:
            process = leash.start(command, stdout=output, stderr=subprocess.STDOUT, cwd=self.root,
                                  env=dict(variables))
            code = leash.wait_within(process, self.limit, self.stop.is_set)
            output.seek(max(0, output.seek(0, os.SEEK_END) - LONGEST))
            return code, output.read().decode("utf-8", "replace")


def _last(said: str) -> str:
    """Return the last lines of what a run said."""
    lines = last_lines(said)
    return f"its last lines:\n{lines}" if lines else "it printed nothing"
