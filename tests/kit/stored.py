"""A project with real baselines that hold everything, and runs of it changed on purpose."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

from harness.records import writing
from harness.records.project import Project
from harness.records.record import Record
from harness.store.store import Store

CASE, TORCH, VARIANT = "conv1d_stability", "torch-2.13.0", "mse-adam_0.015"
"""The variant has trajectories, probes, a fingerprint and native runs."""


def furnish(checkout: Project, root: Path) -> Project:
    """Return a project with one case, and its baselines of the reference and two versions."""
    (root / "cases").mkdir(parents=True)
    shutil.copy(checkout.root / "cases" / f"{CASE}.py", root / "cases")
    shutil.copytree(checkout.root / "cases" / "data", root / "cases" / "data")
    shutil.copy(checkout.root / "tox.ini", root)
    project = Project(root)
    folder = checkout.baselines / CASE
    shutil.copytree(folder / "content", project.baselines / CASE / "content")
    for name in ("reference", "torch-2.12.1", TORCH):
        shutil.copy(folder / f"{name}.json", project.baselines / CASE)
    (project.baselines / CASE / "native").mkdir()
    shutil.copy(folder / "native" / f"{TORCH}.json", project.baselines / CASE / "native")
    return project


def put(project: Project, change: Callable[[Record], object] = lambda record: None) -> Record:
    """Write what the baseline holds as a run, changed; return it."""
    record = Store(project).baseline(CASE, TORCH)
    copied = Record(CASE, TORCH, deepcopy(record.provenance),
                    {name: deepcopy(variant) for name, variant in record.variants.items()})
    change(copied)
    writing.write(copied, project.run_path(CASE, TORCH))
    return copied
