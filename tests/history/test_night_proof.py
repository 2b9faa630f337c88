"""A night proves that it ran: new builds, agreeing controls, and outputs that tell of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
import threading
from collections.abc import Callable

import pytest

from harness import report as reporting
from harness.commands.cli import main
from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver
from harness.compare.compare import Report
from harness.errors import HarnessError
from harness.history import database, history
from harness.history.night import Night
from harness.nightly import job, outputs, summary, tonight
from harness.nightly.confirmation import Alarm, Outcome, alarms, decide
from harness.nightly.job import Nightly
from harness.records import manifest
from harness.records.project import Project
from harness.records.record import Record
from harness.report import junit
from tests.kit.nights import (
    BUILD,
    CASE,
    EXPECTED,
    NIGHT,
    SGD,
    Machine,
    changed,
    named,
    of_commit,
    put,
)

NEW, OLD, OLDER = "torch-2.14.1", "torch-2.13.0", "torch-2.12.1"
WAIVER = Waiver("*", "*", "*", "*", "*", 1.0, "known", "issue 7", "2026-01-01")


def night(matrix: Project, machine: Machine | None = None) -> Nightly:
    """Return tonight."""
    return job.run(matrix, EXPECTED, NIGHT, measure=machine or Machine())


def measure_all(matrix: Project, measured: Record, *others: Record) -> None:
    """Write tonight's runs: the baseline's numbers, but for the others'."""
    put(matrix, *(named(measured, name) for name in EXPECTED), *others)


def nights(matrix: Project) -> list[tuple[str, str]]:
    """Return time and outcome of every night in the history."""
    path = history.path_of(matrix)
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(path)) as kept:
        return kept.execute("SELECT at, outcome FROM night ORDER BY id").fetchall()


# ------------------------------------------------------------------ builds
@pytest.mark.parametrize(("at", "version", "outcome"), [
    ("2026-11-24T03:00:00Z", "3.16.0.dev2026112403", "silent"),
    ("2026-11-24T03:00:00Z", BUILD, "failed"),
    ("2026-11-24T03:00:00Z", "3.16.0.dev2026112603", "failed"),
    ("2026-11-24T03:00:00Z", "3.15.9", "silent"),
    ("2999-01-01T00:00:00Z", BUILD, "failed"),
    ("today", BUILD, "silent")])
def test_a_build_is_newer_than_that_of_the_night_before(
        matrix: Project, measured: Record, at: str, version: str, outcome: str) -> None:
    """Last night's build again proves nothing, and is red; twice on one day it may be the same."""
    found = night(matrix)
    day = at if at != "today" else f"{found.at[:10]}T00:00:00Z"
    history.append(history.path_of(matrix), Night(day, "silent", 0, "one", builds={
        "keras-nightly": version}))
    measure_all(matrix, measured)
    found = night(matrix)
    assert (found.outcome, found.builds) == (outcome, {"keras-nightly": BUILD})
    assert bool(found.problems) == (outcome == "failed")
    if found.problems:
        assert f"keras-nightly {BUILD} is not newer than the build of {day[:10]}" \
            in "\n".join(summary.lines(found))


def test_a_build_says_which_one_it_is(matrix: Project, measured: Record) -> None:
    """A record of a build without the version of its distribution is red."""
    measure_all(matrix, measured, dataclasses.replace(measured, environment="keras-nightly"))
    found = night(matrix)
    assert (found.outcome, found.exit_code) == ("failed", 3)
    assert "does not say which build it is" in found.problems[0]


def test_builds_are_kept_in_an_older_history(matrix: Project, measured: Record) -> None:
    """A file of the format before is read as it is, and gets the builds with the next night."""
    path = history.path_of(matrix)
    history.append(path, Night("2026-11-23T03:00:00Z", "silent", 0, "one"))
    with contextlib.closing(sqlite3.connect(path)) as kept:
        kept.execute("DROP TABLE build")
        kept.execute(f"PRAGMA user_version = {database.BEFORE}")
        kept.commit()
    assert history.last_build(path, "keras-nightly", "2026-11-25") is None
    measure_all(matrix, measured)
    found = night(matrix)
    outputs.write(matrix, found)
    assert found.outcome == "silent"
    assert len(nights(matrix)) == 2
    assert history.last_build(path, "keras-nightly", "") == (found.at, BUILD)
    assert not list(path.parent.glob("*damaged*"))


# ------------------------------------------------------------------ controls
def compared(verdict: Verdict, waiver: Waiver | None = None, observed: str = OLD) -> Comparison:
    """Return a comparison with the own baseline, and what was found."""
    return Comparison(CASE, SGD, observed, "baseline", observed, [
        Finding("float64_trajectory", verdict, "in words", waiver=waiver)])


@pytest.mark.parametrize(("control", "outcome"), [
    (compared(Verdict.EQUIVALENT), Outcome.CONFIRMED),
    (compared(Verdict.DRIFT, WAIVER), Outcome.HOST),
    (compared(Verdict.IMPROVEMENT, WAIVER), Outcome.HOST),
    (compared(Verdict.DRIFT), Outcome.HOST)])
