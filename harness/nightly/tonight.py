"""Tonight: what one nightly job measured, compared, and what it did not measure.

Outside half. A record belongs to a night if the manifest of its environment says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.compare.checks.finding import Comparison, Verdict
from harness.compare.checks.trajectories import CHECKS
from harness.compare.compare import Comparer, Question, Report
from harness.errors import RecordError
from harness.programs.saved import comparing as saved
from harness.records import manifest
from harness.records.manifest import Manifest
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import Record, VariantRecord
from harness.store.store import Store
from harness.vocabulary.checkpoint import parse

NATIVE = "native_runs"
"""The check that looks at native runs."""


@dataclass(frozen=True)
class TonightStore(Store):
    """Records of one project, without those of another night.

    Args:
        night: its name.
    """

    night: str = ""

    def measured(self, case: str) -> list[str]:
        """Return the environments that were run on a case tonight, failures included."""
        return [name for name in super().measured(case) if self.why_not(case, name) is None]

    def run(self, case: str, environment: str) -> Record:
        """Return tonight's record, of the whole case."""
        record = super().run(case, environment)
        if asked := record.provenance.get("selection"):
            raise RecordError("only a part of the case was measured", f"{environment} on {case}",
                              " ".join(asked), f"tox run -e {environment}")
        return record

    def native(self, case: str, environment: str, is_run: bool) -> NativeRecord:
        """Return native runs, tonight's where there are some."""
        path = self.project.native_run_path(case, environment)
        return super().native(case, environment,
                              is_run and self._why_not(environment, path) is None)

    def why_not(self, case: str, environment: str) -> str | None:
        """Return why an environment was not run on a case tonight; None where it was."""
        record = self.project.run_path(case, environment)
        failure = self.project.failure_path(case, environment)
        return self._why_not(environment, failure if failure.exists() and not record.exists()
                             else record)

    @cached_property
    def _reasons(self) -> dict[Path, str | None]:
        return {}

    @cached_property
    def _manifests(self) -> dict[str, Manifest | None]:
        return {}

    def _why_not(self, environment: str, path: Path) -> str | None:
        if path not in self._reasons:
            try:
                if environment not in self._manifests:
                    self._manifests[environment] = manifest.read(self.project, environment)
                self._reasons[path] = manifest.why_not(
                    self.project, self._manifests[environment], path, self.night)
            except RecordError as error:
                self._reasons[path] = str(error)
            except OSError as error:
                self._reasons[path] = f"it cannot be read: {error.strerror or error}"
        return self._reasons[path]


class TonightComparer(Comparer):
    """Compares what was measured tonight of the environments that were to be measured."""

    def __init__(self, store: Store, expected: Sequence[str], cases: Sequence[str] = ()) -> None:
        super().__init__(store, Question(cases=tuple(cases)))
        self.expected = expected

    def _observed(self, case: str) -> list[str]:
        measured = self.store.measured(case)
        return [name for name in self.expected if name in measured]


def compare(project: Project, expected: Sequence[str], night: str,
            cases: Sequence[str] = ()) -> Report:
    """Compare everything expected; what was not measured tonight is a comparison with a problem.

    Args:
        expected: environments.
        night: name of the night.
        cases: names; empty for all.

    Raises:
        HarnessError: waivers or cases cannot be read.
    """
    programs = [name for name in project.program_names() if not cases or name in cases]
    names = [case for case in cases or project.case_names() if case not in programs]
    store = TonightStore(project, night)
    missing = {(case, name): why for case in names for name in expected
               if (why := store.why_not(case, name)) is not None}
    report = Report()
    if len(missing) < len(expected) * len(names):
        report = TonightComparer(store, expected, names if cases else ()).compare()
        report.unused = []  # a waiver may be for what is not measured every night
    report.comparisons += [
        Comparison(case, "*", name, "baseline", name, problem=why,
                   problem_verdict=Verdict.MISSING) for (case, name), why in missing.items()]
    saved.extend(report, project, Question(tuple(expected)), programs, night)
    return report


def idle_checks(report: Report) -> list[str]:
    """Return the checks that no comparison had anything to look at for, on both its sides."""
    names = [check.__name__.removeprefix("check_") for check in CHECKS] + [NATIVE]
    idle = dict.fromkeys(names)
    for c in report.comparisons:
        for finding in c.findings:
            idle.pop(finding.check, None)
    for c in report.comparisons:
        observed = report.observed.get((c.case, c.observed))
        baseline = report.baselines.get((c.case, c.baseline))
        if not idle or c.problem or observed is None or baseline is None \
                or c.variant not in observed.variants:  # a program has none
            continue
        variants = observed.variants[c.variant], baseline.variants[c.variant]
        for name in list(idle):
            if all(_looks_at(name, variant) for variant in variants):
                idle.pop(name)
    return list(idle)


def _looks_at(check: str, variant: VariantRecord) -> bool:
    """Return whether a check has something to look at in a variant, if nothing was found."""
    precision, _, kind = check.partition("_")
    if kind == "trajectory":
        return precision in variant.trajectories
    if kind in ("probes", "stress"):
        probes = variant.probes.get(precision)
        return probes is not None and any(
            parse(name).is_stress == (kind == "stress") for name in probes.errors)
    return {"fingerprint": variant.fingerprint is not None,
            "dropout_stream": bool(variant.drops),
            "reported_metrics": any(t.reported for t in variant.trajectories.values()),
            "health": bool(variant.trajectories)}.get(check, False)
