"""How many known changes of released frameworks ``harness try`` finds, and how often it cries wolf.

``python -m tests.benchmark programs [--only PATTERN]``. The programs, what changed under them
and who said so stand in ``programs/known.toml``, pairs of versions under which nothing changed
in ``programs/clean.toml``. Results are kept, so that a campaign that was ended goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.errors import HarnessError
from harness.programs.runs import launching
from harness.programs.runs.launching import Side
from harness.programs.runs.running import Program, Ran, Runner
from harness.programs.runs.session import Session
from harness.programs.runs.tried import Tried
from harness.programs.sides import asked as sides
from harness.programs.sides.asked import Asked, Common
from harness.records.project import Project
from tests.benchmark.programs_warm import LIMIT, Warm, WarmRunner

PROGRAMS = Path(__file__).with_name("programs")
KNOWN, CLEAN = "known", "clean"
FLAGGED, RIGHT = 0.95, 0.875
"""Shares of the known changes to be flagged, and to be flagged in the right channel."""
MODULES = {"torch": ("torch", "torch._dynamo"), "pytorch_optimizer": ("torch", "torch._dynamo"),
           "tensorflow-cpu": ("tensorflow",)}
BACKENDS = {"torch": ("torch", "torch._dynamo", "tensorflow"), "tensorflow": ("tensorflow",)}


@dataclass(frozen=True)
class Place:
    """One side of a pair, as the table has it.

    Args:
        version: of the package.
        variables: of the environment.
    """

    version: str
    variables: Mapping[str, str]

    def __str__(self) -> str:
        return " ".join([self.version, *(f"{k}={v}" for k, v in self.variables.items())])


@dataclass(frozen=True)
class Pair:
    """A program under two sides, and what is to come out.

    Args:
        kind: ``known`` or ``clean``.
        channels: that are right; empty for a clean pair.
        environments: by version, what it is made of beside the package; and its Python.
    """

    kind: str
    program: str
    package: str
    baseline: Place
    observed: Place
    channels: tuple[str, ...] = ()
    tensor: str = ""
    extra: tuple[str, ...] = ()
    pythons: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called in the table and on the command line."""
        return f"{self.program} {self.package} {self.baseline} -> {self.observed}"

    @property
    def modules(self) -> tuple[str, ...]:
        """What a warm process imports."""
        backend = self.baseline.variables.get("KERAS_BACKEND", "")
        same = backend == self.observed.variables.get("KERAS_BACKEND", "")
        return BACKENDS.get(backend, ()) if self.package == "keras" and same \
            else MODULES.get(self.package, ())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this part."""
    parser.add_argument("--only", default="*", metavar="PATTERN", help="names of pairs")
    parser.add_argument("--kind", choices=(KNOWN, CLEAN), help="only these")
    parser.add_argument("--environments", type=Path, metavar="DIR",
                        help="folder of ready environments, PACKAGE-VERSION each")
    parser.add_argument("--warm", action="store_true",
                        help="fork runs from processes that have imported the framework")
    parser.add_argument("--cache", type=Path, default=Path("results/benchmark/programs.jsonl"),
                        help="results so far")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder for the traces")
    parser.add_argument("--again", action="store_true", help="measure what is kept, too")


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Run the campaign, and return whether its targets are met."""
    chosen = [pair for pair in pairs() if fnmatch(pair.name, f"*{options.only}*")
              and options.kind in (None, pair.kind)]
    results = Results(options.cache)
    with tempfile.TemporaryDirectory() as name, Warm() as warm:
        campaign = Campaign(options, Path(options.keep or name).resolve(), warm)
        for _, group in itertools.groupby(chosen, key=lambda pair: pair.program):
            memory: dict[tuple[str, ...], Ran] = {}
            for pair in group:
                digest = results.key(pair)
                if digest in results.known and not options.again:
                    continue
                found = campaign.run(pair, memory)
                results.add(digest, found)
                console.print(line(found))
    rows = [results.known[results.key(pair)] for pair in chosen
            if results.key(pair) in results.known]
    console.print(table(rows))
    return is_met(rows, console)


def pairs() -> Iterator[Pair]:
    """Return every pair of both tables."""
    for one in tomllib.loads((PROGRAMS / f"{KNOWN}.toml").read_text())["change"]:
        yield _pair(KNOWN, one, *(
            Place(str(one[side]), {**one.get("variables", {}), **one.get(f"{side}_variables", {})})
            for side in ("baseline", "observed")))
    for one in tomllib.loads((PROGRAMS / f"{CLEAN}.toml").read_text())["program"]:
        places = [Place(version, {**one.get("variables", {}), **more})
                  for version in one["versions"]
                  for more in one.get("settings", [{}])]
        for baseline, observed in itertools.combinations(places, 2):
            yield _pair(CLEAN, one, baseline, observed)


def _pair(kind: str, one: Mapping[str, Any], baseline: Place, observed: Place) -> Pair:
    channel = one.get("channel", ())
    return Pair(kind, one["program"], one["package"], baseline, observed,
                (channel,) if isinstance(channel, str) else tuple(channel),
                one.get("tensor", ""), tuple(one.get("extra", ())), one.get("pythons", {}))


