"""The store: runs and baselines on disk, loaded with their inputs checked.

Outside half.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.environments import names as environments
from harness.errors import HarnessError, MissingRecordError, RecordError, unknown
from harness.files import lock, read_bytes, sweep
from harness.records import writing
from harness.records.environment import REFERENCE
from harness.records.native_record import NativeRecord
from harness.records.paths import is_name
from harness.records.project import Project, select_variants
from harness.records.record import Record, VariantRecord, Variants
from harness.store import machines, programs
from harness.store.baselines import Baselines
from harness.store.reading import records as reading
from harness.store.reading import soundness
from harness.store.reading.expected import Expected


@dataclass(frozen=True)
class Store:
    """Records of one project."""

    project: Project

    @cached_property
    def pinned(self) -> list[str]:
        """Environments that tox.ini pins."""
        return environments.pinned(self.project.root)

    @cached_property
    def _expected(self) -> dict[str, Expected]:
        return {}

    def accepted(self, case: str) -> list[str]:
        """Return the environments that have a baseline of a case."""
        return _environments(self.project.baselines / case, ".json")

    def measured(self, case: str) -> list[str]:
        """Return the environments that were run last on a case, failures included."""
        folder = self.project.runs / case
        found = {*_environments(folder, ".json"), *_environments(folder, ".failed.txt")}
        return sorted(found, key=environments.sort_key)

    def measured_in_part(self, case: str) -> list[str]:
        """Return the environments that were run last on selected variants of a case."""
        return _environments(self.project.runs / case / "partial", ".json")

    def known(self) -> list[str]:
        """Return every environment that is pinned, measured or accepted."""
        names = set(self.pinned)
        for case in self.project.case_names():
            names |= {*self.accepted(case), *self.measured(case), *self.measured_in_part(case)}
        for program in self.project.program_names():
            names |= {*programs.accepted(self.project, program),
                      *programs.measured(self.project, program)}
        return sorted(names, key=environments.sort_key)

    def require_known(self, environment: str) -> None:
        """Refuse an environment that nobody has heard of."""
        if environment not in self.known():
            raise unknown("environment", environment, self.known(),
                          next_command=environments.way_to(environment))

    @cached_property
    def baselines(self) -> Baselines:
        """The accepted records on disk."""
        return Baselines(self.project)

    def load(self, path: Path) -> Record:
        """Read a record and check its data; variants are checked when they are asked for.

        A variant that turns out to be damaged, or measured from other weights or for
        another number of steps, is one with an error.

        Raises:
            RecordError: the file is unreadable, or not what its path says.
            InputMismatchError: it was measured on other data.
        """
        record = reading.read(path)
        return self._admit(record, path, self._reference(record.case))

    def _reference(self, case: str) -> Record | None:
        """Return the accepted reference, which says how wide a run's allowances may be."""
        try:
            return self.baseline(case, REFERENCE)
        except HarnessError:  # without one nothing is compared
            return None

    def _admit(self, record: Record, path: Path, reference: Record | None = None) -> Record:
        found = f"{record.case}/{record.environment}.json"
        apart = path.parent.name == "partial" or is_name("machine", path.parent.name)
        folder = path.parent.parent if apart else path.parent
        if (folder.name, path.name) != (record.case, f"{record.environment}.json"):
            raise RecordError("the record belongs to another file", str(path), found)
        expected = self._check_head(record, str(path))
        known = {} if reference is None else reference.variants
        if not isinstance(record.variants, Variants):
            self.check(record, str(path))
            bounded = {name: soundness.bound(variant, known.get(name))
                       for name, variant in record.variants.items()}
            return dataclasses.replace(record, variants=bounded)
        read = record.variants.decode

        def decode(name: str, source: Any) -> VariantRecord:
            try:
                variant = read(name, source)
                expected.check(name, variant, str(path))
                return soundness.bound(variant, known.get(name))
            except HarnessError as error:
                return VariantRecord("", error=str(error))

        record.variants.decode = decode
        return record

    def check(self, record: Record, where: str) -> None:
        """Check a record against its case: inputs, variants, number of steps.

        Raises:
            RecordError: it is damaged, or has another number of steps.
            InputMismatchError: it was measured on other data or weights.
        """
        expected = self._check_head(record, where)
        for name, variant in record.variants.items():
            expected.check(name, variant, where)

    def _check_head(self, record: Record, where: str) -> Expected:
        """Check data and names of variants; return what the variants must be measured on."""
        if record.case not in self._expected:
            self._expected[record.case] = Expected.of(self.project, record.case)
        expected = self._expected[record.case]
        if record.provenance.get("data_sha256") != expected.data:
            self.project.check_data(expected.case, record.provenance, where)
        for name in record.variants:
            if name not in expected.variants:
                raise unknown(f"variant of case {record.case}", name, sorted(expected.variants))
        return expected

    def run(self, case: str, environment: str) -> Record:
        """Return the last run's record.

        Raises:
            HarnessError: the last run failed, for the reason it left.
            MissingRecordError: there was none.
        """
        failure = self.project.failure_path(case, environment)
        path = self.project.run_path(case, environment)
        if path.exists():
            return self.load(path)
        if failure.exists():
            raise HarnessError(f"{environment} could not be measured: "
                               + read_bytes(failure).decode("utf-8", "replace").strip(), case,
                               next_command=f"tox run -e {environment} -- {case}")
        raise MissingRecordError(f"{environment} has not been measured", case,
                                 next_command=f"tox run -e {environment}")

    def part(self, case: str, environment: str,
             patterns: Sequence[str]) -> tuple[Record | None, str]:
        """Return the last run of selected variants, if it holds all that are asked for.

        Args:
            patterns: of the variants that are asked for; empty for all.

        Returns:
            The record or None, and in words whether it is looked at.

        Raises:
            HarnessError: there is none, or it is damaged.
        """
        record = self.load(self.project.partial_path(case, environment))
        what = f"{environment} on {case}: the run of {', '.join(record.variants)} alone, " \
               f"{record.provenance.get('recorded', 'at an unknown time')}, is"
        asked = select_variants(self.project.case(case), list(patterns))
        if {variant.name for variant in asked} <= set(record.variants):
            return record, f"{what} looked at"
        return None, f"{what} not looked at; --variant asks for it"

    def baseline(self, case: str, environment: str) -> Record:
        """Return the accepted record.

        Raises:
            MissingRecordError: there is none yet.
        """
        path = self.project.baseline_path(case, environment)
        if not path.exists():
            raise MissingRecordError(
                f"{environment} has no baseline yet", f"case {case}",
                next_command=self.project.way_to_baseline(case, environment))
        return self._admit(self.baselines.read(path), path)

    def baseline_for(self, record: Record) -> Record:
        """Return a run's own baseline: the one that was accepted for its class of machine.

        Where there is none, the first one.

        Raises:
            MissingRecordError: there is neither.
        """
        machine = machines.machine_class(record.provenance, record.environment).name
        path = self.project.baseline_path(record.case, record.environment, machine)
        if record.accepted is None and path.exists():
            return self._admit(self.baselines.read(path), path)
        return self.baseline(record.case, record.environment)

    def native(self, case: str, environment: str, is_run: bool) -> NativeRecord:
        """Return native runs, of the same data and of this environment.

        Args:
            is_run: prefer what was measured last to what was accepted.

        Raises:
            MissingRecordError: there are none.
        """
        path = self.project.native_run_path(case, environment)
        if not (is_run and path.exists()):
            path = self.project.native_baseline_path(case, environment)
        record = reading.native_runs(path)
        if (record.case, record.environment) != (case, environment):
            raise RecordError("the native runs belong to another file", str(path),
                              f"{record.case}/native/{record.environment}.json")
        declared = self.project.case(case)
        self.project.check_data(declared, record.provenance, str(path))
        soundness.check_native(declared, record.runs, str(path))
        return record

    def put_run(self, record: Record) -> Path:
        """Take in a record that another program made, as that environment's run."""
        self.check(record, f"imported {record.case} {record.environment}")
        path = self.project.run_path(record.case, record.environment)
        with lock(self.project.lock_path(record.environment), "harness import"):
            sweep(self.project.results)
            writing.write(dataclasses.replace(record, accepted=None), path)
            self.project.failure_path(record.case, record.environment).unlink(missing_ok=True)
        return path


def _environments(folder: Path, suffix: str) -> list[str]:
    names = (path.name[:-len(suffix)] for path in folder.glob(f"[a-z]*{suffix}"))
    return [name for name in names if is_name("environment", name)]
