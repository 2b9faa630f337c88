"""Kills at random moments of run, accept, merge, import and nightly: nothing is lost or left.

Real processes in a small project whose only environment is the reference. Half of the kills come
after a random time, half when a file is just being written. After each of them no process that
the command started may be there for longer than two seconds, every record must be readable and
be what it was before or what it was to become, and the next command must leave no temporary file.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.commands import cli
from harness.files import temporary
from harness.measure import supervisor
from harness.records import manifest
from harness.records import writing as serialization
from harness.records.paths import MANIFESTS
from harness.records.project import Project
from harness.records.record import Record
from harness.store.baselines import Baselines
from harness.store.reading import records as reading
from harness.store.shards import content
from tests.kit.trouble import ROOT, Command, is_soon

CASE, ENVIRONMENT, STEPS = "imbalanced_binary", "reference", 30
NIGHT = "attacked"
PATIENCE = 2.0
"""Seconds after which no process may be left."""
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
"""What a kill is drawn from."""
SHORT = f"""
_read, _whole = read, CASE

def read(data):
    order = np.asarray(data["order"]).reshape(-1, data["batch_size"])[:{STEPS}]
    return _read({{**data, "order": order}})

CASE = replace(_whole, read=read, variants=_whole.variants[:2], metric_every=10)
"""
TOX_INI = f"""[tox]
labels =
    small = {ENVIRONMENT}, compare
[matrix]
environments =
    {ENVIRONMENT}
