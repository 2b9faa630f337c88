"""Running: the recorded runs of one session, each in a copy of the working directory.

Outside half.
"""

from __future__ import annotations

import functools
import os
import resource
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.errors import HarnessError
from harness.programs.runs import figures
from harness.programs.runs.copying import copy
from harness.programs.runs.figures import Figure
from harness.programs.runs.launching import Run, Side, launch
from harness.programs.traces.trace import REPORTED, Trace, read

SHORTEST, TIMES = 300.0, 20.0
"""Seconds that any run may take, and how many times as long as the first one."""
CAPTURING = "--capture"
"""Option of a run that ends before the program has written what it writes."""
SHARE = 0.7
"""Part of the memory that is free which runs at once may take."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Program:
    """What is run, and how far.

    Args:
        words: a script, ``-m module`` or ``pytest path``, with arguments.
        outputs: files whose values are compared.
        steps: updates after which it is ended; None for all of them.
        every: tensors are looked at in every so many steps.
        limit: seconds of one run.
        is_in_place: runs share the user's folder.
    """

    words: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    steps: int | None = None
    every: int | None = None
    limit: float = 3600.0
    is_in_place: bool = False

    def options(self) -> list[str]:
        """Return the recorder's options of every run."""
        found = [] if self.steps is None else ["--steps", str(self.steps)]
        return found + ([] if self.every is None else ["--every", str(self.every)])


@dataclass(frozen=True)
class Ran:
    """A run with what it left.

    Args:
        trace: as recorded.
        figures: that it printed or wrote.
        changed: what of the user's own files it changed.
    """

    run: Run
    trace: Trace
    figures: tuple[Figure, ...]
    changed: tuple[Path, ...] = ()


class Runner:
    """Runs a program as often as it is asked to.

    Args:
        folder: for what runs leave.
        keeps: whether the copies stay there, too.
        told: called with the name of every run that has ended.
    """

    def __init__(self, program: Program, folder: Path, keeps: bool = False,
                 told: Callable[[str], None] = lambda name: None) -> None:
        self.program = program
        self.folder = folder
        self.keeps = keeps
        self.told = told
        self.limit = program.limit
        self.stop = threading.Event()

    def run(self, name: str, side: Side, options: Sequence[str] = ()) -> Ran:
        """Run it once.

        Raises:
            HarnessError: it failed, did not end, or trained nothing.
        """
        folder = self.folder / name
        made = None if self.program.is_in_place else copy(side.directory, folder / "copy")
        directory = side.directory if made is None else made.folder
        given = ["--opened", *self.program.options(), *options]
        found = launch(side, name, self.program.words, given, folder / "run", directory,
                       self.limit, self.stop)
        trace = read(found.trace)
        if not trace.header.updates:
            raise _untrained(found, trace)
        told = [] if CAPTURING in options else \
            figures.told(found.printed(), directory, self.program.outputs, found.logged())
        if not self.keeps:
            shutil.rmtree(folder / "copy", ignore_errors=True)
        self.told(name)
        return Ran(found, trace, tuple(told), tuple(made.changed() if made else ()))

    def first(self, side: Side, options: Sequence[str]) -> Ran:
        """Run it for the first time; by how long that took the others are limited."""
        found = self.run(side.name, side, options)
        self.limit = min(self.limit, max(SHORTEST, TIMES * found.run.seconds))
        return found

    def several(self, runs: Sequence[tuple[str, Side, Sequence[str]]], jobs: int) -> list[Ran]:
        """Run it several times, some at once; the first failure ends them all.

        Args:
            runs: name, side and options of each.
        """
        return at_once([functools.partial(self.run, *one) for one in runs],
                       1 if self.program.is_in_place else jobs, self.stop)


def at_once(calls: Sequence[Callable[[], Result]], jobs: int, stop: threading.Event,
            told: Callable[[int], None] = lambda done: None) -> list[Result]:
    """Do several things, some at once; the first failure ends them all.

    Args:
        stop: set then, for those that have begun.
        told: called with how many are done, whenever one is.
    """
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                told(done)
        except BaseException:  # an interruption, too
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def jobs(trace: Trace) -> int:
    """Return how many runs of a program this machine bears at once.

    Args:
        trace: of one of them that has ended.
    """
    if any(not device.startswith("cpu") for device in trace.header.devices):
        return 1
    cores = len(os.sched_getaffinity(0))
    threads = trace.header.settings.get("OMP_NUM_THREADS") or "1"
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    bearable = int(SHARE * _available() / max(largest, 1))
    return max(1, min(cores // max(int(threads), 1) if threads.isdigit() else 1, bearable))


def _available() -> int:
    """Return how many bytes of memory are free for new programs."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _untrained(run: Run, trace: Trace) -> HarnessError:
    notes = "; ".join(note.text for note in trace.header.notes)
    if (trace.channel == REPORTED).any():
        notes += "; what harness.record was given alone cannot be judged: without weights to " \
                 "change by last bits nobody knows what rounding does to it"
    return HarnessError(f"the program trains nothing on the {run.side.name} side",
                        " ".join(trace.header.program) or run.name,
                        notes or "no optimizer finished an update",
                        "name the program that trains, with an optimizer of torch, Keras or optax: "
                        "harness.watch(optax.adam(1e-3))")
