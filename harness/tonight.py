"""Tonight: what one nightly job measured, compared, and what it did not measure.

Outside half. What lies in results/runs from an earlier night is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.compare import Comparer, Question, Report
from harness.finding import Comparison, Verdict
from harness.native_record import NativeRecord
from harness.project import Project
from harness.store import Store


@dataclass(frozen=True)
class TonightStore(Store):
    """Records of one project, runs of an earlier night left out.

    Args:
        started: Unix time; files of runs that are older do not count.
    """

    started: float = 0.0

    def measured(self, case: str) -> list[str]:
        """Return the environments that were run on a case tonight, failures included."""
        return [name for name in super().measured(case)
                if self._is_new(self.project.run_path(case, name))
                or self._is_new(self.project.failure_path(case, name))]

    def native(self, case: str, environment: str, is_run: bool) -> NativeRecord:
        """Return native runs, tonight's where there are some."""
        is_new = self._is_new(self.project.native_run_path(case, environment))
        return super().native(case, environment, is_run and is_new)

    def _is_new(self, path: Path) -> bool:
        return path.exists() and path.stat().st_mtime >= self.started


class TonightComparer(Comparer):
    """Compares what was measured tonight of the environments that were to be measured."""

    def __init__(self, store: Store, expected: Sequence[str], cases: Sequence[str] = ()) -> None:
        super().__init__(store, Question(cases=tuple(cases)))
        self.expected = expected

    def _observed(self, case: str) -> list[str]:
        measured = self.store.measured(case)
        return [name for name in self.expected if name in measured]


def compare(project: Project, expected: Sequence[str], started: float,
            cases: Sequence[str] = ()) -> Report:
    """Compare everything expected; what was not measured tonight is a comparison with a problem.

    Args:
        expected: environments.
        started: Unix time at which tonight began.
        cases: names; empty for all.

    Raises:
        HarnessError: waivers or cases cannot be read.
    """
    store = TonightStore(project, started)
    measured = {case: store.measured(case) for case in cases or project.case_names()}
    report = Report()
    if any(name in names for names in measured.values() for name in expected):
        report = TonightComparer(store, expected, cases).compare()
        report.unused = []  # a waiver may be for what is not measured every night
    report.comparisons += [_missing(case, name) for case, names in measured.items()
                           for name in expected if name not in names]
    return report


_NOT_MEASURED = "there is no record of it: it was not installed, or ended before it could say why"


def _missing(case: str, environment: str) -> Comparison:
    return Comparison(case, "*", environment, "baseline", environment, problem=_NOT_MEASURED,
                      problem_verdict=Verdict.MISSING)
