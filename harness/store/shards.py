"""Shards: what each of several machines is to measure, and what came back from it.

Outside half.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.environments import names as environments
from harness.errors import HarnessError, MissingRecordError, RecordError, UsageError
from harness.records import native_record, writing
from harness.records.native_record import NativeRecord
from harness.records.paths import MANIFESTS
from harness.records.project import Project
from harness.records.record import Record
from harness.store.reading import archive, records
from harness.store.store import Store

SETUP = 60.0
"""Seconds that every environment costs beside its training: about one installation."""
TYPICAL = 120.0
"""Seconds of training where there is no baseline yet that says how long it took."""


@dataclass(frozen=True, eq=False)
class Shard:
    """The runs of one other machine.

    Args:
        name: where they came from, for messages.
        refused: what was not taken out of there, and why.
    """

    name: str
    store: Store
    refused: tuple[str, ...] = ()

    @property
    def project(self) -> Project:
        """This checkout, with that machine's runs."""
        return self.store.project

    def natives(self, case: str) -> list[str]:
        """Return the environments that have native runs of a case."""
        return [path.name[:-len(".json")] for path in
                (self.project.runs / case / "native").glob("[a-z]*.json")]

    def load(self, case: str, environment: str, native: bool) -> Record | NativeRecord:
        """Return a record, every variant of it decoded and checked.

        Raises:
            RecordError: it is damaged, or of other data or weights.
        """
        if native:
            return self.store.native(case, environment, True)
        path = self.project.run_path(case, environment)
        self.store.load(path)
        record = records.read(path)
        self.store.check(record, str(path))
        return record

    def strangers(self) -> list[Path]:
        """Return the folders and files that belong to no case of this checkout."""
        known = {*self.project.case_names(), "locks", "logs", MANIFESTS}
        return sorted(path for path in self.project.runs.iterdir()
                      if path.name not in known and not path.name.startswith("."))


def labelled(project: Project, label: str, count: int | None = None) -> list[str]:
    """Return a label's environments, apart by commas in so many shards, or each alone.

    Raises:
        UsageError: there is no such label, or none of its environments is measured.
    """
    names = environments.labelled(project.root, label)
    if not names:
        raise UsageError(f"the label {label!r} names no environment that is measured", "tox.ini",
                         next_command="harness list --label nightly")
    groups = [[name] for name in names] if count is None else balance(project, names, count)
    return [",".join(group) for group in groups]


def balance(project: Project, names: list[str], count: int) -> list[list[str]]:
    """Return the environments in at most so many shards that take about as long.

    The longest first, each to the shard that has least to do so far; the same names
    always give the same shards.

    Raises:
        UsageError: the count is not positive.

    Source:
        Graham 1969, SIAM J. Appl. Math. 17(2): at most 4/3 of the best possible.
    """
    if count < 1:
        raise UsageError("there must be a shard at least", numbers=f"asked for {count}",
                         next_command="--shards 4")
    store = Store(project)
    seconds = {name: _seconds(store, name) for name in names}
    shards: list[list[str]] = [[] for _ in range(min(count, len(names)))]
    for name in sorted(names, key=lambda name: (-seconds[name], names.index(name))):
        min(shards, key=lambda shard: sum(seconds[other] for other in shard)).append(name)
    return [sorted(shard, key=names.index) for shard in shards]


def unpack(project: Project, source: Path, scratch: Path) -> Shard:
    """Return the shard in a copy of results/runs, or in a zip of it.

    Args:
        scratch: folder that its files are copied into.

    Raises:
        UsageError: there is no such folder or file.
        RecordError: the zip is damaged, or there is no run in it.
    """
    if not (source.is_file() or source.is_dir()):
        raise UsageError("no such folder or zip of runs", str(source))
    scratch.mkdir(parents=True)
    refused = archive.take(source, scratch)
    patterns = ("*/[a-z]*.json", "*/[a-z]*.failed.txt", "*/native/[a-z]*.json")
    if not any(path.parent.name != MANIFESTS
               for pattern in patterns for path in scratch.glob(pattern)):
        raise RecordError("there is no run in this shard", str(source), "; ".join(
            refused[:archive.SAID]).replace("\n ", ","))
    return Shard(str(source), Store(Project(project.root, scratch)), tuple(refused))


def content(record: Record | NativeRecord) -> str:
    """Return the key of all that was measured."""
    if isinstance(record, NativeRecord):
        return writing.key_of({name: native_record.encode(runs)
                               for name, runs in record.runs.items()})
    return writing.key_of({name: writing.encode_variant(variant)
                           for name, variant in record.variants.items()})


def _seconds(store: Store, environment: str) -> float:
    """Return about how long an environment takes, by what its baselines took."""
    total = SETUP
    for case in store.project.case_names():
        try:
            total += float(store.baseline(case, environment).provenance["seconds"])
        except MissingRecordError:
            total += TYPICAL / len(store.project.case_names())
        except (HarnessError, KeyError, TypeError, ValueError):
            continue
    return total