class Campaign:
    """Runs pairs.

    Args:
        folder: for what the runs leave.
    """

    def __init__(self, options: argparse.Namespace, folder: Path, warm: Warm) -> None:
        self.options = options
        self.folder = folder
        self.warm = warm
        self.made: dict[tuple[str, ...], Side] = {}

    def run(self, pair: Pair, memory: dict[tuple[str, ...], Ran]) -> dict[str, Any]:
        """Return what came out of one pair, as JSON data."""
        told = {"name": pair.name, "kind": pair.kind, "program": pair.program,
                "package": pair.package, "baseline": str(pair.baseline),
                "observed": str(pair.observed), "expected": list(pair.channels)}
        folder = self.folder / pair.program / hashlib.sha256(pair.name.encode()).hexdigest()[:10]
        folder.mkdir(parents=True, exist_ok=True)
        told["folder"] = str(folder)
        try:
            tried = self._try(pair, folder, memory)
        except HarnessError as error:
            return {**told, "verdict": "error", "channel": "", "said": str(error)[:900]}
        return {**told, **_told(tried)}

    def _try(self, pair: Pair, folder: Path, memory: dict[tuple[str, ...], Ran]) -> Tried:
        program = Program((str(PROGRAMS / f"{pair.program}.py"),), limit=LIMIT)
        baseline, observed = (self._side(name, pair, place, folder) for name, place
                              in (("baseline", pair.baseline), ("observed", pair.observed)))
        differences = sides.differences(baseline, observed, {pair.package})
        runner = WarmRunner(program, folder / "runs", self.warm, pair.modules, memory) \
            if self.options.warm else Runner(program, folder / "runs")
        runner.folder.mkdir(exist_ok=True)
        return Session(baseline, observed, differences, runner, 1).run()

    def _side(self, name: str, pair: Pair, place: Place, folder: Path) -> Side:
        key = (name, pair.package, place.version, *pair.extra)
        if key not in self.made:
            ready = (self.options.environments or Path()) / f"{pair.package}-{place.version}"
            wanted = (str(ready.resolve()),) if self.options.environments and ready.is_dir() \
                else (f"{pair.package}=={place.version}", *pair.extra)
            asked = Asked(wanted, pair.pythons.get(place.version))
            self.made[key] = sides.make(asked, asked, Common(folder))[0]
        made = self.made[key]
        return Side(name, made.environment, folder, dict(place.variables))


def _told(tried: Tried) -> dict[str, Any]:
    judgement = tried.judgement
    first = judgement.first
    return {"verdict": judgement.verdict.word, "channel": first.channel if first else "",
            "tensor": first.tensor if first else "", "step": first.step if first else None,
            "said": first.sentence if first else "",
            "others": [cause.sentence for cause in judgement.differences[1:]],
            "equivalent": [cause.sentence for cause in judgement.causes
                           if not cause.verdict.is_difference][:3],
            "lines": list(tried.lines(())), "runs": tried.runs}


class Results:
    """What came out so far, one line of JSON a pair, by all that it depends on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        self.known: dict[str, dict[str, Any]] = {}
        for one in map(json.loads, lines):
            if one["verdict"] != "error":  # what could not run is tried again
                self.known[one["key"]] = one
        self.package = ""

    def key(self, pair: Pair) -> str:
        """Return the digest of a pair: its program, its sides, what is expected."""
        text = (PROGRAMS / f"{pair.program}.py").read_text(encoding="utf-8")
        return hashlib.sha256(json.dumps([pair.name, text, pair.extra]).encode()).hexdigest()[:20]

    def add(self, key: str, result: dict[str, Any]) -> None:
        """Keep a result."""
        result = {**result, "key": key, "recorder": launching.package().name}
        self.known[key] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(result) + "\n")


def outcome(row: Mapping[str, Any]) -> str:
    """Return what a result is worth: ``right``, ``other channel``, ``missed``, ``silent``..."""
    flagged = row["verdict"] not in ("identical", "equivalent", "error")
    if row["verdict"] == "error":
        return "error"
    if row["kind"] == CLEAN:
        return "ALARM" if flagged else "silent"
    if not flagged:
        return "MISSED"
    return "right" if row["channel"] in row["expected"] else "other channel"


def line(row: Mapping[str, Any]) -> str:
    """Return one result in a line."""
    return f"{outcome(row):13} {row['name']}: {row['verdict']} {row['channel']} {row['said'][:200]}"


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of all results."""
    found = Table("outcome", "program", "package", "baseline", "observed", "verdict", "channel",
                  "expected")
    for row in rows:
        if row["kind"] == KNOWN or outcome(row) != "silent":
            found.add_row(outcome(row), row["program"], row["package"], row["baseline"],
                          row["observed"], row["verdict"], row["channel"],
                          " or ".join(row["expected"]))
    return found


def is_met(rows: Sequence[Mapping[str, Any]], console: Console) -> bool:
    """Print the three numbers, and return whether they are good enough."""
    known = [outcome(row) for row in rows if row["kind"] == KNOWN]
    clean = [outcome(row) for row in rows if row["kind"] == CLEAN]
    right, flagged = known.count("right"), len(known) - known.count("MISSED") - known.count("error")
    alarms = clean.count("ALARM")
    console.print(f"known changes: {flagged} of {len(known)} flagged, {right} in the right "
                  f"channel; clean pairs: {clean.count('silent')} of {len(clean)} silent, "
                  f"{alarms} alarms; {(known + clean).count('error')} could not run")
    return flagged >= FLAGGED * len(known) and right >= RIGHT * len(known) and not alarms
