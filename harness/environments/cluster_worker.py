"""What a Dask worker does: it keeps framework processes alive, and returns what they measure.

Outside half, on whatever machine the Dask worker runs: a checkout lies there, with the
pinned environments under ``.tox``. Nothing needs to be shared but the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import distributed

from harness import __version__, leash
from harness.errors import HarnessError, WorkerError
from harness.measure import supervisor
from harness.measure.process import LINES_SHOWN, Event, Refused, WorkerProcess
from harness.measure.supervisor import Work
from harness.records import freshness
from harness.records.project import Project
from harness.records.settings import PREFIXES

NOT_INHERITED = ("PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED", "MALLOC_TRIM_THRESHOLD_")
"""Variables that Dask, or the outside half, sets for a Dask worker: no framework's."""


@dataclass(frozen=True)
class Order:
    """What every Dask worker of a run must know.

    Args:
        root: the checkout, on the machine that asks.
        files: of every case, the names of its files in ``cases/data``.
        sources: digest of the harness and these cases; the checkout there must have it.
        timeout: seconds without any progress after which a framework hangs.
        switches: variables that choose threads and kernels, as the user has set them.
    """

    root: str
    files: Mapping[str, Sequence[str]]
    sources: str
    timeout: float
    switches: Mapping[str, str]
    versions: tuple[str, str] = (__version__, distributed.__version__)


@dataclass(frozen=True)
class Outcome:
    """What became of one piece of work.

    Args:
        events: all that the framework's process told.
        cause: why it could not be done, or not in full; None if all went well.
        is_refused: the process cannot do any work.
        record: JSON text; None of a native run, which is in the last event.
        errors: standard error of the process since the work began.
    """

    events: list[Event]
    cause: str | None
    is_refused: bool
    record: str | None
    errors: str


class Frameworks:
    """The framework processes of one Dask worker, one an environment and thread."""

    def __init__(self, order: Order) -> None:
        self.order = order

    async def setup(self, worker: distributed.Worker) -> None:
        """Find the checkout; called once, in the Dask worker's event loop.

        Raises:
            HarnessError: there is none, or one of other sources; or other versions run here.
        """
        self.where = f"Dask worker {worker.address} on {platform.node()}"
        self.idle: dict[str, list[WorkerProcess]] = {}
        self.busy: set[WorkerProcess] = set()
        self.root: Path | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="harness-", dir=worker.local_directory))
        self.root = await asyncio.to_thread(find_checkout, self.order, self.where)

    def teardown(self) -> None:
        """End the framework processes."""
        for process in [*self.busy, *(one for some in self.idle.values() for one in some)]:
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def measure(self, environment: str, work: dict[str, Any]) -> Outcome:
        """Have a piece of work done, by a process that is there or by a new one.

        Args:
            work: the fields of a ``harness.measure.supervisor.Work``.
        """
        if self.root is None:  # a Dask worker that came later: nobody heard of its error
            self.root = find_checkout(self.order, self.where)
        idle = self.idle.setdefault(environment, [])
        try:
            process = idle.pop()
        except IndexError:
            process = self._start(self.root, environment)
        self.busy.add(process)
        goes_on = False
        try:
            outcome, goes_on = attempt(process, Work(**work))
        finally:
            self.busy.discard(process)
            if goes_on:
                idle.append(process)
            else:
                process.end()
        return outcome

    def _start(self, root: Path, environment: str) -> WorkerProcess:
        """Return a new process in a pinned environment, with a folder of its own."""
        interpreter = find_interpreter(root, environment, self.where)
        folder = Path(tempfile.mkdtemp(prefix=f"{environment}-", dir=self.folder))
        return WorkerProcess(Project(root, folder / "runs"), environment, self.order.timeout,
                             folder / "errors.log", interpreter,
                             variables(os.environ, self.order.switches), root)


def attempt(process: WorkerProcess, work: Work) -> tuple[Outcome, bool]:
    """Return what became of a piece of work, and whether the process can go on."""
    start = process.log.stat().st_size
    events: list[Event] = []
    cause, is_refused, goes_on, record = None, False, True, None
    try:
        cause = process.do(asdict(work), events.append)
    except Refused as refused:
        cause, is_refused, goes_on = str(refused), True, False
    except WorkerError as error:
        process.end()
        cause, goes_on = error.what, False
    path = supervisor.record_path(process.project, work, process.environment)
    if path.exists():
        record = path.read_text(encoding="utf-8")
        path.unlink()
    with process.log.open("rb") as log:
        log.seek(start)
        errors = log.read().decode("utf-8", "replace")
    return Outcome(events, cause, is_refused, record, errors), goes_on


def variables(own: Mapping[str, str], switches: Mapping[str, str]) -> dict[str, str]:
    """Return a framework's variables: of this machine, but with the user's switches."""
    kept = {name: value for name, value in own.items()
            if name not in NOT_INHERITED and not name.startswith(PREFIXES)}
    return {**kept, **switches}


# -------------------------------------------------- the checkout and its environments
def sources(root: Path, files: Mapping[str, Sequence[str]]) -> str:
    """Return the digest of what measures and what is measured, in one checkout."""
    parts = [freshness.harness_digest(root / "harness")]
    parts += [freshness.case_digest(root, case, files[case]) for case in sorted(files)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def find_checkout(order: Order, where: str) -> Path:
    """Return the checkout: where the user's lies, or where the Dask worker was started.

    Raises:
        HarnessError: neither has the same sources, or other versions run here.
    """
    own = __version__, distributed.__version__
    if own != order.versions:
        there, here = (f"harness {one}, distributed {two}" for one, two in (own, order.versions))
        raise HarnessError("a Dask worker runs other versions", where, f"{there}; here {here}",
                           "install the same there: pip install '.[scale]'")
    seen = []
    for root in dict.fromkeys([Path(order.root), Path.cwd(), *Path.cwd().parents]):
        if (root / "harness" / "measure").is_dir() and (root / "cases").is_dir():
            seen.append(str(root))
            try:
                if sources(root, order.files) == order.sources:
                    return root
            except OSError:
                continue
    raise HarnessError("a Dask worker has no checkout with the same harness and cases", where,
                       f"looked at {order.root} and at {Path.cwd()} and above; other sources in: "
                       + (", ".join(seen) or "none"),
                       "update the checkout there, and start the Dask worker in it")


def find_interpreter(root: Path, environment: str, where: str) -> Path:
    """Return the interpreter of a pinned environment; make the environment if need be.

    Raises:
        HarnessError: tox cannot make it; its last words are kept.
    """
    path = root / ".tox" / environment / "bin" / "python"
    with _turn(root / ".tox" / f"{environment}.lock"):
        if path.exists():
            return path
        command = ["tox", "run", "--notest", "-e", environment]
        made = leash.start(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           encoding="utf-8", errors="replace")
        try:
            said = made.stdout.read().strip() if made.stdout else ""
        finally:
            leash.end(made)
        if path.exists():
            return path
    last = "\n".join(said.splitlines()[-LINES_SHOWN:])
    raise HarnessError(f"a Dask worker cannot make the environment {environment}", where, last,
                       f"there, in {root}: {' '.join(command)}")


@contextlib.contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Wait for other Dask workers of this machine that look at the same environment."""
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
