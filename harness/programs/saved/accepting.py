"""Accepting what the runs of a saved program left as a baseline, with a reason.

Outside half.
"""

from __future__ import annotations

import json
from pathlib import Path

from harness.errors import HarnessError, MissingRecordError
from harness.files import lock, pack, write_bytes
from harness.programs.judging.verdict import Judgement
from harness.programs.saved.comparing import judge
from harness.programs.saved.kept import FACTS, Kept, read
from harness.records import provenance
from harness.records.paths import Paths
from harness.vocabulary.program import PERTURBED

RUNS = 2 + PERTURBED
"""Runs that a baseline has: the first, those from changed weights, and the repeated one."""


def change(paths: Paths, name: str, environment: str) -> Judgement | None:
    """Return what accepting a program's last runs would change; None where there is no baseline.

    Raises:
        MissingRecordError: it was not measured.
        HarnessError: the two cannot be compared.
    """
    run = _run(paths, name, environment)
    try:
        baseline = read(paths.program_baseline_path(name, environment))
    except MissingRecordError:
        return None
    return judge(run, baseline)


def accept(paths: Paths, name: str, environment: str, reason: str) -> Path:
    """Promote a program's last runs to its baseline; return the file.

    Raises:
        MissingRecordError: it was not measured.
        HarnessError: the runs are those of the baseline to the bit, so that there is nothing to
            accept.
    """
    run = _run(paths, name, environment)
    if len(run.folders) + 1 < RUNS:
        raise HarnessError("there is nothing to accept: the run is the baseline's to the bit",
                           f"program {name}, {environment}",
                           f"{len(run.folders) + 1} runs, a baseline has {RUNS}",
                           f"harness compare {environment} --case {name}")
    facts = {**run.facts, "accepted": {"reason": reason, "at": provenance.now()}}
    path = paths.program_baseline_path(name, environment)
    with lock(paths.lock_path("accept"), "harness accept"):
        told = (json.dumps(facts, indent=1) + "\n").encode()
        write_bytes(path, pack({**run.members, FACTS: told}))
    return path


def _run(paths: Paths, name: str, environment: str) -> Kept:
    path = paths.program_run_path(name, environment)
    if not path.exists():
        raise MissingRecordError(f"{environment} has not been measured", f"program {name}",
                                 next_command=f"tox run -e {environment} -- {name}")
    return read(path)
