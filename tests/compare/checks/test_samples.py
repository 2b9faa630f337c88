"""Native runs compared: as samples, corrected together, and told where they are too few."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness.commands.tables.native import render
from harness.compare.checks.finding import Comparison, Finding, Verdict
from harness.compare.checks.samples import NativeComparer
from harness.errors import MissingRecordError, RecordError
from harness.records import native_record
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import NativeRun
from harness.store.reading import records
from harness.store.store import Store

CASE, VARIANT, ENVIRONMENT = "conv1d_stability", "bce_sigmoid-adam_0.015", "torch-2.13.0"


def runs(trained: int, stuck: int) -> list[NativeRun]:
    """Return that many runs that trained, then that many that did not."""
    return [NativeRun(seed, 0.01 * seed if seed < trained else math.nan, None,
                      1.0 if seed < trained else 0.5, seed < trained)
            for seed in range(trained + stuck)]


def record(project: Project, found: list[NativeRun]) -> NativeRecord:
    """Return a record of the case's data."""
    data = project.sha256(project.case(CASE).data)
    return NativeRecord(CASE, ENVIRONMENT, {"data_sha256": data}, {VARIANT: found})


def compared(project: Project, observed: list[NativeRun],
             baseline: list[NativeRun]) -> tuple[list[Finding], list[str]]:
    """Return the findings of one comparison with the environment's own baseline, and notes."""
    native_record.write(record(project, observed), project.native_run_path(CASE, ENVIRONMENT))
    native_record.write(record(project, baseline),
                        project.native_baseline_path(CASE, ENVIRONMENT))
    comparison = Comparison(CASE, VARIANT, ENVIRONMENT, "baseline", ENVIRONMENT)
    notes: list[str] = []
    comparer = NativeComparer(Store(project), notes)
    [decided] = comparer.decided([comparer.add(project.case(CASE), comparison, True)])
    return list(decided.findings), notes


def test_the_same_runs_are_equivalent(project: Project) -> None:
    """Two equal samples, diverged runs among them, show no difference."""
    findings, notes = compared(project, runs(19, 1), runs(19, 1))
    assert [f.verdict for f in findings] == [Verdict.EQUIVALENT] * 2 and notes == []
    assert any("19 of 20 trained, baseline 19 of 20" in f.sentence for f in findings)


@pytest.mark.parametrize(("observed", "verdict"), [((2, 18), Verdict.REGRESSION),
                                                  ((20, 0), Verdict.IMPROVEMENT)])
def test_the_share_that_trains_decides(project: Project, observed: tuple[int, int],
                                       verdict: Verdict) -> None:
    """Far fewer runs that train are a regression, far more an improvement."""
    findings, _ = compared(project, runs(*observed),
                           runs(20, 0) if verdict is Verdict.REGRESSION else runs(2, 18))
    assert verdict in {f.verdict for f in findings}


def test_one_run_more_or_less_is_chance(project: Project) -> None:
    """19 of 20 against 17 of 20 proves nothing."""
    findings, _ = compared(project, runs(17, 3), runs(19, 1))
    assert all(f.verdict is Verdict.EQUIVALENT for f in findings)


def test_too_few_seeds_are_said(project: Project) -> None:
    """Samples that cannot reach the level are not tested; the number needed is named."""
    findings, notes = compared(project, runs(0, 3), runs(3, 0))
    assert findings == []
    assert "3 native runs against 3 cannot reach the level 0.01 in 2 tests; 6 of each can" \
        in notes[0]


@pytest.mark.parametrize(("is_run", "verdict"), [(True, Verdict.REGRESSION),
                                                 (False, Verdict.EQUIVALENT)])
def test_native_runs_are_of_the_record_that_is_looked_at(project: Project, is_run: bool,
                                                         verdict: Verdict) -> None:
    """Of a stored record they are the stored ones, whatever was measured since."""
    native_record.write(record(project, runs(0, 20)), project.native_run_path(CASE, ENVIRONMENT))
    native_record.write(record(project, runs(20, 0)),
                        project.native_baseline_path(CASE, ENVIRONMENT))
    comparison = Comparison(CASE, VARIANT, ENVIRONMENT, "named", ENVIRONMENT)
    comparer = NativeComparer(Store(project), [])
    [decided] = comparer.decided([comparer.add(project.case(CASE), comparison, is_run)])
    assert decided.verdict is verdict


def test_without_native_runs_nothing_is_said(project: Project) -> None:
    """Most records have none, and that is no difference."""
    comparison = Comparison(CASE, VARIANT, ENVIRONMENT, "baseline", ENVIRONMENT)
    comparer = NativeComparer(Store(project), [])
    [decided] = comparer.decided([comparer.add(project.case(CASE), comparison, True)])
    assert decided == comparison and not decided.findings


def test_records_come_back(project: Project) -> None:
    """Diverged runs, missing reports and the order of seeds survive."""
    path = project.native_run_path(CASE, ENVIRONMENT)
    native_record.write(record(project, runs(2, 1)), path)
    back = records.native_runs(path).runs[VARIANT]
    assert [(r.seed, r.trained, r.reported_loss) for r in back] == [
        (0, True, None), (1, True, None), (2, False, None)]
    assert math.isnan(back[2].final_loss)


def test_damaged_records_are_refused(project: Project, tmp_path: Path) -> None:
    """A missing file, a column too short, other data: a clear error each."""
    with pytest.raises(MissingRecordError):
        records.native_runs(tmp_path / "none.json")
    path = project.native_run_path(CASE, ENVIRONMENT)
    native_record.write(record(project, runs(2, 0)), path)
    path.write_text(path.read_text().replace('"metric": [1.0, 1.0]', '"metric": [1.0]'))
    with pytest.raises(RecordError, match="a value for every seed"):
        records.native_runs(path)
    other = record(project, runs(2, 0))
    other.provenance["data_sha256"] = "0" * 64
    native_record.write(other, path)
    with pytest.raises(RecordError, match="other data"):
        Store(project).native(CASE, ENVIRONMENT, True)


def test_the_table_shows_shares(project: Project) -> None:
    """One row an environment, with the share that trained."""
    native_record.write(record(project, runs(19, 1)), project.native_run_path(CASE, ENVIRONMENT))
    table = render(Store(project))
    assert table.row_count == 1
    assert list(table.columns[3].cells) == ["19 of 20"]
