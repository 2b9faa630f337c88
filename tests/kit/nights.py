"""Small projects that a night can happen in, with real records changed on purpose."""

from __future__ import annotations

import copy
import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from harness.records import freshness, manifest, writing
from harness.records.project import Project
from harness.records.record import Record
from harness.store import undo
from harness.store.accepting import accept
from harness.store.store import Store

ROOT = Path(__file__).parents[2]
CASE = "imbalanced_binary"
SGD, ADAM = "bce_sigmoid-sgd_0.1", "bce_sigmoid-adam_0.01"
ACCEPTED = ("reference", "torch-2.12.1", "torch-2.13.0", "torch-2.14.1", "keras-3.15.1")
NIGHT, BUILD = "tonight", "3.16.0.dev2026112503"
EXPECTED = ("reference", "torch-2.13.0", "torch-2.14.1", "keras-nightly")
TOX = f"""[tox]
labels =
    small = {", ".join(EXPECTED)}, compare
    one = torch-2.13.0
    none = compare
[matrix]
environments =
    {", ".join((*ACCEPTED, "keras-nightly"))}
"""


def furnish(root: Path, measured: Record) -> Project:
    """Return a project with one case, a small matrix, and a baseline of every release."""
    shutil.copytree(ROOT / "cases", root / "cases", ignore=shutil.ignore_patterns(
        "__py*", *(path.name for path in (ROOT / "cases").glob("*.py") if path.stem != CASE)))
    (root / "harness").symlink_to(ROOT / "harness")
    (root / "tox.ini").write_text(TOX, encoding="utf-8")
    project = Project(root)
    accept(Store(project), [named(measured, name) for name in ACCEPTED], "for a test")
    undo.path_of(project).unlink()
    return project


def named(measured: Record, environment: str) -> Record:
    """Return the record as another environment's; a build's says which one it is."""
    packages = {"keras-nightly": BUILD} if environment == "keras-nightly" else {}
    provenance = {**measured.provenance,
                  "packages": {**measured.provenance["packages"], **packages}}
    return dataclasses.replace(measured, environment=environment, provenance=provenance)


def changed(measured: Record, environment: str, factor: float = 1.01) -> Record:
    """Return the record as another environment's, its float64 loss off from step 7 on."""
    record = copy.deepcopy(named(measured, environment))
    loss = list(record.variants[SGD].trajectories["float64"].loss)
    record.variants[SGD].trajectories["float64"].loss = [
        *loss[:7], *(value * factor for value in loss[7:])]
    return record


def put(project: Project, *records: Record, night: str | None = NIGHT) -> None:
    """Write records as runs of a night, tonight's if no other is named."""
    for record in records:
        path = project.run_path(record.case, record.environment)
        writing.write(record, path)
        manifest.end(project, record.environment, [path], night)


def of_commit(project: Project, record: Record, **others: str) -> Record:
    """Return the record with the digests of this checkout, or with others."""
    case = project.case(record.case)
    data = sorted({case.data, *(v.weights for v in case.variants)})
    found = {"harness": freshness.harness_digest(),
             "case": freshness.case_digest(project.root, case.name, data), **others}
    return dataclasses.replace(record, provenance={**record.provenance, "inputs": found})


class Machine:
    """Stands in for tox: measures what it was told it would, and remembers what it was asked.

    Args:
        records: what it measures; of every other environment nothing comes.
    """

    def __init__(self, *records: Record) -> None:
        self.records = {record.environment: record for record in records}
        self.asked: list[tuple[str, list[str], bool]] = []

    def __call__(self, environment: str, cases: Sequence[str], project: Project,
                 native: bool) -> None:
        """Write the record of an environment into a project's runs."""
        self.asked.append((environment, list(cases), native))
        if environment in self.records:
            put(project, self.records[environment])
