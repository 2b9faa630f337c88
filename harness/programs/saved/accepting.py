"""Accepting what the runs of a saved program left as a baseline, with a reason.

Outside half.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, MissingRecordError
from harness.files import pack
from harness.programs.judging.verdict import Judgement
from harness.programs.saved.judged import judge
from harness.programs.saved.kept import Kept, read
from harness.records import provenance
from harness.records.freshness import FACTS
from harness.records.paths import Paths
from harness.store import programs as stored
from harness.vocabulary.program import OUTSIDE, PERTURBED

RUNS = 2 + PERTURBED
"""Runs that a baseline has: the first, those from changed weights, and the repeated one."""


def whole(paths: Paths, environment: str) -> list[str]:
    """Return the programs whose last runs in an environment can become a baseline."""
    return [name for name in paths.program_names() if environment in stored.measured(paths, name)
            and _is_whole(_run(paths, name, environment))]


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


def origins(paths: Paths, name: str, environment: str
            ) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return with what a program's baseline and its last runs were measured: packages, and inputs
    by their digests; None where there is no baseline.
    """
    try:
        baseline = read(paths.program_baseline_path(name, environment))
    except MissingRecordError:
        return None
    before, now = ({"packages": side.trace().header.packages, "inputs": side.facts.get("inputs")}
                   for side in (baseline, _run(paths, name, environment)))
    return before, now


def prepare(paths: Paths, name: str, environment: str, accepted: Mapping[str, object]
            ) -> tuple[Path, bytes]:
    """Return the file and the content of the baseline that a program's last runs become.

    Args:
        accepted: the reason, and what else is kept of why.

    Raises:
        MissingRecordError: it was not measured.
        HarnessError: the runs are those of the baseline to the bit, so that there is nothing to
            accept.
    """
    run = _run(paths, name, environment)
    if not _is_whole(run):
        raise HarnessError("there is nothing to accept: the run is the baseline's to the bit",
                           f"program {name}, {environment}",
                           f"{len(run.folders) + 1} runs, a baseline has {RUNS}",
                           f"harness compare {environment} --case {name}")
    facts = {**run.facts, "accepted": {**accepted, "at": provenance.now()}}
    facts.pop(OUTSIDE, None)
    told = (json.dumps(facts, indent=1) + "\n").encode()
    return paths.program_baseline_path(name, environment), pack({**run.members, FACTS: told})


def _is_whole(run: Kept) -> bool:
    return len(run.folders) + 1 >= RUNS


def _run(paths: Paths, name: str, environment: str) -> Kept:
    path = paths.program_run_path(name, environment)
    if not path.exists():
        raise MissingRecordError(f"{environment} has not been measured", f"program {name}",
                                 next_command=f"tox run -e {environment} -- {name}")
    return read(path)