def test_a_waived_difference_is_not_agreement(control: Comparison, outcome: Outcome) -> None:
    """A control that only a waiver excuses has changed with the machine."""
    alarm = Alarm(NEW, (compared(Verdict.DRIFT, observed=NEW),), OLD)
    again = Report([compared(Verdict.DRIFT, observed=NEW)])
    assert decide(alarm, again, Report([control]))[0] is outcome


def test_a_control_that_a_waiver_excuses_is_no_good_version(matrix: Project) -> None:
    """The next older one that agrees without a waiver is chosen instead."""
    for other, control in ((compared(Verdict.DRIFT, WAIVER), OLDER),
                           (compared(Verdict.EQUIVALENT), OLD)):
        report = Report([compared(Verdict.DRIFT, observed=NEW), other])
        found, = alarms(matrix, report)
        assert found.control == control


def test_what_another_machine_measured_again(matrix: Project, measured: Record) -> None:
    """An alarm is confirmed from records of this night and commit, and measured nowhere."""
    measure_all(matrix, measured, changed(measured, NEW))
    other = Project(matrix.root, matrix.root / "confirmation")
    put(other, *(of_commit(matrix, record) for record in (changed(measured, NEW),
                                                          named(measured, OLD))))
    found = job.run(matrix, EXPECTED, NIGHT, confirmed=[other.runs], measure=pytest.fail)
    assert (found.outcome, found.problems) == ("alarm", [])
    put(other, of_commit(matrix, changed(measured, NEW)), night="another")
    found = job.run(matrix, EXPECTED, NIGHT, confirmed=[other.runs], measure=pytest.fail)
    assert found.confirmations[0].outcome is Outcome.UNMEASURED
    found = job.run(matrix, EXPECTED, NIGHT, confirmed=[matrix.root / "gone"],
                        measure=pytest.fail)
    assert (found.outcome, found.exit_code) == ("failed", 3)
    assert "no such folder" in found.problems[0]


def test_a_silent_night_needs_no_confirmation(matrix: Project, measured: Record) -> None:
    """A machine that had nothing to measure again leaves nothing, and that is no problem."""
    measure_all(matrix, measured)
    found = job.run(matrix, EXPECTED, NIGHT, confirmed=[matrix.root / "gone"],
                        measure=pytest.fail)
    assert found.outcome == "silent"


# ------------------------------------------------------------------ checks
def test_a_check_without_anything_to_look_at_is_said(matrix: Project, measured: Record) -> None:
    """The records of these tests have no probes, no fingerprint and no native runs."""
    measure_all(matrix, measured)
    found = night(matrix)
    idle = ["float64_probes", "float32_probes", "float64_stress", "float32_stress",
            "fingerprint", "native_runs"]
    assert set(idle) - set(tonight.idle_checks(found.report)) == set()
    assert {"float64_trajectory", "float32_trajectory", "health"}.isdisjoint(
        tonight.idle_checks(found.report))
    assert any(note.startswith("nothing to look at for: float64_probes")
               for note in found.report.notes)


def test_every_check_can_have_something_to_look_at(checkout: Project) -> None:
    """With whole records, each check but those of native runs and dropout does look."""
    from harness.compare.compare import Question, compare
    from harness.store.store import Store

    case, new, old = "conv1d_stability", "tensorflow-2.15.1", "tensorflow-2.14.1"
    records = {(case, name): Store(checkout).baseline(case, name) for name in (new, old)}
    report = compare(checkout, Question((new,), old, (case,)))
    report.comparisons = [dataclasses.replace(c, findings=[]) for c in report.comparisons]
    report.observed, report.baselines = records, records
    assert set(tonight.idle_checks(report)) == {"native_runs", "dropout_stream"}


# ------------------------------------------------------------------ outputs
def test_two_nights_of_one_second_are_two(matrix: Project, measured: Record,
                                          monkeypatch: pytest.MonkeyPatch,
                                          capfd: pytest.CaptureFixture[str]) -> None:
    """Jobs that end at once wait for each other, and both are in the history."""
    measure_all(matrix, measured)
    monkeypatch.setenv(manifest.NIGHT, NIGHT)
    arguments = ["--root", str(matrix.root), "nightly", "--label", "small"]
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(main(arguments))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 4
    assert len({at for at, _ in nights(matrix)}) == 4


def refuse(*_: object, **__: object) -> None:
    """Fail as a full disk does."""
    raise OSError(28, "No space left on device", "somewhere")


def stumble(*_: object, **__: object) -> None:
    """Fail as a mistake in this program does."""
    raise TypeError("'int' object is not subscriptable")


