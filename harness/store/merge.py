"""Merging: the runs that other machines measured, checked and taken in as this machine's own.

Outside half. What cannot be taken in is refused and named; everything else is merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.environments import names as environments
from harness.errors import FAILURE, MATCH, HarnessError, RecordError
from harness.files import lock, read_bytes, scratch, sweep, write_bytes, write_text
from harness.records import freshness, manifest
from harness.records.native_record import NativeRecord
from harness.records.paths import PROGRAMS
from harness.records.project import Project
from harness.records.record import Record
from harness.store import completeness
from harness.store.reading.holdings import listed
from harness.store.shards import Shard, content, unpack
from harness.store.store import Store
from harness.vocabulary.program import load
from harness.words import counted


@dataclass
class Merged:
    """What became of the shards.

    Args:
        taken: every record and failure that is now among the runs, ``xor torch-2.13.0``.
        refused: why something was not taken in, one message each.
        missing: environments of the label that no run and no failure speaks of.
    """

    taken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return what became of the shards, in words."""
        return [
            *(f"note: {note}" for note in self.notes),
            *(f"refused: {message}" for message in self.refused),
            *(f"missing: {name} has no run and no failure\n  next:  tox run -e {name}"
              for name in self.missing),
            f"merged: {counted(len(self.taken), 'record')}; {len(self.refused)} refused, "
            f"{counted(len(self.missing), 'environment')} missing"]

    @property
    def exit_code(self) -> int:
        """0 if all was taken in, 3 if something was refused or is missing."""
        return FAILURE if self.refused or self.missing else MATCH


def merge(project: Project, sources: Sequence[Path], label: str | None = None) -> Merged:
    """Take in the runs of shards, each a copy of another machine's results/runs, or its zip.

    Args:
        label: of tox, whose environments must all have been measured; None for no such check.

    Raises:
        UsageError: there is no such label.
    """
    expected = environments.labelled(project.root, label) if label else []
    merger = Merger(project)
    sweep(project.results)
    with scratch(project.results) as folder:
        shards = []
        for number, source in enumerate(sources):
            try:
                shards.append(unpack(project, source, folder / str(number)))
            except HarnessError as error:
                merger.merged.refused.append(str(error))
        merger.merge(shards)
    store = Store(project)
    measured = {name for case in project.case_names() for name in store.measured(case)}
    merger.merged.missing = [name for name in expected if name not in measured]
    return merger.merged


