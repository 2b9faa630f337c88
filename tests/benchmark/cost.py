"""The cost: what the harness costs beside the bare frameworks, against its targets.

Outside half; it runs ``training.py`` in every pinned environment, then the quick matrix.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.environments.names import labelled, pinned
from harness.errors import unknown
from harness.records.environment import require
from harness.records.processor import machine
from harness.records.project import Project

TRAINING = 1.15
"""Largest median over the variants of the harness's time over a bare loop's."""
MEMORY = 1.1
"""Largest peak memory of a worker over that of the bare loops."""
QUICK = 1.5
"""Largest time of the warm quick matrix over its imports and training loops."""
SECONDS = re.compile(r"^(?P<environment>\S+)  (?P<what>imported|\S+: \d+ variants.*)"
                     r" in (?P<seconds>[\d.]+) s(, probes .*)?$", re.MULTILINE)
"""What ``harness run`` prints of an import and of a measured case."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``cost``."""
    parser.add_argument("environments", nargs="*", metavar="ENV", help="default: the quick matrix")
    parser.add_argument("--rounds", type=int, help="times each side trains a variant")
    parser.add_argument("--variant", action="append", metavar="PATTERN")
    parser.add_argument("--no-quick", action="store_true", help="leave out the quick matrix")


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Measure, print the tables; return whether every target is met."""
    known = [name for name in pinned(project.root)
             if require(name).adapter != "reference"]
    for name in options.environments:
        if name not in known:
            raise unknown("environment", name, known)
    frameworks = [name for name in labelled(project.root, "quick") if name in known]
    extra = [f"--variant={pattern}" for pattern in options.variant or []]
    extra += [f"--rounds={options.rounds}"] if options.rounds else []
    rows = [row(measure(project.root, name, extra)) for name in options.environments or frameworks]
    console.print(render(rows))
    console.print(span(rows))
    met = all(cells["met"] for cells in rows)
    return met if options.no_quick else quick(project.root, console) and met


# ------------------------------------------------ training and memory
def measure(root: Path, environment: str, extra: list[str]) -> dict[str, Any]:
    """Return what ``training.py`` measured in one pinned environment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.json"
        subprocess.run(["tox", "exec", "-q", "-e", environment, "--", "python", "-m",
                        "tests.benchmark.training", environment, "--json", str(path), *extra],
                       cwd=root, check=True)
        figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def row(figures: dict[str, Any]) -> dict[str, Any]:
    """Return one environment's ratios and whether they meet their targets."""
    ratios = [variant["ratio"] for variant in figures["variants"]]
    median, peaks = statistics.median(ratios), figures["peak_kib"]
    memory = peaks["harness"] / peaks["bare"]
    return {
        "environment": figures["environment"],
        "trainings": len(ratios),
        "median": median,
        "p90": sorted(ratios)[math.ceil(0.9 * len(ratios)) - 1],
        "memory": memory,
        "peak_mib": peaks["harness"] / 1024,
        "import_seconds": figures["import_seconds"],
        "met": median <= TRAINING and memory <= MEMORY,
    }


def render(rows: list[dict[str, Any]]) -> Table:
    """Return the table of all environments."""
    table = Table(title="The harness over a hand-written loop of the same framework")
    table.add_column("environment")
    for heading in ("trainings", f"time, median\n(≤ {TRAINING})", "time,\n90th percentile",
                    f"peak memory\n(≤ {MEMORY})", "worker's peak", "import", "target"):
        table.add_column(heading, justify="right")
    for cells in rows:
        table.add_row(cells["environment"], str(cells["trainings"]), f"{cells['median']:.3f}",
                      f"{cells['p90']:.3f}", f"{cells['memory']:.3f}",
                      f"{cells['peak_mib']:.0f} MiB", f"{cells['import_seconds']:.1f} s",
                      "met" if cells["met"] else "[red]missed[/red]")
    return table


def span(rows: list[dict[str, Any]]) -> str:
    """Return in a sentence from where to where the costs of all environments go."""
    def cost(name: str) -> str:
        found = sorted(100 * (cells[name] - 1) for cells in rows)
        return f"{found[0]:.1f} to {found[-1]:.1f} %"

    trainings = sum(cells["trainings"] for cells in rows)
    return (f"{machine()['cpu']['model']}: {cost('median')} of the training time, median of each "
            f"environment ({trainings} trainings; 90th percentiles {cost('p90')}), "
            f"{cost('memory')} of the memory")


# -------------------------------------------------------- quick matrix
def quick(root: Path, console: Console) -> bool:
    """Time the warm quick matrix once, print the ratio; return whether it meets its target."""
    started = time.perf_counter()
    run = subprocess.run(["tox", "run", "-m", "quick"], cwd=root, stdout=subprocess.PIPE,
                         encoding="utf-8", check=False)
    total = time.perf_counter() - started
    found = [(match["what"] == "imported", float(match["seconds"]))
             for match in SECONDS.finditer(run.stdout)]
    imports = sum(seconds for imported, seconds in found if imported)
    training = sum(seconds for imported, seconds in found if not imported)
    if not imports or not training:
        console.print(run.stdout[-3000:], "tox run -m quick measured nothing", markup=False)
        return False
    if run.returncode:
        console.print(f"tox run -m quick ended with exit code {run.returncode}")
    ratio = total / (imports + training)
    console.print(f"tox run -m quick, warm: {total:.1f} s, of which imports {imports:.1f} s and "
                  f"training {training:.1f} s: {ratio:.2f} x (≤ {QUICK})")
    return ratio <= QUICK
