"""The harness's training against hand-written loops, inside one pinned environment.

Called in the checkout with that environment's interpreter:
``python -m tests.benchmark.training torch-2.13.0 --json FILE``. Standard library,
NumPy and the one framework; the sides take turns, since only their ratio means
anything on a machine that others use as well.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np

from harness.errors import UnsupportedError
from harness.measure.adapters.loading import load
from harness.measure.adapters.task import Task, prepare
from harness.records.environment import require
from harness.records.project import Project, select_variants
from harness.vocabulary.case import PRECISIONS

ROOT = Path(__file__).resolve().parents[2]
SIDES = ("harness", "bare")
COMPARED = ("xor", "imbalanced_binary")
"""Cases that the hand-written loops can express."""
ROUNDS = 3
"""Times each side trains a variant; the fastest counts, as in ``timeit``."""
TOLERANCE = 1e-6
"""Largest relative difference of two losses that are of the same training."""


def main() -> int:
    """Measure what the arguments say, and write or print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="training.py", description=__doc__)
    parser.add_argument("environment", help="its name, such as torch-2.13.0")
    parser.add_argument("--json", type=Path, metavar="FILE", help="default: standard output")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--variant", action="append", metavar="PATTERN")
    parser.add_argument("--memory", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        figures = peak(options.environment, options.memory, options.variant)
    else:
        figures = measure(options.environment, options.variant, options.rounds)
    text = json.dumps(figures, indent=1) + "\n"
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


def measure(environment: str, patterns: list[str] | None, rounds: int) -> dict[str, Any]:
    """Return the figures of one environment.

    The children come first, while this process is small: on Linux a child starts
    with its parent's peak as its own.
    """
    children = {side: in_child(environment, side, patterns) for side in SIDES}
    bare = load_bare(environment)
    return {
        "environment": environment,
        "import_seconds": children["bare"]["import_seconds"],
        "peak_kib": {side: children[side]["peak_kib"] for side in SIDES},
        "variants": [] if bare is None else compare(environment, bare, patterns, rounds),
    }


# ------------------------------------------------------------------ time
def compare(environment: str, bare: Any, patterns: list[str] | None,
            rounds: int) -> list[dict[str, Any]]:
    """Return name, both times and their ratio of every variant and precision.

    What either side cannot express is left out.
    """
    adapter = load(environment)
    found = []
    for task in tasks(patterns):
        name = f"{task.case.name} {task.variant.name} {task.precision}"
        try:
            seconds = alternate(name, lambda task=task: adapter.build(task).train().loss,
                                lambda task=task: bare.train(task), rounds)
        except (NotImplementedError, UnsupportedError) as error:
            print(f"{name}  left out: {error}", file=sys.stderr)
            continue
        ratio = seconds["harness"] / seconds["bare"]
        print(f"{name}  {ratio:.3f}  ({seconds['bare'] * 1e3:.0f} ms)", file=sys.stderr)
        found.append({"name": name, "ratio": ratio, **seconds})
    return found


def alternate(name: str, harness: Callable[[], list[float]], bare: Callable[[], list[float]],
              rounds: int) -> dict[str, float]:
    """Return the fewest seconds of each side, run as A B, B A, A B, ...

    Raises:
        AssertionError: the losses of the two sides are not those of one training.
    """
    sides = [("harness", harness), ("bare", bare)]
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    losses: dict[str, list[float]] = {}
    for _ in range(rounds):
        for side, train in sides:
            gc.collect()
            started = time.perf_counter()
            losses[side] = train()
            times[side].append(time.perf_counter() - started)
        sides.reverse()
    np.testing.assert_allclose(losses["harness"], losses["bare"], TOLERANCE, TOLERANCE,
                               err_msg=name)
    return {side: min(times[side]) for side in SIDES}


def tasks(patterns: list[str] | None) -> Iterator[Task]:
    """Yield the training tasks of the selected variants of the compared cases."""
    project = Project(ROOT)
    for case in project.cases(list(COMPARED)):
        batches = project.batches(case)
        for variant in select_variants(case, patterns):
            weights = project.weights(variant)
            for precision in PRECISIONS:
                yield prepare(case, variant, precision, batches, weights)


def load_bare(environment: str) -> Any:
    """Return the module of hand-written loops, None for the reference."""
    name = require(environment).adapter
    return None if name == "reference" else importlib.import_module(f"tests.benchmark.bare_{name}")


# ---------------------------------------------------------------- memory
def in_child(environment: str, side: str, patterns: list[str] | None) -> dict[str, Any]:
    """Return one side's figures from a fresh process."""
    command = [sys.executable, "-m", "tests.benchmark.training", environment, "--memory", side]
    command += [f"--variant={pattern}" for pattern in patterns or []]
    child = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(child.stdout)
    return figures


def peak(environment: str, side: str, patterns: list[str] | None) -> dict[str, Any]:
    """Return this process's peak memory after one side's work, and its import time."""
    if side == "harness":
        seconds = work(environment, patterns)
    else:
        started = time.perf_counter()
        bare = load_bare(environment)
        seconds = time.perf_counter() - started
        for task in tasks(patterns) if bare else []:
            with contextlib.suppress(NotImplementedError):
                bare.train(task)
    return {"import_seconds": seconds,
            "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def work(environment: str, patterns: list[str] | None) -> float:
    """Do what a worker does but for the probes, in a copy; return its import seconds."""
    started = time.perf_counter()
    adapter = load(environment)
    seconds = time.perf_counter() - started
    for task in tasks(patterns):
        with contextlib.suppress(UnsupportedError):
            adapter.build(task).train()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