class Merger:
    """One merge: checks what shards offer, case by case and environment by environment."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.merged = Merged()
        self.digests: dict[str, dict[str, str]] = {}
        self.copied: dict[tuple[str, Path], list[str]] = {}

    def merge(self, shards: list[Shard]) -> None:
        """Take in everything that can be."""
        for shard in shards:
            self.merged.refused += shard.refused
            for path in shard.strangers():
                self.merged.refused.append(str(RecordError(
                    f"{path.name!r} is no case of this checkout", str(path))))
        for case in self.project.case_names():
            for name in sorted({name for s in shards for name in s.store.measured(case)}):
                self._merge_run(case, name, shards)
            for name in sorted({name for s in shards for name in s.natives(case)}):
                self._take(case, name, shards, native=True)
        for program in self.project.program_names():
            self._merge_program(program, shards)
        self._merge_manifests()
        self._merge_logs(shards)

    def _merge_run(self, case: str, name: str, shards: list[Shard]) -> None:
        """Take in a record, with the failure that its own shard has beside it, or a failure."""
        failed = [s for s in shards if s.project.failure_path(case, name).exists()]
        measured = [s for s in shards if s.project.run_path(case, name).exists()]
        target = self.project.failure_path(case, name)
        if source := self._take(case, name, measured, native=False):
            target.unlink(missing_ok=True)
            self.merged.notes += [f"{case} {name} failed in {s.name}; its record is that of "
                                  f"{source.name}" for s in failed if s is not source]
            if source in failed:
                self._copy(source.project.failure_path(case, name), target, name)
        elif failed and not measured and self._copy(
                failed[0].project.failure_path(case, name), target, name):
            self.project.run_path(case, name).unlink(missing_ok=True)
            self.merged.taken.append(f"{case} {name} (failed)")

    def _merge_program(self, program: str, shards: list[Shard]) -> None:
        """Take in what a user's program left, of this commit; comparing checks the rest."""
        for name in sorted({path.stem for shard in shards for path in
                            (shard.project.runs / PROGRAMS / program).glob("[a-z]*.zip")}):
            offers = [shard for shard in shards if self._offers(shard, program, name)]
            if not offers:
                continue
            first, *others = offers
            if not self._copy(first.project.program_run_path(program, name),
                              self.project.program_run_path(program, name), name):
                continue
            self.merged.taken.append(f"{program} {name}")
            if others:
                self.merged.notes.append(f"{program} {name} is in {len(others) + 1} shards; "
                                         f"{first.name}'s is taken")

    def _offers(self, shard: Shard, program: str, name: str) -> bool:
        """Return whether a shard has runs of a program, of this commit; refuse another's."""
        path = shard.project.program_run_path(program, name)
        if not path.is_file():
            return False
        try:
            declared = load(self.project.program_path(program))
            self._require_same_commit(
                freshness.program_digests(self.project.root, declared),
                freshness.program_facts(path) or {}, path)
        except HarnessError as error:
            self.merged.refused.append(f"{shard.name}: {error}")
            return False
        return True

    def _take(self, case: str, name: str, shards: list[Shard], native: bool) -> Shard | None:
        """Take in the one record, or the first of several that are equal to the bit."""
        path = (Project.native_run_path if native else Project.run_path)
        offers: dict[Shard, Record | NativeRecord] = {}
        for shard in shards:
            source = path(shard.project, case, name)
            if source.exists():
                try:
                    offers[shard] = self._load(shard, case, name, native, source)
                except HarnessError as error:
                    self.merged.refused.append(f"{shard.name}: {error}")
        what = f"{case} native {name}" if native else f"{case} {name}"
        if not offers or not self._agree(what, offers):
            return None
        chosen = next(iter(offers))
        if not self._copy(path(chosen.project, case, name), path(self.project, case, name), name):
            return None
        self.merged.taken.append(what)
        return chosen

    def _agree(self, what: str, offers: dict[Shard, Record | NativeRecord]) -> bool:
        """Return whether shards that measured the same agree to the bit; refuse otherwise."""
        if len(offers) == 1:
            return True
        names = ", ".join(shard.name for shard in offers)
        if len({content(record) for record in offers.values()}) > 1:
            self.merged.refused.append(str(RecordError(
                "shards measured the same and disagree", what, names,
                "measure it once, or find out which machine is the odd one")))
            return False
        self.merged.notes.append(f"{what} is in {names}, equal to the bit")
        return True

    def _load(self, shard: Shard, case: str, name: str, native: bool,
              path: Path) -> Record | NativeRecord:
        """Return a record, of this commit; another's may differ in its data as well."""
        origin = freshness.recorded(path)
        if origin is not None:
            self._require_same_commit(self._digests(case), origin, path)
        record = shard.load(case, name, native)
        self._require_same_commit(self._digests(case), record.provenance, path)
        if isinstance(record, Record):
            self._require_whole(record, path)
        return record

    def _require_whole(self, record: Record, path: Path) -> None:
        """Refuse a part of a case, whatever it says of itself."""
        if asked := record.provenance.get("selection"):
            raise RecordError("only a part of the case was measured", str(path), " ".join(asked),
                              f"tox run -e {record.environment}")
        if lacking := completeness.lacking(Store(self.project), record):
            raise RecordError("the record lacks what was accepted before", str(path),
                              listed(lacking), f"tox run -e {record.environment}")

    def _require_same_commit(self, digests: dict[str, str], origin: dict[str, Any],
                             path: Path) -> None:
        """Refuse what another version of the harness or of the case measured."""
        found = origin.get("inputs")
        found = found if isinstance(found, dict) else {}
        for part, digest in digests.items():
            if found.get(part) != digest:
                raise RecordError(
                    f"the record was measured from another commit: {freshness.WORDS[part]}",
                    str(path), f"sha256 of the {part} {str(found.get(part))[:12]}, "
                    f"here {digest[:12]}", "measure it from this commit")

    def _digests(self, case: str) -> dict[str, str]:
        if case not in self.digests:
            declared = self.project.case(case)
            data = sorted({declared.data, *(v.weights for v in declared.variants)})
            self.digests[case] = {
                "harness": self._harness_digest,
                "case": freshness.case_digest(self.project.root, case, data)}
        return self.digests[case]

    @cached_property
    def _harness_digest(self) -> str:
        return freshness.harness_digest()

    def _copy(self, source: Path, target: Path, environment: str) -> bool:
        """Copy a file that was checked, as it is; return whether that was possible."""
        try:
            with lock(self.project.lock_path(environment), "harness merge"):
                write_bytes(target, read_bytes(source))
        except HarnessError as error:
            self.merged.refused.append(str(error))
            return False
        name = target.relative_to(self.project.runs).as_posix()
        runs = Path(str(source)[:-len(name)])
        self.copied.setdefault((environment, runs), []).append(name)
        return True

    def _merge_manifests(self) -> None:
        """Take over when, and in which night, what was copied had been measured."""
        for (environment, runs), names in self.copied.items():
            try:
                written = manifest.read(Project(self.project.root, runs), environment)
            except HarnessError as error:
                self.merged.refused.append(str(error))
                written = None
            manifest.carry(written, self.project, environment, names)

    def _merge_logs(self, shards: list[Shard]) -> None:
        """Copy logs; those of one environment from several shards one after the other."""
        texts: dict[str, list[str]] = {}
        for shard in shards:
            for path in sorted((shard.project.runs / "logs").glob("[a-z]*.log")):
                texts.setdefault(path.stem, []).append(_text(path))
        for environment, parts in texts.items():
            write_text(self.project.log_path(environment), "".join(parts))


def _text(path: Path) -> str:
    return read_bytes(path).decode("utf-8", "replace")
