"""Measuring programs of users that are cases of this project, in a pinned environment.

Inside half: standard library and NumPy only. A program runs once; where that is its baseline to
the bit, nothing else is needed. Otherwise it runs eight times more from weights changed by last
bits and once unchanged, so that what it left can become a baseline.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Dict, Sequence

from harness import leash
from harness.errors import HarnessError, WorkerError, last_words
from harness.files import pack, scratch, sweep, write_bytes
from harness.measure.recorder.programs import fresh
from harness.records import freshness, provenance, settings
from harness.records.environment import require
from harness.records.paths import Paths
from harness.vocabulary.program import OUTSIDE, PERTURBED, PINNED, STARTING, Program, load

LARGEST = 4 * 2**20
"""Bytes that are kept of what a program printed, or wrote to one of its outputs."""
TRACE, PRINTED, LOGGED, USED = "trace.npz", "printed.txt", "logged.txt", "outside.json"
RUNS = (("", []), *((f"perturbed-{seed}/", ["--perturb", str(seed)])
                    for seed in range(1, PERTURBED + 1)), ("repeated/", []))
"""Folder of each run among the members, and its options, in their order."""
Members = Dict[str, bytes]


def due(paths: Paths, environment: str, asked: Sequence[str]) -> list[Program]:
    """Return the programs that are measured in an environment.

    Args:
        asked: names of cases and programs; empty for all.

    Raises:
        HarnessError: a declaration cannot be read.
    """
    names = [name for name in paths.program_names() if not asked or name in asked]
    found = [load(paths.program_path(name)) for name in names]
    return [program for program in found if program.is_for(environment)]


def measure(paths: Paths, environment: str, program: Program) -> tuple[int, float]:
    """Measure a program, and write what its runs left.

    Returns:
        How many runs it took, and in how many seconds.

    Raises:
        HarnessError: it failed, did not end, or trained nothing; no earlier run stands for it.
    """
    path = paths.program_run_path(program.name, environment)
    sweep(paths.results)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.unlink()
    members: Members = {}
    start = time.monotonic()
    inputs = fresh.digests(paths, program)
    baseline = fresh.baseline_of(paths, program, environment)
    with scratch(path.parent) as folder:
        for name, options in RUNS:
            members.update(_run(paths, environment, program, name, options, folder))
            if not name:
                _require_training(paths, environment, program, members[TRACE])
                if is_settled(paths, environment, program, members):
                    break
        used = json.loads((folder / USED).read_text(encoding="utf-8"))
    runs = sum(name.endswith(TRACE) for name in members)
    facts = {"program": program.name, "environment": environment, "runs": runs,
             "provenance": {**provenance.here(),
                            "seconds": round((time.monotonic() - start) / runs, 3)},
             "declared": program.dumps(), "inputs": inputs, OUTSIDE: used,
             "baseline": baseline if runs < len(RUNS) else None, "accepted": None}
    members[freshness.FACTS] = (json.dumps(facts, indent=1) + "\n").encode()
    write_bytes(path, pack(members))
    return runs, time.monotonic() - start


def _require_training(paths: Paths, environment: str, program: Program, trace: bytes) -> None:
    if not _events(trace)[0]:
        raise HarnessError(f"program {program.name} trains nothing", environment,
                           "no optimizer finished an update",
                           f"mend {paths.program_path(program.name)}")


def is_settled(paths: Paths, environment: str, program: Program, members: Members) -> bool:
    """Return whether the first run is the accepted one to the bit: no more is needed.

    Args:
        members: what the run left, by name.
    """
    try:
        with zipfile.ZipFile(str(paths.program_baseline_path(program.name, environment))) as file:
            accepted = {name: file.read(name) for name in file.namelist()}
        if _events(accepted[TRACE]) != _events(members[TRACE]) \
                or (LOGGED in accepted) != (LOGGED in members):
            return False
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False
    return all(_tells_alike(content, accepted.get(name), accepted.get(f"repeated/{name}"))
               for name, content in members.items() if name != TRACE)


def _tells_alike(told: bytes, accepted: bytes | None, repeated: bytes | None) -> bool:
    """Return whether lines are those that were accepted, but where an unchanged run differed."""
    if accepted is None or repeated is None:
        return False
    lines, before, again = (text.splitlines() for text in (told, accepted, repeated))
    return len(lines) == len(before) == len(again) and all(
        mine == theirs or theirs != other for mine, theirs, other in zip(lines, before, again))


def _events(trace: bytes) -> tuple[object, ...]:
    """Return what tells one trace from another: names and all arrays, but not who recorded it."""
    with zipfile.ZipFile(io.BytesIO(trace)) as file:
        head = json.loads(file.read("trace.json"))
        arrays = {name: file.read(name) for name in file.namelist() if name.endswith(".npy")}
    return head["updates"], head["names"], head["dtypes"], arrays


def _run(paths: Paths, environment: str, program: Program, name: str, options: list[str],
         folder: Path) -> Members:
    """Run the program once, and return what it left, by the names of members."""
    source = paths.root / program.folder
    if not source.is_dir():
        raise HarnessError(f"program {program.name} has no folder", str(source),
                           next_command=f"mend {paths.program_path(program.name)}")
    place = folder / (name.rstrip("/") or "first")
    copy = place / "copy"
    shutil.copytree(str(source), str(copy), ignore=shutil.ignore_patterns(*freshness.LEFT_OUT))
    noting = [] if name else ["--outside", str(folder / USED)]
    command = [sys.executable, "-c", STARTING, str(Path(__file__).parents[4]), "--trace",
               str(place / TRACE), "--logged", str(place / LOGGED), *noting,
               *program.options(), *options, "--", *program.words]
    variables = {**settings.environment(require(environment).framework,
                                        {**PINNED, **os.environ}),
                 **dict(pair.split("=", 1) for pair in program.variables)}
    with (place / PRINTED).open("wb") as output, (place / "stderr.txt").open("wb") as errors, \
            tempfile.TemporaryDirectory(prefix="try-") as temporary:
        variables["TMPDIR"] = temporary
        process = leash.start(command, stdout=output, stderr=errors, cwd=str(copy),
                              env=variables)
        code = leash.wait_within(process, program.limit)
    if code or not (place / TRACE).is_file():
        raise _failed(program, environment, name, code, place)
    members = {f"{name}{TRACE}": (place / TRACE).read_bytes(),
               **{f"{name}{file}": (place / file).read_bytes()[:LARGEST].replace(
                   str(copy).encode(), b".") for file in (PRINTED, LOGGED)
                  if (place / file).exists()}}
    for output_name in program.outputs:
        path = copy / output_name
        if not path.is_file() or path.stat().st_size > LARGEST:
            raise HarnessError(f"program {program.name} writes no such output, or too large a one",
                               output_name, f"at most {LARGEST} bytes",
                               f"mend {paths.program_path(program.name)}")
        members[f"{name}outputs/{output_name}"] = path.read_bytes()
    shutil.rmtree(str(place))
    return members


def _failed(program: Program, environment: str, name: str, code: int | None, place: Path
            ) -> WorkerError:
    said = (place / "stderr.txt").read_text(encoding="utf-8", errors="replace")
    how = f"did not end within {program.limit:g} s" if code is None else \
        f"ended with exit code {code}" if code else "left no trace"
    return WorkerError(f"program {program.name} {how}", f"{environment}, run {name or 'first'}",
                       last_words(said),
                       f"tox run -e {environment} -- {program.name}")
