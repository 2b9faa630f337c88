"""The recorder: what it costs a program of ten million parameters, against its targets.

Outside half; it runs a program plain and recorded by turns, in a pinned environment: under torch
``recorded_program.py``, under Keras ``recorded_keras_program.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.records.environment import parse
from harness.records.project import Project

TIME, EVERY_TENTH, MEMORY = 1.3, 1.1, 1.2
"""Largest time of a recorded program over that of the plain one, looking into every step or
into every tenth, and largest peak memory."""
SIZE = 5e6
"""Largest trace in bytes, of 1,000 steps and 200 tensors."""
PROGRAMS = {"torch": ("recorded_program.py", ("perceptron", "transformer")),
            "keras": ("recorded_keras_program.py", ("perceptron", "convolutions"))}
"""Program of a framework, and its models of ten million parameters."""
MANY = "many"
"""Model of 200 small tensors, of the program for torch."""
SIDES = {"plain": ("--plain",), "recorded": (), "every 10": ("--every", "10")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``recorder``."""
    parser.add_argument("--environment", default="torch-2.13.0", metavar="ENV")
    parser.add_argument("--python", metavar="PATH", help="interpreter instead of tox's")
    parser.add_argument("--steps", type=int, default=200, help="of each training")
    parser.add_argument("--rounds", type=int, default=3, help="trainings of each kind")
    parser.add_argument("--threads", type=int, default=2, help="that the framework uses")


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Measure, print the table; return whether every target is met."""
    table = Table("program", "side", "time", "ratio", "target", "processor", "memory", "trace")
    met = True
    for model in _program(options)[1]:
        best = _measure(project.root, options, model, options.steps)
        plain = best["plain"]
        for side, found in best.items():
            ratio, memory = (found[key] / plain[key] for key in ("seconds", "peak_kib"))
            target = EVERY_TENTH if side == "every 10" else TIME
            met = met and (side == "plain" or (ratio <= target and memory <= MEMORY))
            table.add_row(
                model, side, f"{found['seconds']:.2f} s", f"{ratio:.2f}",
                "" if side == "plain" else f"{target}", f"{found['busy'] / plain['busy']:.2f}",
                f"{memory:.2f}", f"{found['bytes'] / 1e6:.2f} MB")
    if parse(options.environment).framework == "torch":
        size = _run(project.root, options, MANY, 1000, ())["bytes"]
        met = met and size <= SIZE
        table.add_row(MANY, "recorded", "", "", f"{SIZE / 1e6:g} MB", "", "",
                      f"{size / 1e6:.2f} MB")
    console.print(table)
    return met


def _program(options: argparse.Namespace) -> tuple[Path, tuple[str, ...]]:
    """Return the program of an environment's framework, and its models."""
    name, models = PROGRAMS[parse(options.environment).framework]
    return Path(__file__).with_name(name), models


def _measure(root: Path, options: argparse.Namespace, model: str,
             steps: int) -> dict[str, dict[str, Any]]:
    """Return the least that each side took, over rounds in which they take turns."""
    rounds = [{side: _run(root, options, model, steps, words) for side, words in SIDES.items()}
              for _ in range(options.rounds)]
    assert len({found["loss"] for taken in rounds for found in taken.values()}) == 1
    return {side: {key: min(taken[side][key] for taken in rounds) for key in rounds[0][side]}
            for side in SIDES}


def _run(root: Path, options: argparse.Namespace, model: str, steps: int,
         words: tuple[str, ...]) -> dict[str, Any]:
    """Return what one run printed last, and how many bytes its trace has."""
    python = [options.python] if options.python else [
        "tox", "exec", "-q", "-e", options.environment, "--", "python"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.npz"
        done = subprocess.run(
            [*python, "-m", "harness.measure.recorder", "--trace", str(path), *words, "--",
             str(_program(options)[0]), model, f"--steps={steps}"],
            cwd=root, check=True, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(root),
                 "OMP_NUM_THREADS": f"{options.threads}"})
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return {**figures, "bytes": path.stat().st_size if path.exists() else 0}
