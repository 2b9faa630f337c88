"""The attack on every reader: thousands of damaged records, waivers, pins, data and archives.

Outside half. What is damaged must be refused or be that record's problem: no traceback, no
hang, no file outside the project, nothing in the output that a terminal or a CI system obeys,
and no verdict that goes away although nothing that was measured changed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import stat
import tempfile
import time
import traceback
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.commands.cli import main as harness
from harness.errors import DIFFERENCE, HarnessError
from harness.history.history import Figure, Night, Side, Told, append, path_of
from harness.records import manifest, native_record, writing
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import Record, VariantRecord
from harness.store.accepting import accept
from harness.store.reading import records as reading
from harness.store.store import Store
from tests.kit.mutations import damage, mutate

ENVIRONMENT = "torch-2.13.0"
CASES = {"conv1d_stability": ("mse-adam_0.015", "bce_sigmoid-adam_0.015"),
         "masked_sequences": ("decoder_reduction_none-sgd_0.3",)}
"""The cases, and the variants of each that are attacked: all that a record can hold."""
NATIVE = "conv1d_stability"
PATIENCE = 30
"""Seconds after which a command hangs."""
MEMORY = 1_000_000
"""KiB that the whole campaign may take, the harness and what it imports among them."""
COMMAND = re.compile(r"^\s*::|##[a-zA-Z]*\[", re.MULTILINE)
Key = tuple[str, str, str]
"""Variant, kind of comparison, and check."""


@dataclass
class Tally:
    """What became of the mutations of one reader."""

    mutations: int = 0
    refused: int = 0
    tracebacks: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    escaped: list[str] = field(default_factory=list)
    obeyed: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    changed: int = 0

    @property
    def failures(self) -> list[str]:
        """Everything that must not be."""
        return [*self.tracebacks, *self.hangs, *self.escaped, *self.obeyed, *self.unseen]


class Hang(BaseException):
    """A command took too long."""


class Attack:
    """A project below a folder of its own, and everything that is done to it.

    Args:
        checkout: where real baselines are taken from.
        folder: empty; nothing but the project and its inputs may ever lie in it.
    """

    def __init__(self, checkout: Project, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.folder, self.root = folder, folder / "a" / "b" / "project"
        self.inputs = folder / "inputs"
        self.project = Project(self.root)
        self.tallies: dict[str, Tally] = {}
        _furnish(checkout, self.project)
        self.inputs.mkdir()
        self.drifting = {case: self._drift(case) for case in CASES}
        self.outside = self._outside()
        self.seen = {case: self._differences(case)[1] for case in CASES}
        self.readers: dict[str, Callable[[Tally], None]] = {
            "records": self._record, "native": self._native, "import": self._import,
            "axon": self._axon, "waivers": self._waivers, "tox.ini": self._pins,
            "case data": self._data, "baselines": self._baseline, "history": self._history,
            "history rows": self._rows, "archives": self._archive,
            "manifests": self._manifest}

    def run(self, count: int, readers: list[str]) -> dict[str, Tally]:
        """Make so many mutations, in turn of every reader; return what became of them."""
        for number in range(count):
            name = readers[number % len(readers)]
            tally = self.tallies.setdefault(name, Tally())
            tally.mutations += 1
            self.readers[name](tally)
        return self.tallies

    # ------------------------------------------------------------------ readers
    def _record(self, tally: Tally) -> None:
        case = self.chance.choice(list(CASES))
        target = self.project.run_path(case, ENVIRONMENT)
        data = self._mutated(self.drifting[case])
        with self._replaced(target, data):
            code, found = self._differences(case, tally)
        tally.refused += code > DIFFERENCE
        self._judge(tally, case, data, code, found)

    def _native(self, tally: Tally) -> None:
        path = self.project.native_baseline_path(NATIVE, ENVIRONMENT)
        data = self._mutated(path.read_text(encoding="utf-8"))
        with self._replaced(self.project.native_run_path(NATIVE, ENVIRONMENT), data):
            tally.refused += self._run(tally, "compare", ENVIRONMENT, "--case", NATIVE) > DIFFERENCE

    def _import(self, tally: Tally) -> None:
        case = self.chance.choice(list(CASES))
        source = self.inputs / "record.json"
        source.write_bytes(self._mutated(self.drifting[case]))
        with self._kept():
            tally.refused += self._run(tally, "import", str(source)) > DIFFERENCE

    def _axon(self, tally: Tally) -> None:
        source = self.inputs / "axon" / "curves" / "curve.json"
        if not source.parent.exists():
            source.parent.mkdir(parents=True)
            shutil.copytree(self.root / "cases" / "data", self.inputs / "axon" / "data")
        source.write_bytes(self._mutated(json.dumps(_curve(self.project))))
        with self._kept():
            tally.refused += self._run(tally, "import", str(source)) > DIFFERENCE

    def _waivers(self, tally: Tally) -> None:
        path = self.root / "results" / "waivers.toml"
        data = damage(path.read_bytes(), self.chance)
        with self._replaced(path, data):
            tally.refused += self._run(tally, "compare", ENVIRONMENT, "--case",
                                       "masked_sequences") > DIFFERENCE

    def _pins(self, tally: Tally) -> None:
        path = self.root / "tox.ini"
        with self._replaced(path, damage(path.read_bytes(), self.chance)):
            tally.refused += self._run(tally, "list", "--label", "full") > DIFFERENCE

    def _data(self, tally: Tally) -> None:
        case = self.project.case(self.chance.choice(list(CASES)))
        name = self.chance.choice((case.data, case.variants[0].weights))
        path = self.project.data_path(name)
        with self._replaced(path, self._mutated(path.read_text(encoding="utf-8"))):
            tally.refused += self._run(tally, "compare", ENVIRONMENT, "--case",
                                       case.name) > DIFFERENCE
            with self._watched(tally, "weights"), contextlib.suppress(HarnessError):
                self.project.weights(case.variants[0])

    def _baseline(self, tally: Tally) -> None:
        case = self.chance.choice(list(CASES))
        paths = [self.project.baseline_path(case, ENVIRONMENT),
                 self.project.native_baseline_path(NATIVE, ENVIRONMENT),
                 *(path for name in CASES[case]
                   for path in self.project.content_path(case, name).iterdir())]
        path = self.chance.choice(paths)
        whole = path.read_bytes()
        data = self._mutated(whole.decode("utf-8")) if path.suffix == ".json" \
            else damage(whole, self.chance)
        with self._replaced(path, data):
            tally.refused += self._run(tally, "compare", ENVIRONMENT, "--case", case) > DIFFERENCE

    def _history(self, tally: Tally) -> None:
        path = path_of(self.project)
        with self._replaced(path, damage(path.read_bytes(), self.chance)):
            tally.refused += self._run(tally, "history", NATIVE) > DIFFERENCE

    def _rows(self, tally: Tally) -> None:
        path = path_of(self.project)
        with self._replaced(path, path.read_bytes()):
            _odd_rows(path, self.chance)
            tally.refused += self._run(tally, "history", NATIVE) > DIFFERENCE

    def _archive(self, tally: Tally) -> None:
        path = self.inputs / "shard.zip"
        _odd_zip(path, self.drifting, self.chance)
        if self.chance.random() < 0.3:
            path.write_bytes(damage(path.read_bytes(), self.chance))
        with self._kept():
            tally.refused += self._run(tally, "merge", str(path)) > DIFFERENCE

    def _manifest(self, tally: Tally) -> None:
        manifest.begin(self.project, ENVIRONMENT, [], [
            self.project.run_path(case, ENVIRONMENT) for case in CASES], "tonight")
        path = self.project.manifest_path(ENVIRONMENT)
        with self._replaced(path, self._mutated(path.read_text(encoding="utf-8"))), \
                self._watched(tally, "manifest"):
            try:
                manifest.read(self.project, ENVIRONMENT)
            except HarnessError:
                tally.refused += 1

    def special(self) -> Tally:
        """Put a pipe, a device, a folder, a loop and 100 MB in the place of every file."""
        tally = self.tallies.setdefault("special files", Tally())
        case = NATIVE
        with self._kept():
            for path, arguments in {
                self.project.run_path(case, ENVIRONMENT): ("compare", ENVIRONMENT),
                self.project.failure_path(case, "torch-2.12.1"): ("compare", "torch-2.12.1"),
                self.project.native_run_path(case, ENVIRONMENT): ("compare", ENVIRONMENT),
                self.project.baseline_path(case, ENVIRONMENT): ("compare", ENVIRONMENT),
                next(self.project.content_path(case, CASES[case][0]).iterdir()): (
                    "compare", ENVIRONMENT),
                self.root / "results" / "waivers.toml": ("compare", ENVIRONMENT),
                self.root / "tox.ini": ("list", "--label", "full"),
                self.project.data_path("conv1d.json"): ("compare", ENVIRONMENT),
                path_of(self.project): ("history", case),
                self.inputs / "record.json": ("import", str(self.inputs / "record.json")),
                self.inputs / "shard.zip": ("merge", str(self.inputs / "shard.zip")),
                self.inputs / "runs" / case / f"{ENVIRONMENT}.json": (
                    "merge", str(self.inputs / "runs")),
            }.items():
                for make in (_pipe, _zeros, _folder, _loop, _passwd, _large):
                    with self._replaced(path, b""):
                        path.unlink(missing_ok=True)
                        make(path)
                        tally.mutations += 1
                        tally.refused += self._run(tally, *arguments) > DIFFERENCE
                        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() \
                            else path.unlink()
        return tally

    # ----------------------------------------------------------------- watching
    def _mutated(self, text: str) -> bytes:
        return mutate(text, self.chance) if self.chance.random() < 0.7 \
            else damage(text.encode("utf-8"), self.chance)

    def _run(self, tally: Tally, *arguments: str) -> int:
        """Run a command; return its exit code, and note whatever must not be."""
        out = io.StringIO()
        code = 99
        with self._watched(tally, " ".join(arguments)), contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(out):
            code = harness(["--root", str(self.root), *arguments])
        if "an error that nobody expected" in out.getvalue():
            tally.tracebacks.append(f"{' '.join(arguments)}\n{out.getvalue()[-1500:]}")
        if found := _obeyed(out.getvalue()):
            tally.obeyed.append(found)
        if new := self._outside() - self.outside:
            tally.escaped.append(str(sorted(new)[:5]))
            self.outside |= new
        return code

    @contextlib.contextmanager
    def _watched(self, tally: Tally, what: str) -> Iterator[None]:
        signal.signal(signal.SIGALRM, _hang)
        signal.alarm(PATIENCE)
        try:
            yield
        except Hang:
            tally.hangs.append(what)
        except (Exception, SystemExit):
            tally.tracebacks.append(f"{what}\n{traceback.format_exc()[-1500:]}")
        finally:
            signal.alarm(0)

    @contextlib.contextmanager
    def _replaced(self, path: Path, data: bytes) -> Iterator[None]:
        """Put other bytes into a file while the block runs."""
        before = path.read_bytes() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            if before is not None:
                path.write_bytes(before)

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """Put the runs back as they were, once the block has run."""
        kept = self.folder / "kept"
        runs = self.project.runs
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(runs, kept)
        baselines = _listing(self.project.baselines)
        try:
            yield
        finally:
            assert _listing(self.project.baselines) == baselines
            shutil.rmtree(runs)
            shutil.move(kept, runs)

    def _outside(self) -> frozenset[str]:
        """Return everything that lies in the folder, but for the project's results."""
        return frozenset(
            path for top, _, names in os.walk(self.folder) for name in names
            if not (path := os.path.join(top, name)).startswith(
                (str(self.root / "results"), str(self.inputs), str(self.folder / "kept")))
            and "__pycache__" not in path)

    # ------------------------------------------------------------------ verdicts
    def _drift(self, case: str) -> str:
        """Put a run in place that differs in everything; return its text."""
        record = Store(self.project).baseline(case, ENVIRONMENT)
        drifting = Record(case, ENVIRONMENT, record.provenance, {
            name: _off(variant) for name, variant in record.variants.items()})
        writing.write(drifting, self.project.run_path(case, ENVIRONMENT))
        return writing.dumps(drifting)

    def _differences(self, case: str, tally: Tally | None = None) -> tuple[int, set[Key]]:
        """Return the exit code of a comparison, and where it sees a difference or a problem."""
        verdicts = self.inputs / "verdicts.json"
        verdicts.unlink(missing_ok=True)
        code = self._run(tally or Tally(), "compare", ENVIRONMENT, "--case", case,
                         "--json", str(verdicts))
        if not verdicts.exists():
            return code, set()
        found: set[Key] = set()
        told = json.loads(verdicts.read_text(encoding="utf-8"))
        for comparison in told["comparisons"]:
            sides = comparison["variant"], comparison["against"]
            found |= {(*sides, "problem")} if comparison["problem"] else set()
            found |= {(*sides, f["check"])
                      for f in (told["findings"][index] for index in comparison["findings"])
                      if f["verdict"] in ("drift", "regression", "improvement")}
        return code, found

    def _judge(self, tally: Tally, case: str, data: bytes, code: int, found: set[Key]) -> None:
        """Note verdicts that are gone although what was measured is the same."""
        gone = [(variant, against, check) for variant, against, check in self.seen[case] - found
                if not {(variant, against, "problem"), ("*", against, "problem"),
                        ("*", "baseline", "problem")} & found]
        if not gone or (code > DIFFERENCE and not found):
            return
        try:
            mutated = reading.loads(data, "mutated").variants
            before = reading.loads(self.drifting[case], "drifting").variants
            same = {name for name in before
                    if name in mutated and _measured(mutated[name]) == _measured(before[name])}
        except HarnessError:
            same = {variant for variant, _, _ in gone}
        unseen = [key for key in gone if key[0] in same or key[0] not in mutated]
        tally.unseen += [str(unseen)] if unseen else []
        tally.changed += not unseen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this part."""
    parser.add_argument("--mutations", type=int, default=10_000, metavar="N")
    parser.add_argument("--reader", action="append", metavar="NAME")


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Attack; show what became of it, and return whether nothing happened that must not."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        attack = Attack(project, Path(folder), options.seed)
        tallies = attack.run(options.mutations, options.reader or list(attack.readers))
        if not options.reader:
            attack.special()
    table = Table("reader", "mutations", "refused", "tracebacks", "hangs", "files outside",
                  "commands obeyed", "verdicts unseen", "measured numbers changed")
    for name, tally in tallies.items():
        table.add_row(name, *map(str, (
            tally.mutations, tally.refused, len(tally.tracebacks), len(tally.hangs),
            len(tally.escaped), len(tally.obeyed), len(tally.unseen), tally.changed)))
    console.print(table)
    failures = [failure for tally in tallies.values() for failure in tally.failures]
    for failure, count in Counter(failures).most_common(20):
        console.print(f"{count} x {failure}", markup=False)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    console.print(f"{sum(t.mutations for t in tallies.values())} mutations in "
                  f"{time.perf_counter() - started:.0f} s, {memory} KiB at most")
    return not failures and memory < MEMORY


def _furnish(checkout: Project, project: Project) -> None:
    """Write a project of some cases and variants, with real baselines."""
    names = (*CASES, "imbalanced_binary")
    (project.root / "cases").mkdir(parents=True)
    for name in names:
        shutil.copy(checkout.root / "cases" / f"{name}.py", project.root / "cases")
    shutil.copytree(checkout.root / "cases" / "data", project.root / "cases" / "data")
    shutil.copy(checkout.root / "tox.ini", project.root)
    (project.root / "results").mkdir()
    shutil.copy(checkout.root / "results" / "waivers.toml", project.root / "results")
    store = Store(checkout)
    records, natives = [], []
    for case, variants in CASES.items():
        for environment in ("reference", "torch-2.12.1", ENVIRONMENT):
            record = store.baseline(case, environment)
            records.append(Record(case, environment, record.provenance, {
                name: record.variants[name] for name in variants}))
    known = store.native(NATIVE, ENVIRONMENT, False)
    natives.append(NativeRecord(NATIVE, ENVIRONMENT, known.provenance, known.runs))
    accept(Store(project), records, "for an attack", natives)
    native_record.write(natives[0], project.native_run_path(NATIVE, ENVIRONMENT))
    for day in range(10, 20):
        append(path_of(project), Night(
            f"2026-11-{day}T00:00:00Z", "silent", 0, "a host", None,
            {Figure(NATIVE, "*", ENVIRONMENT, "seconds"): float(day)},
            {Side(NATIVE, CASES[NATIVE][0], ENVIRONMENT, "baseline", ENVIRONMENT):
             Told("drift", False, "loss", "float64_trajectory")}))


def _off(variant: VariantRecord) -> VariantRecord:
    """Return a variant that differs in everything that a check looks at."""
    for precision, trajectory in variant.trajectories.items():
        trajectory.loss = [value * (1 + 0.5 * (step > 6)) for step, value
                           in enumerate(trajectory.loss)]
        trajectory.metrics = {name: column if name == "step" else [0.0] * len(column)
                              for name, column in trajectory.metrics.items()}
        probes = variant.probes[precision]
        probes.errors = {name: [100 * limit if index == 2 else error for index, (error, limit)
                                in enumerate(zip(errors, probes.allowances[name], strict=True))]
                         for name, errors in probes.errors.items()}
        if variant.invariances.get(precision):
            variant.invariances[precision] = dict.fromkeys(variant.invariances[precision], 1.0)
    if variant.fingerprint is not None:
        variant.fingerprint.order_sha256 = "0" * 64
    variant.key = None
    return variant


def _measured(variant: VariantRecord) -> str:
    """Return all that was measured of a variant, without what it may be off by."""
    return repr([variant.trajectories, {precision: (probes.tensors, probes.errors)
                                        for precision, probes in variant.probes.items()},
                 variant.invariances, variant.fingerprint])


def _curve(project: Project) -> dict[str, Any]:
    """Return a curve as it was recorded of Axon."""
    steps = project.batches(project.case("imbalanced_binary")).steps
    return {"case": "imbalanced", "variant": "bce_sigmoid-sgd0.1", "version": "0.6.0",
            "nx_version": "0.7.3", "config": {"lr": 0.1, "optimizer": "sgd", "batch_size": 20},
            "loss": [0.5] * steps, "params_nonfinite_from_iteration": None,
            "tp": 10, "fp": 0, "fn": 10}


def _odd_rows(path: Path, chance: random.Random) -> None:
    """Write odd content into a sound history."""
    table, column = chance.choice([
        (table, column) for table, columns in {
            "night": ("at", "host", "outcome", "exit_code", '"commit"', "id"),
            "measured": ('"case"', "environment", "night"),
            "series": ("variant", "environment", "name", '"case"'),
            "figure_since": ("value", "word", "night", "series"),
            "verdict_since": ("verdict", "waived", "phase", '"check"', "against", "baseline",
                              "variant", "night"),
        }.items() for column in columns])
    value = chance.choice((None, 5, -1, 2**62, 1e308, float("inf"), "abc", "", "NaN", b"\x00\xff",
                           "\x1b[2J", "\n::error::x", "x" * 100_000, "2026-11-10", "silent"))
    statement = chance.choice((
        f"UPDATE {table} SET {column} = ? WHERE rowid % 2 = 0" if table in ("night", "series")
        else f"UPDATE OR IGNORE {table} SET {column} = ?", f"DELETE FROM {table} WHERE ? IS NOT 1",
        f"ALTER TABLE {table} ADD COLUMN odd DEFAULT 'x'", f"DROP TABLE {table}",
        "CREATE TRIGGER t AFTER INSERT ON night BEGIN DELETE FROM measured; END",
        "PRAGMA user_version = 7"))
    with contextlib.closing(sqlite3.connect(path)) as database, \
            contextlib.suppress(sqlite3.Error):
        database.execute("PRAGMA ignore_check_constraints = 1")
        database.execute(statement, (value,) if "?" in statement else ())
        database.commit()


def _odd_zip(path: Path, records: dict[str, str], chance: random.Random) -> None:
    """Write a zip of runs with something odd in it."""
    case = chance.choice(list(records))
    names = (f"{case}/{ENVIRONMENT}.json", f"results/runs/{case}/{ENVIRONMENT}.json",
             f"../../{case}/x.json", "/etc/x.json", f"{case}/../../../x.json", f"{case}/a b.json",
             f"{case}/{ENVIRONMENT}\n.json", f"{case}/.x.json", f"{case}/{ENVIRONMENT}.failed.txt",
             f"logs/{ENVIRONMENT}.log", "logs/../../../evil.log",
             f"{case}/native/{ENVIRONMENT}.json",
             f"{case}/" + "x" * 300 + ".json", f"{case}/\x1b[2J.json", f"mnist/{ENVIRONMENT}.json",
             f"{case}\\..\\{ENVIRONMENT}.json", f"{case}/{ENVIRONMENT}.exe", "\n::error::x")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for _ in range(chance.choice((1, 1, 2, 3))):
            info = zipfile.ZipInfo(chance.choice(names))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = chance.choice((
                0, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644)) << 16
            data = mutate(records[case], chance) if chance.random() < 0.8 \
                else chance.choice((b"0" * 40_000_000, b"/etc/passwd", b"\xff\x1b[2J\n::error::x"))
            archive.writestr(info, data)


def _listing(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _obeyed(text: str) -> str:
    """Return what a terminal or a CI system would obey in an output."""
    acting = {c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs")}
    found = COMMAND.search(text)
    return repr(sorted(acting)) if acting else repr(text[found.start():][:80]) if found else ""


def _hang(*_: object) -> None:
    raise Hang


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _passwd(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _large(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