@pytest.mark.parametrize("fail", [refuse, stumble])
@pytest.mark.parametrize(("module", "lost"), [(reporting, "report.html"), (junit, "junit.xml")])
def test_what_cannot_be_written_keeps_nothing_else(
        matrix: Project, measured: Record, monkeypatch: pytest.MonkeyPatch,
        fail: Callable[..., None], module: object, lost: str) -> None:
    """All the rest is there and names it; the history does not run ahead of its report."""
    measure_all(matrix, measured)
    monkeypatch.setattr(module, "write", fail)
    found = night(matrix)
    written = {path.name for path in outputs.write(matrix, found)}
    assert written == {"report.html", "junit.xml", "summary.md"} - {lost}
    assert (found.outcome, found.exit_code) == ("failed", 3)
    text = (matrix.root / "results" / "summary.md").read_text("utf-8")
    assert f"{lost} cannot be" in text and "not everything could be measured" in text
    assert nights(matrix) == []


def test_a_folder_in_the_way_of_the_summary(matrix: Project, measured: Record) -> None:
    """The terminal still says it, with exit code 3, and the history waits."""
    measure_all(matrix, measured)
    (matrix.root / "results" / "summary.md").mkdir()
    found = night(matrix)
    assert {path.name for path in outputs.write(matrix, found)} == {"report.html", "junit.xml"}
    assert found.exit_code == 3
    assert "summary.md cannot be written" in "\n".join(summary.lines(found))
    assert nights(matrix) == []


def test_a_history_that_cannot_be_written(matrix: Project, measured: Record) -> None:
    """Report and summary are there, and the summary says so."""
    measure_all(matrix, measured)
    history.path_of(matrix).mkdir()
    found = night(matrix)
    assert {path.name for path in outputs.write(matrix, found)} == {
        "report.html", "junit.xml", "summary.md"}
    assert (found.outcome, found.exit_code) == ("failed", 3)
    assert "the history is no regular file" in (
        matrix.root / "results" / "summary.md").read_text("utf-8")


def test_a_selection_is_no_night(matrix: Project, measured: Record) -> None:
    """A record that says that it was asked for a part is a problem, whatever it holds."""
    odd = dataclasses.replace(measured, environment=NEW, provenance={
        **measured.provenance, "selection": ["*"]})
    measure_all(matrix, measured, odd)
    found = night(matrix)
    assert found.exit_code == 3
    assert any("only a part" in c.problem for c in found.report.comparisons if c.observed == NEW)


@pytest.mark.parametrize("seconds", ["abc", None, [1], -1.0])
def test_a_record_that_the_history_cannot_take(matrix: Project, measured: Record,
                                               seconds: object) -> None:
    """Nonsense in one record is that record's problem; summary, report and history are there."""
    odd = dataclasses.replace(measured, environment=NEW, provenance={
        **measured.provenance, "seconds": seconds})
    measure_all(matrix, measured, odd)
    found = night(matrix)
    outputs.write(matrix, found)
    assert found.exit_code == 3
    odd_ones = [c for c in found.report.comparisons if c.observed == NEW]
    assert all("seconds" in str(c.problem) for c in odd_ones) and odd_ones
    assert not any(c.problem for c in found.report.comparisons if c.observed != NEW)
    assert len(nights(matrix)) == 1 and not found.problems


@pytest.mark.parametrize("error", [HarnessError("waivers do not parse", "waivers.toml"),
                                   RuntimeError("a mistake"), OSError(28, "No space left")])
def test_a_night_that_breaks_down_is_told(
        matrix: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
        error: Exception) -> None:
    """Exit code 3 and never 1, a summary with the reason, and a history that knows of it."""
    def fail(*_: object, **__: object) -> Nightly:
        raise error

    monkeypatch.setenv(manifest.NIGHT, NIGHT)
    monkeypatch.setattr(job, "run", fail)
    assert main(["--root", str(matrix.root), "nightly", "--label", "small"]) == 3
    text = (matrix.root / "results" / "summary.md").read_text("utf-8")
    assert str(error).splitlines()[0] in text
    assert [outcome for _, outcome in nights(matrix)] == ["failed"]
    assert "not everything could be measured" in capsys.readouterr().out


def test_results_that_nobody_may_write(matrix: Project, measured: Record,
                                       monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    """A message of four parts and exit code 3, not a traceback."""
    measure_all(matrix, measured)
    monkeypatch.setenv(manifest.NIGHT, NIGHT)
    lock = matrix.lock_path("nightly")
    lock.mkdir()  # as the administrator, too, nobody can open it
    assert main(["--root", str(matrix.root), "nightly", "--label", "small"]) == 3
    said = capsys.readouterr().err
    assert "the night cannot be kept" in said
    assert all(part in said for part in ("where:", "found:", "next:"))


def test_a_lost_report_is_made_again(matrix: Project, measured: Record,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """A night like the last is not repeated into the history without a report of it."""
    measure_all(matrix, measured)
    monkeypatch.setenv(manifest.NIGHT, NIGHT)
    arguments = ["--root", str(matrix.root), "nightly", "--label", "small"]
    report = matrix.root / "results" / "report.json"
    assert main(arguments) == 0
    os.unlink(report)
    assert main(arguments) == 0
    assert json.loads(report.read_text("utf-8"))
    assert len(nights(matrix)) == 2
