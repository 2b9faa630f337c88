"""Runs of the campaign's programs, from processes that have imported their framework already.

Outside half. Runs that were asked for before are not repeated: a side's unchanged run, and its
perturbed runs, serve every pair of versions that it is part of.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from harness.errors import WorkerError
from harness.programs.runs import figures, launching
from harness.programs.runs.launching import Run, Side
from harness.programs.runs.running import CAPTURING, Program, Ran, Runner
from harness.programs.runs.session import INITIAL
from harness.programs.traces.trace import read

LIMIT = 300.0
"""Seconds of one run on a machine that others use, too."""
REPEATED = "repeated"
"""Run that must be made although there is one like it."""
MOST = 12
"""Processes at the same time."""
WARM = Path(__file__).with_name("warm.py")


class Warm:
    """Processes that have imported a framework, one for every interpreter and its variables."""

    def __init__(self) -> None:
        self.processes: dict[tuple[str, ...], subprocess.Popen[str]] = {}
        self.package = launching.package()  # once: both sides are recorded by the same code

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *what: object) -> None:
        self.close()

    def close(self) -> None:
        """End them all."""
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes.clear()

    def run(self, side: Side, words: Sequence[str], options: Sequence[str], folder: Path,
            modules: Sequence[str]) -> int | None:
        """Run a program once; return its exit code, None if it did not end.

        Args:
            folder: for what the run leaves.
            modules: that are imported before.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "tmp").mkdir()
        variables = launching.variables(side, str(folder / "tmp"))
        job = {"directory": str(folder), "variables": {"TMPDIR": variables["TMPDIR"]},
               "limit": LIMIT, "stdout": str(folder / "stdout.txt"),
               "stderr": str(folder / "stderr.txt"),
               "arguments": ["--trace", str(folder / "trace.npz"), *options, "--", *words]}
        process = self._process(side, variables, modules)
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise WorkerError("a warm process ended", str(side.environment.interpreter))
        code: int | None = json.loads(answer)
        return code

    def _process(self, side: Side, variables: dict[str, str],
                 modules: Sequence[str]) -> subprocess.Popen[str]:
        key = (str(side.environment.interpreter), json.dumps(dict(side.variables)), *modules)
        if key not in self.processes:
            while len(self.processes) >= MOST:
                oldest = self.processes.pop(next(iter(self.processes)))
                oldest.kill()
                oldest.wait()
            self.processes[key] = subprocess.Popen(
                [str(side.environment.interpreter), "-W", "ignore", str(WARM),
                 str(self.package), *modules],
                env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, encoding="utf-8", start_new_session=True)
        return self.processes[key]


class WarmRunner(Runner):
    """Runs one program of the campaign, once for whatever is asked of it.

    Args:
        modules: that its processes have imported.
        memory: runs of the program so far.
    """

    def __init__(self, program: Program, folder: Path, warm: Warm, modules: Sequence[str],
                 memory: dict[tuple[str, ...], Ran]) -> None:
        super().__init__(program, folder, keeps=True)
        self.warm = warm
        self.modules = modules
        self.memory = memory

    def run(self, name: str, side: Side, options: Sequence[str] = ()) -> Ran:
        """Return a run as it was asked for, made if it was not before."""
        asked = list(options)
        kept = Path(asked.pop(asked.index("--keep") + 1)) if "--keep" in asked else None
        words = [word for word in asked if word != "--keep"]
        key = (str(side.environment.interpreter), json.dumps(dict(side.variables)),
               *side.arguments, *words)
        key = (*key, name) if name == REPEATED else key
        if key not in self.memory:
            self.memory[key] = self._run(name, side, words)
        found = self.memory[key]
        initial = found.run.folder / INITIAL
        if kept is not None and initial.is_file() and kept != initial:
            shutil.copyfile(initial, kept)
        return dataclasses.replace(found, run=dataclasses.replace(found.run, name=name, side=side))

    def _run(self, name: str, side: Side, options: Sequence[str]) -> Ran:
        folder = self.folder / name
        words = [*self.program.words, *side.arguments]
        start = time.monotonic()
        keeping = [] if options else ["--keep", str(folder / INITIAL)]
        code = self.warm.run(side, words, [*self.program.options(), *options, *keeping], folder,
                             self.modules)
        run = Run(name, side, folder, folder, time.monotonic() - start)
        if code or code is None or not run.trace.is_file():
            said = (folder / "stderr.txt").read_text(errors="replace").splitlines()[-6:]
            raise WorkerError(f"the program failed on the {side.name} side", str(folder),
                              f"exit code {code}", " | ".join(said)[-600:])
        trace = read(run.trace)
        if not trace.header.updates:
            raise WorkerError("the program trains nothing", str(folder),
                              "; ".join(note.text for note in trace.header.notes))
        told = () if CAPTURING in options else tuple(figures.told(run.printed(), folder, ()))
        return Ran(run, trace, told)

    def several(self, runs: Sequence[tuple[str, Side, Sequence[str]]], jobs: int) -> list[Ran]:
        """Run it several times, one after the other."""
        return [self.run(*one) for one in runs]