"""
TOX = """#!/bin/sh
while [ "$1" != "--" ]; do shift; done
shift
"$@"
"""
"""Stands in for tox, which runs a command as its child."""


@dataclass
class Tally:
    """What came of the kills of one operation.

    Args:
        kills: those that came before the command's own end.
        writing: those that came while a file was being written.
        found: how often each kind of damage was seen; what must stay empty.
    """

    kills: int = 0
    writing: int = 0
    found: Counter[str] = field(default_factory=Counter)


class Scene:
    """A small project, two records that take turns in it, and the commands to be killed."""

    def __init__(self, root: Path) -> None:
        self.project = build(root)
        self.first = self._measure()
        self.second = copy.deepcopy(self.first)
        for variant in self.second.variants.values():
            for trajectory in variant.trajectories.values():
                trajectory.loss = [value * 1.25 for value in trajectory.loss]
        self.known = {content(self.first), content(self.second)}
        self.turn = 0
        self.call("accept", ENVIRONMENT, "--reason", "the first")

    def _measure(self) -> Record:
        pieces = [supervisor.Work(CASE)]
        failures = supervisor.run(self.project, ENVIRONMENT, pieces, 600, lambda event: None)
        assert not failures, failures
        record = reading.read(self.project.run_path(CASE, ENVIRONMENT))
        record.variants = dict(record.variants.items())
        return record

    def command(self, operation: str) -> tuple[str, ...]:
        """Prepare an operation that changes something; return its arguments."""
        self.turn += 1
        record = (self.first, self.second)[self.turn % 2]
        run, file = self.project.run_path(CASE, ENVIRONMENT), self.project.root / "record.json"
        shard = self.project.root / "shard" / CASE / f"{ENVIRONMENT}.json"
        if operation == "run":
            return "run", "--environment", ENVIRONMENT, "--again", "--jobs", "1"
        if operation == "accept":
            serialization.write(record, run)
            return "accept", ENVIRONMENT, "--reason", f"turn {self.turn}"
        if operation == "merge":
            serialization.write(record, shard)
            return "merge", shutil.make_archive(str(shard.parents[1]), "zip", shard.parents[1])
        if operation == "import":
            serialization.write(record, file)
            return "import", str(file)
        serialization.write(self.second, run)
        manifest.end(self.project, ENVIRONMENT, [run], NIGHT)
        return "nightly", "--label", "small"

    def start(self, operation: str) -> Command:
        """Start an operation."""
        path = os.pathsep.join([str(self.project.root / "bin"), str(Path(sys.executable).parent),
                                os.environ["PATH"]])
        return Command(self.project, self.command(operation),
                       {"env": {"PATH": path, manifest.NIGHT: NIGHT}})

    def call(self, *arguments: str) -> int:
        """Run a command in this process, to its end; return its exit code."""
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return cli.main(["--root", str(self.project.root), *arguments])

    def next_command(self) -> None:
        """Run the next command that writes something, to its end."""
        file = self.project.root / "next.json"
        serialization.write(self.first, file)
        self.call("import", str(file))

    def records(self) -> dict[Path, Record]:
        """Return all records, read to the last variant; manifests are read as well.

        Raises:
            HarnessError: one is damaged.
        """
        found = {}
        for path in self.project.results.rglob(f"{ENVIRONMENT}.json"):
            if path.parent.name == MANIFESTS:
                manifest.read(Project(self.project.root, path.parents[1]), ENVIRONMENT)
                continue
            is_baseline = self.project.baselines in path.parents
            record = Baselines(self.project).read(path) if is_baseline else reading.read(path)
            record.variants = dict(record.variants.items())
            found[path] = record
        return found

    def check(self, before: dict[Path, Record]) -> list[str]:
        """Return what is wrong with the files."""
        found = []
        try:
            records = self.records()
        except Exception as error:
            return [f"half-written: {type(error).__name__}"]
        found += ["lost" for path in before if path not in records
                  and "confirmation" not in path.parts]
        found += ["half-written" for record in records.values()
                  if content(record) not in self.known]
        found += ["lost" for record in records.values()
                  if any(one.error for one in record.variants.values())]
        for path in self.project.results.glob("*.json"):
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                found.append("half-written")
        history = self.project.results / "history.sqlite"
        if history.exists():
            with contextlib.closing(sqlite3.connect(history)) as database:
                if database.execute("PRAGMA quick_check").fetchone() != ("ok",):
                    found.append("half-written")
        return found


def build(root: Path) -> Project:
    """Write a project with one short case and a stand-in for tox; return it."""
    shutil.copytree(ROOT / "cases", root / "cases", ignore=shutil.ignore_patterns(
        "__py*", *(path.name for path in (ROOT / "cases").glob("*.py") if path.stem != CASE)))
    case = root / "cases" / f"{CASE}.py"
    case.write_text(case.read_text(encoding="utf-8") + SHORT, encoding="utf-8")
    (root / "tox.ini").write_text(TOX_INI, encoding="utf-8")
    (root / "bin").mkdir()
    (root / "bin" / "tox").write_text(TOX, encoding="utf-8")
    (root / "bin" / "tox").chmod(0o755)
    return Project(root)


OPERATIONS = ("run", "accept", "merge", "import", "nightly")


def attack(scene: Scene, kills: int, seed: int) -> dict[str, Tally]:
    """Kill every operation about as often; return what came of it so far, if interrupted."""
    draw = random.Random(seed)
    seconds = {operation: _last(scene, operation) for operation in OPERATIONS}
    tallies = {operation: Tally() for operation in OPERATIONS}
    with contextlib.suppress(KeyboardInterrupt):
        while (number := sum(tally.kills for tally in tallies.values())) < kills:
            operation = OPERATIONS[number % len(OPERATIONS)]
            _kill(scene, operation, seconds[operation], draw, tallies[operation])
    return tallies


def _last(scene: Scene, operation: str) -> float:
    """Return how long an operation lasts that nobody kills."""
    started = time.monotonic()
    command = scene.start(operation)
    told = command.finish()
    assert command.process.returncode in (0, 1), told
    return time.monotonic() - started


def _kill(scene: Scene, operation: str, seconds: float, draw: random.Random,
          tally: Tally) -> None:
    """Kill an operation once, unless it ends too early, and look at what it leaves."""
    scene.next_command()
    before = scene.records()
    waits = draw.uniform(0, seconds)
    wanted = draw.choice((0, draw.randrange(1, 4)))  # files, of which the last is being written
    command = scene.start(operation)
    _wait(scene, command, waits, wanted)
    if command.process.poll() is None:
        tally.kills += 1
        tally.writing += bool(temporary(scene.project.results))
    command.process.send_signal(draw.choice(SIGNALS))
    command.process.wait()
    if not is_soon(lambda: not command.alive(), PATIENCE):
        tally.found[f"orphans: {'; '.join(command.alive())}"] += 1
    command.finish()
    tally.found.update(scene.check(before))
    scene.next_command()
    tally.found.update("temporary" for _ in temporary(scene.project.results))
    tally.found.update(scene.check(before))


def _wait(scene: Scene, command: Command, seconds: float, files: int) -> None:
    """Wait for a time, or until so many files have been seen that are being written."""
    seen: set[Path] = set()
    end = time.monotonic() + (60 if files else seconds)
    while command.process.poll() is None and time.monotonic() < end:
        if files:
            seen.update(temporary(scene.project.results))
            if len(seen) >= files:
                return
        time.sleep(0.0005 if files else min(0.005, max(0.0, end - time.monotonic())))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how often to kill."""
    parser.add_argument("--kills", type=int, default=300, help="(default 300)")


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Print what came of the kills; return whether nothing was lost or left."""
    with tempfile.TemporaryDirectory() as folder:
        tallies = attack(Scene(Path(folder)), options.kills, options.seed)
    kinds = ("orphans", "lost", "half-written", "temporary")
    table = Table("command", "kills", "while writing", *kinds,
                  title="killed at random moments")
    for operation, tally in tallies.items():
        table.add_row(operation, str(tally.kills), str(tally.writing),
                      *(str(sum(count for what, count in tally.found.items()
                                if what.startswith(kind))) for kind in kinds))
    console.print(table)
    for operation, tally in tallies.items():
        for what, count in tally.found.items():
            console.print(f"{operation}: {count} times {what}", markup=False)
    return not any(tally.found for tally in tallies.values())
