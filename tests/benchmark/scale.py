"""The scale-out: how much faster two Dask workers on this machine are than one.

Outside half. The whole run counts, from starting the cluster and importing the framework
to the written record; one and two Dask workers alternate, so that what else goes on here
slows both.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.errors import HarnessError, UsageError
from harness.measure import plan
from harness.records.project import Project

SPEED = 1.7
"""Smallest median over the rounds of one Dask worker's time over that of two."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``scale``."""
    parser.add_argument("--environment", default="torch-2.13.0")
    parser.add_argument("--case", default="conv1d_stability")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, help="of the native runs (default: the case's)")


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Measure, print the table; return whether the target is met."""
    if options.rounds < 1:
        raise UsageError("no round to measure", numbers=f"--rounds {options.rounds}")
    table = Table(title=f"native runs of {options.case} in {options.environment}")
    for heading in ("round", "1 Dask worker", "2 Dask workers", "speed"):
        table.add_column(heading, justify="right")
    speeds = []
    for number in range(options.rounds):
        times = {count: seconds(project, options, count)
                 for count in ((1, 2) if number % 2 == 0 else (2, 1))}
        speeds.append(times[1] / times[2])
        table.add_row(str(number + 1), f"{times[1]:.1f} s", f"{times[2]:.1f} s",
                      f"{speeds[-1]:.2f} x")
    console.print(table)
    median = statistics.median(speeds)
    console.print(f"two Dask workers: {median:.2f} x the speed of one (≥ {SPEED})")
    return median >= SPEED


def seconds(project: Project, options: argparse.Namespace, count: int) -> float:
    """Return how long a number of Dask workers takes for all native runs.

    Raises:
        HarnessError: a run failed.
    """
    from harness.commands import scaling

    name = options.environment
    seeds = None if options.seeds is None else range(options.seeds)
    pieces = plan.native([project.case(options.case)], seeds)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        code = scaling.run(Project(project.root, Path(folder)), {name: pieces}, (),
                           f"local:{count}", 600)
        spent = time.perf_counter() - started
    if code:
        raise HarnessError("not all native runs could be trained", name)
    return spent
