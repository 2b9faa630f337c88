"""What a Dask worker does: it runs the measuring half, and returns the files that it leaves.

Outside half, on whatever machine the Dask worker runs: a checkout lies there, with the
pinned environments under ``.tox``. Nothing needs to be shared but the network.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import distributed

from harness import leash
from harness.errors import HarnessError, last_lines
from harness.files import lock, read_bytes
from harness.records import freshness
from harness.records.settings import PREFIXES
from harness.version import __version__

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
class Task:
    """One command in one environment.

    Args:
        words: what ``harness run --environment ENV`` is given.
        label: what it measures, in words.
    """

    environment: str
    words: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Args:
        code: exit code of the command.
        said: what it printed.
        errors: what it printed on standard error.
        files: what it left, by name below its folder of runs.
    """

    code: int
    said: str
    errors: str
    files: Mapping[str, bytes]


class Runner:
    """What one Dask worker does for a run; its commands end with it."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.running: set[subprocess.Popen[str]] = set()

    async def setup(self, worker: distributed.Worker) -> None:
        """Find the checkout; called once, in the Dask worker's event loop.

        Raises:
            HarnessError: there is none, or one of other sources; or other versions run here.
        """
        self.where = f"Dask worker {worker.address} on {platform.node()}"
        self.root: Path | None = None
        self.root = await asyncio.to_thread(find_checkout, self.order, self.where)

    def teardown(self) -> None:
        """End what still runs."""
        for process in list(self.running):
            leash.end(process)

    def measure(self, task: Task) -> Outcome:
        """Run a command of the measuring half in its environment; return what it leaves."""
        if self.root is None:  # a Dask worker that came later: nobody heard of its error
            self.root = find_checkout(self.order, self.where)
        interpreter = find_interpreter(self.root, task.environment, self.where)
        with tempfile.TemporaryDirectory(prefix="harness-") as folder:
            runs = Path(folder) / "runs"
            command = [str(interpreter), "-m", "harness", "--root", str(self.root), "run",
                       "--environment", task.environment, "--runs", str(runs), "--again",
                       "--jobs", "1", "--timeout", str(self.order.timeout), *task.words]
            code, said, errors = self._run(command, Path(folder))
            return Outcome(code, said, errors, {
                path.relative_to(runs).as_posix(): read_bytes(path)
                for path in sorted(runs.rglob("*")) if path.is_file()})

    def _run(self, command: list[str], folder: Path) -> tuple[int, str, str]:
        """Run a command on a leash; return its exit code and what it printed."""
        said, errors = folder / "said", folder / "errors"
        with said.open("w") as output, errors.open("w") as error:
            process = leash.start(command, cwd=self.root, stdout=output, stderr=error,
                                  env=variables(os.environ, self.order.switches), text=True)
            self.running.add(process)
            try:
                code = leash.wait(process)
            finally:
                leash.end(process)
                self.running.discard(process)
        return (code, said.read_text("utf-8", "replace"), errors.read_text("utf-8", "replace"))


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
    with lock(root / ".tox" / f"{environment}.lock", f"looking for {environment}", waits=True):
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
    raise HarnessError(f"a Dask worker cannot make the environment {environment}", where,
                       last_lines(said), f"there, in {root}: {' '.join(command)}")
