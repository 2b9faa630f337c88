"""How comparing grows with the matrix: 10,000, 30,000 and 100,000 stored records.

A synthetic project: copies of one case, many versions of one framework; every record is a head
as ``harness accept`` writes it. Its content is that of the version before it, but for one
version in 20, which differs in its last bits, and one in 40, which drifts for good.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from harness.records.project import Project
from harness.records.record import Record, VariantRecord
from harness.store.baselines import Baselines
from harness.store.store import Store

CASE, VARIANT = "imbalanced_binary", "bce_sigmoid-sgd_0.1"
CASES, VERSIONS = 100, (100, 300, 1000)
NOISE, DRIFT = 20, 40
"""One version in so many differs in last bits; one in so many drifts for good."""
SECONDS, GIBIBYTES, GROWTH = 60.0, 2.0, 1.25
"""Targets: time and memory for the largest; how much faster than the records time may grow."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the sizes are the targets'."""


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Print time and memory by number of records; return whether the targets are met."""
    table = Table("records", "cases", "versions", "seconds", "of them for 1000", "GiB",
                  title="timeline of a synthetic matrix")
    measured = []
    for versions in VERSIONS:
        with tempfile.TemporaryDirectory() as folder:
            synthetic = build(project, Path(folder), versions)
            seconds, memory = _timeline(synthetic)
        records = CASES * versions
        measured.append((records, seconds, memory))
        table.add_row(f"{records}", str(CASES), str(versions), f"{seconds:.1f}",
                      f"{seconds / records * 1000:.2f}", f"{memory:.2f}")
    console.print(table)
    (few, before, _), (many, after, memory) = measured[-2:]
    return after <= SECONDS and memory <= GIBIBYTES and after / before <= GROWTH * many / few


def build(project: Project, root: Path, versions: int) -> Project:
    """Write a synthetic project; return it."""
    shutil.copy(project.root / "tox.ini", root)
    (root / "cases").mkdir()
    (root / "cases" / "data").symlink_to(project.root / "cases" / "data")
    source = (project.root / "cases" / f"{CASE}.py").read_text(encoding="utf-8")
    synthetic = Project(root)
    stored = Store(project).baseline(CASE, "reference")
    for number in range(CASES):
        name = f"case_{number:03d}"
        (root / "cases" / f"{name}.py").write_text(
            source.replace(f'name="{CASE}"', f'name="{name}"'), encoding="utf-8")
        _fill(synthetic, dataclasses.replace(stored, case=name, variants={
            VARIANT: stored.variants[VARIANT]}), versions, np.random.default_rng(number))
    return synthetic


def _fill(project: Project, first: Record, versions: int, random: np.random.Generator) -> None:
    """Write a case's heads, each distinct content through the store."""
    steady = first.variants[VARIANT]
    _write(project, dataclasses.replace(first, environment="reference"))
    head = ""
    for number in range(versions):
        name = f"torch-2.{number}.0"
        variant = steady
        if number % DRIFT == DRIFT - 1:
            variant = steady = _moved(steady, random, 1e-7)
        elif number % NOISE == NOISE // 2:
            variant = _moved(steady, random, 1e-16)
        if variant is not steady or not head or number % DRIFT == DRIFT - 1:
            _write(project, dataclasses.replace(first, environment=name,
                                                variants={VARIANT: variant}))
            text = project.baseline_path(first.case, name).read_text(encoding="utf-8")
            head = text.replace(name, "{name}") if variant is steady else head
        else:
            project.baseline_path(first.case, name).write_text(head.replace("{name}", name),
                                                               encoding="utf-8")


def _write(project: Project, record: Record) -> None:
    Baselines(project).write([record])


def _moved(variant: VariantRecord, random: np.random.Generator, size: float) -> VariantRecord:
    """Return a variant whose losses are changed by a relative size, at random."""
    trajectories = {}
    for precision, one in variant.trajectories.items():
        loss = np.asarray(one.loss, np.float64)
        loss = loss * (1 + size * random.integers(-2, 3, len(loss)))
        values = [float(str(value)) for value in loss.astype(precision)]
        trajectories[precision] = dataclasses.replace(one, loss=values, envelope=None)
    return dataclasses.replace(variant, trajectories=trajectories, key=None)


def _timeline(project: Project) -> tuple[float, float]:
    """Return seconds and GiB of the command in a process of its own."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "harness", "--root", str(project.root), "timeline"],
                   check=False, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
