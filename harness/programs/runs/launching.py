"""Launching: one recorded run of a program on one side, with its limits and its messages.

Outside half. The side's Python runs the recorder from a folder that holds a copy of this
package and nothing else, so that nothing of the outside half reaches the program.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import leash
from harness.errors import FAILURE, USAGE, HarnessError, UsageError, WorkerError, last_words
from harness.files import lock
from harness.programs.sides.making import Environment, cache
from harness.records import settings
from harness.vocabulary.program import PINNED, STARTING

LARGEST = 256 * 2**20
"""Bytes that a program may print."""
GRACE = 10.0
"""Seconds that a program has to end, and its trace to be written, after it was asked to."""
NO_GPU = re.compile(r"not compiled with CUDA|No CUDA GPUs are available|no NVIDIA driver"
                    r"|no CUDA-capable device|Unknown backend: '(gpu|cuda|rocm)'", re.IGNORECASE)
"""What frameworks say where a program asks for a GPU that is not there."""
NO_INPUT = "EOFError: EOF when reading a line"
RANKS = ("RANK", "OMPI_COMM_WORLD_RANK")
"""Variables by which launchers tell a process its place among those of one training."""
DROPPED = ("VIRTUAL_ENV", "PYTHONHOME", "__PYVENV_LAUNCHER__", "PYTHONSTARTUP")


@dataclass(frozen=True)
class Side:
    """Where a program runs.

    Args:
        name: ``baseline`` or ``observed``.
        variables: of its own, beside this process's.
        arguments: of its own, after the program's.
        directory: that it is started in.
    """

    name: str
    environment: Environment
    directory: Path
    variables: Mapping[str, str]
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """One run that has ended as it should.

    Args:
        name: ``baseline``, ``perturbed-3``; of the session's.
        folder: with ``trace.npz``, ``stdout.txt``, ``stderr.txt``, and ``logged.txt`` where the
            program logs.
        directory: that the program ran in.
        seconds: that it took.
    """

    name: str
    side: Side
    folder: Path
    directory: Path
    seconds: float

    @property
    def trace(self) -> Path:
        """The file of the trace."""
        return self.folder / "trace.npz"

    def printed(self) -> str:
        """Return what the program printed, without where it ran."""
        return self._text("stdout.txt")

    def logged(self) -> str:
        """Return what the program's own files logged and did not print, likewise."""
        return self._text("logged.txt")

    def _text(self, name: str) -> str:
        path = self.folder / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        return text.replace(str(self.directory), ".")


def launch(side: Side, name: str, program: Sequence[str], options: Sequence[str], folder: Path,
           directory: Path, limit: float, stop: threading.Event | None = None) -> Run:
    """Run the program once under the recorder, in a process group that does not outlive this.

    Args:
        program: words: a script, ``-m module`` or ``pytest path``, with arguments.
        options: of the recorder, beside ``--trace``.
        folder: for what the run leaves, made here.
        directory: to run in, the side's own or a copy.
        limit: seconds.
        stop: set to end it before.

    Raises:
        HarnessError: it failed, did not end, or left no trace.
    """
    folder.mkdir(parents=True)
    words = [*program, *side.arguments]
    command = [str(side.environment.interpreter), "-c", STARTING, str(package()),
               "--trace", str(folder / "trace.npz"), "--logged", str(folder / "logged.txt"),
               *options, "--", *words]
    start = time.monotonic()
    with (folder / "stdout.txt").open("wb") as output, \
            (folder / "stderr.txt").open("wb") as errors, \
            tempfile.TemporaryDirectory(prefix="try-", ignore_cleanup_errors=True) as temporary:
        process = leash.start(command, stdout=output, stderr=errors, cwd=directory,
                              env=variables(side, temporary))
        try:
            code = Watch(process, limit, Path(output.name), stop or threading.Event()).wait()
        finally:
            leash.end(process)
    run = Run(name, side, folder, directory, time.monotonic() - start)
    if code is None:
        raise _endless(run, words, limit)
    if code or not run.trace.is_file():
        raise _failed(run, words, code)
    return run


def variables(side: Side, temporary: str) -> dict[str, str]:
    """Return the variables that a program is started with: pinned, then the user's own.

    Args:
        temporary: folder for temporary files, a short path: sockets lie there.
    """
    given = {name: value for name, value in os.environ.items() if name not in DROPPED}
    given = {**settings.pinned(None), **PINNED, **given, **side.variables}
    own = str(side.environment.interpreter.parent)
    paths = [str(package()), *filter(None, [given.get("PYTHONPATH")])]
    return {**given, "PYTHONPATH": os.pathsep.join(paths), "TMPDIR": temporary,
            "PATH": os.pathsep.join([own, given.get("PATH", os.defpath)])}


