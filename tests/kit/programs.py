"""A program of a user's own that is a case of a project, and what its runs left."""

from __future__ import annotations

import json
from pathlib import Path

from harness.files import pack
from harness.programs.traces.trace import Trace
from harness.records import freshness, manifest
from harness.records.project import Project
from harness.vocabulary.program import Program, load
from tests.kit import traces

TOY = Program("toy", ("train.py", "--epochs", "2"), "cases/programs/toy", ("torch-*",),
              ("metrics.json",), ("A=1",), 20)
OLD, NEW = "torch-2.12.1", "torch-2.13.0"
DOUBLED = traces.Fault(gradient=lambda step, name, value:
                       value * 2 if (step, name) >= (3, "head") and name == "head.weight"
                       else value)


def declare(project: Project) -> None:
    """Declare the toy."""
    path = project.program_path("toy")
    path.parent.mkdir(exist_ok=True)
    path.write_text(TOY.dumps())


def put(path: Path, first: Trace, noise: bool = True, printed: str = "loss 0.5\ntime 1.25\n",
        **facts: object) -> None:
    """Write what runs of the toy left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    runs = {"": first}
    if noise:
        runs |= {f"perturbed-{i}/": one for i, one in enumerate(traces.perturbed(), 1)}
        runs["repeated/"] = traces.train()
    members = {"run.json": json.dumps(facts).encode()}
    for folder, trace in runs.items():
        members[f"{folder}trace.npz"] = traces.write(trace, path.with_suffix(".npz")).read_bytes()
        clock = printed.replace("1.25", "1.50") if folder else printed
        members[f"{folder}printed.txt"] = clock.encode()
        members[f"{folder}outputs/metrics.json"] = b'{"accuracy": 0.75}'
    path.with_suffix(".npz").unlink()
    path.write_bytes(pack(members))


def of_commit(project: Project) -> dict[str, str]:
    """Return the digests that runs of the toy have in this checkout."""
    return freshness.program_digests(project.root, load(project.program_path("toy")))


def enter(project: Project, environment: str, night: str) -> None:
    """Have a night know the toy's runs in an environment."""
    manifest.end(project, environment, [project.program_run_path("toy", environment)], night)


def furnish(project: Project) -> Project:
    """Return a project with the toy, a baseline of two versions, and a run like its baseline."""
    declare(project)
    for environment in (OLD, NEW):
        put(project.program_baseline_path("toy", environment), traces.train())
    put(project.program_run_path("toy", NEW), traces.train(), noise=False,
        printed="loss 0.5\ntime 9.75\n")
    return project