def package() -> Path:
    """Return the folder that holds a copy of this package and nothing else, made if need be."""
    source = Path(__file__).parents[2]
    files = sorted(path for path in source.rglob("*.py") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(source)).encode() + b"\0" + path.read_bytes())
    place = cache() / "recorder" / digest.hexdigest()[:16]
    if not place.is_dir():
        with lock(place.with_suffix(".lock"), "copying the recorder", waits=True):
            if not place.is_dir():
                _copy_package(source, files, place)
    return place


def _copy_package(source: Path, files: Sequence[Path], place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=place.parent) as name:
        for path in files:
            target = Path(name) / "whole" / "harness" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        os.rename(Path(name) / "whole", place)


@dataclass(frozen=True)
class Watch:
    """Waits for a program, within limits.

    Args:
        limit: seconds.
        printed: file that grows while it runs.
        stop: set to end it before.
    """

    process: subprocess.Popen[bytes]
    limit: float
    printed: Path
    stop: threading.Event

    def wait(self) -> int | None:
        """Return the program's exit code, or None if it took too long and was ended.

        Raises:
            HarnessError: it printed without end, or was to stop.
        """
        if self._ends_within(self.limit):
            return leash.wait(self.process)
        os.kill(self.process.pid, signal.SIGTERM)  # the recorder writes what it has
        self._ends_within(GRACE)
        return None

    def _ends_within(self, limit: float) -> bool:
        """Return whether it ends in time; it is not reaped, so that its group stays its own."""
        end, pause = time.monotonic() + limit, 0.01
        while time.monotonic() < end:
            if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
                return True
            if self.printed.stat().st_size > LARGEST:
                raise WorkerError("the program prints without end", str(self.printed),
                                  f"more than {LARGEST >> 20} MiB",
                                  "let it print less, or --steps N")
            if self.stop.wait(pause):
                raise WorkerError("the program was stopped", str(self.printed))
            pause = min(pause * 1.5, 0.25)
        return False


def _endless(run: Run, words: Sequence[str], limit: float) -> HarnessError:
    return WorkerError(
        f"the program did not end within {limit:g} s on the {run.side.name} side",
        f"{shlex.join(words)}, run {run.name}", _said(run),
        "--steps N ends it after N updates, --limit SECONDS gives it longer")


def _failed(run: Run, words: Sequence[str], code: int) -> HarnessError:
    """Return the error for a program that failed: which side, how, and its last words."""
    said = _said(run)
    place = shlex.quote(str(run.side.directory))
    alone = shlex.join([*(f"{name}={value}" for name, value in run.side.variables.items()),
                        str(run.side.environment.interpreter), *words])
    then = f"without the recorder: cd {place} && {alone}"
    if code in (USAGE, FAILURE) and "harness.measure.recorder:" in said:
        what = f"the program cannot be recorded on the {run.side.name} side"
        then = ""  # the recorder has said what to type
    elif code < 0:
        what = f"the program was killed by {signal.Signals(-code).name} on the {run.side.name} side"
    elif code and NO_GPU.search(said):
        what = f"the program needs a GPU, and the {run.side.name} side finds none"
        then = f"let it train on the CPU, or try it on a machine with a GPU; {then}"
    elif code and NO_INPUT in said:
        what = f"the program asks for input on the {run.side.name} side, and there is none here"
        then = f"let it take arguments, or read a file; {then}"
    elif code:
        what = f"the program failed on the {run.side.name} side with exit code {code}"
    elif ranks := [f"{name}={value}" for name in RANKS
                   if (value := {**os.environ, **run.side.variables}.get(name, "0")) != "0"]:
        what = f"the {run.side.name} side is told that it is not the first of several processes, " \
               "and the first is what is recorded"
        said, then = ", ".join(ranks), f"unset {ranks[0].partition('=')[0]}, then the same command"
    else:
        what = f"the program left no trace on the {run.side.name} side: another program took its " \
               "place (exec), or a library ended it"
    kind = UsageError if code == USAGE and not then else WorkerError
    return kind(what, f"{shlex.join(words)}, run {run.name}", said, then)


def _said(run: Run) -> str:
    return last_words((run.folder / "stderr.txt").read_text(encoding="utf-8", errors="replace"))
