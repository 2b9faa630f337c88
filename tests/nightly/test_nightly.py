"""Nights: silent ones, and every way in which one is not."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.compare.checks.finding import Comparison, Finding, Verdict
from harness.compare.compare import Report
from harness.environments import tox
from harness.history import unchanged
from harness.nightly import job, outputs, summary
from harness.nightly.confirmation import Alarm, Outcome, alarms, confirm, decide
from harness.nightly.job import Nightly, run
from harness.records import manifest, native_record
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import NativeRun, Record
from tests.kit.nights import (
    ADAM,
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


def night(matrix: Project, machine: Machine, name: str = NIGHT) -> Nightly:
    """Return the night of that name."""
    return run(matrix, EXPECTED, name, measure=machine)


def measure_all(matrix: Project, measured: Record, *others: Record) -> None:
    """Write tonight's runs: the baseline's numbers, but for the others'."""
    put(matrix, *(named(measured, name) for name in EXPECTED))
    put(matrix, *others)


def test_a_silent_night(matrix: Project, measured: Record) -> None:
    """Everything as before: exit code 0, one line, and nothing is measured again."""
    measure_all(matrix, measured)
    machine = Machine()
    found = night(matrix, machine)
    assert (found.outcome, found.exit_code, machine.asked) == ("silent", 0, [])
    assert {c.observed for c in found.report.comparisons} == set(EXPECTED)
    assert len(summary.lines(found)) == 1
    assert "nothing changed" in summary.lines(found)[0]


def test_a_waiver_for_another_night_is_not_called_unused(matrix: Project,
                                                         measured: Record) -> None:
    """A night looks at a part of the matrix: it cannot say that a waiver matches nothing."""
    fields = {"environment": "torch-1.*", "at_most": 1.0, "date": "2026-01-01",
              **dict.fromkeys(("against", "case", "variant", "check"), "*"),
              **dict.fromkeys(("reason", "upstream"), "for old releases")}
    (matrix.root / "results" / "waivers.toml").write_text("[[waiver]]\n" + "".join(
        f"{name} = {json.dumps(value)}\n" for name, value in fields.items()))
    measure_all(matrix, measured)
    found = night(matrix, Machine())
    assert (found.outcome, found.report.unused) == ("silent", [])


def test_a_build_without_a_version_has_no_baseline(matrix: Project, measured: Record) -> None:
    """keras-nightly is compared with the newest release and the reference, without a problem."""
    measure_all(matrix, measured)
    sides = {(c.against, c.baseline) for c in night(matrix, Machine()).report.comparisons
             if c.observed == "keras-nightly"}
    assert sides == {("previous", "keras-3.15.1"), ("reference", "reference")}


def test_a_confirmed_alarm(matrix: Project, measured: Record) -> None:
    """The same again beside a control that keeps its baseline: exit code 1, all of it said."""
    measure_all(matrix, measured, changed(measured, NEW))
    machine = Machine(changed(measured, NEW), named(measured, OLD))
    found = night(matrix, machine)
    assert (found.outcome, found.exit_code) == ("alarm", 1)
    assert machine.asked == [(NEW, [CASE], False), (OLD, [CASE], False)]
    confirmation, = found.confirmations
    assert confirmation.outcome is Outcome.CONFIRMED
    assert (confirmation.alarm.environment, confirmation.alarm.control) == (NEW, OLD)
    assert {c.variant for c in confirmation.alarm.comparisons} == {SGD}
    text = "\n".join(summary.lines(found))
    assert f"training changed in {NEW}" in text
    assert f"harness accept {NEW} {CASE}" in text
    assert "waive it" not in text


def test_a_build_is_confirmed_beside_a_release(matrix: Project, measured: Record) -> None:
    """An alarm of keras-nightly has the newest release, not measured tonight, as control."""
    measure_all(matrix, measured, changed(measured, "keras-nightly"))
    machine = Machine(changed(measured, "keras-nightly"), named(measured, "keras-3.15.1"))
    found = night(matrix, machine)
    assert (found.outcome, [name for name, _, _ in machine.asked]) == (
        "alarm", ["keras-nightly", "keras-3.15.1"])
    assert not any("accept keras-nightly" in line for line in summary.lines(found))
    assert any('environment = "keras-nightly", against = "previous reference"' in line
               for line in summary.lines(found))


def test_a_change_of_the_host(matrix: Project, measured: Record) -> None:
    """The control moves as well: it is the machine, exit code 3 and no alert."""
    measure_all(matrix, measured, changed(measured, NEW))
    found = night(matrix, Machine(changed(measured, NEW), changed(measured, OLD, 1.001)))
    assert (found.outcome, found.exit_code) == ("host", 3)
    assert "the machine changed, not the framework" in found.confirmations[0].why
    assert not any("accept" in line for line in summary.lines(found))


def test_an_unstable_alarm(matrix: Project, measured: Record) -> None:
    """Gone when measured again: exit code 0, but not silent."""
    measure_all(matrix, measured, changed(measured, NEW))
    found = night(matrix, Machine(named(measured, NEW), named(measured, OLD)))
    assert (found.outcome, found.exit_code) == ("unstable", 0)
    assert any(NEW in line and "unstable" in line for line in summary.lines(found))
    assert any("unstable" in note for note in found.report.notes)


def test_a_missing_environment(matrix: Project, measured: Record) -> None:
    """What left nothing at all makes the night red; everything else is compared."""
    measure_all(matrix, measured)
    matrix.run_path(CASE, NEW).unlink()
    found = night(matrix, Machine())
    assert (found.outcome, found.exit_code) == ("failed", 3)
    problems = [c for c in found.report.comparisons if c.problem]
    assert [(c.observed, c.verdict) for c in problems] == [(NEW, Verdict.MISSING)]
    assert {c.observed for c in found.report.comparisons} == set(EXPECTED)
    assert f"tox run -e {NEW}" in summary.lines(found)


def test_a_run_that_failed(matrix: Project, measured: Record) -> None:
    """A failure is an error with its reason, and red."""
    measure_all(matrix, measured)
    matrix.run_path(CASE, NEW).unlink()
    failure = matrix.failure_path(CASE, NEW)
    failure.write_text("worker killed by SIGKILL\n")
    manifest.end(matrix, NEW, [failure], NIGHT)
    found = night(matrix, Machine())
    problem, = (c for c in found.report.comparisons if c.problem)
    assert (found.exit_code, problem.verdict, problem.observed) == (3, Verdict.ERROR, NEW)
    assert "SIGKILL" in "\n".join(summary.lines(found))


def test_nothing_measured(matrix: Project) -> None:
    """A night in which nothing was measured is red, and says of what."""
    found = night(matrix, Machine())
    assert (found.outcome, found.exit_code) == ("failed", 3)
    assert {c.observed for c in found.report.comparisons} == set(EXPECTED)
    outputs.write(matrix, found)
    text = (matrix.root / "results" / "summary.md").read_text(encoding="utf-8")
    assert "Nothing could be compared" in text
    assert all(name in text for name in EXPECTED)


def test_a_record_of_another_night_does_not_count(matrix: Project, measured: Record) -> None:
    """It is missing, whatever it says and however new its file is; the reason names the night."""
    measure_all(matrix, measured)
    put(matrix, changed(measured, NEW), night="last-week")
    machine = Machine()
    found = night(matrix, machine)
    problem, = (c for c in found.report.comparisons if c.problem)
    assert (problem.observed, problem.verdict) == (NEW, Verdict.MISSING)
    assert "in the night last-week, and this is the night tonight" in problem.problem
    assert (found.outcome, machine.asked) == ("failed", [])


def test_the_clock_has_no_say(matrix: Project, measured: Record) -> None:
    """Files that a clock set back, or a copy, gave other times are of the night all the same."""
    measure_all(matrix, measured)
    for name, time in zip(EXPECTED, (0, 1000, 99999999999, 1), strict=True):
        os.utime(matrix.run_path(CASE, name), (time, time))
    assert night(matrix, Machine()).outcome == "silent"


def test_an_alert_is_not_hidden_by_a_failure(matrix: Project, measured: Record) -> None:
    """A confirmed alarm and a missing environment in one night: exit code 1, both said."""
    measure_all(matrix, measured, changed(measured, NEW))
    matrix.run_path(CASE, "reference").unlink()
    found = night(matrix, Machine(changed(measured, NEW), named(measured, OLD)))
    assert (found.outcome, found.exit_code, found.is_complete) == ("alarm", 1, False)
    assert "tox run -e reference" in summary.lines(found)


def test_an_alarm_that_cannot_be_measured_again(matrix: Project, measured: Record) -> None:
    """Neither confirmed nor refuted: red. What an earlier night confirmed does not count."""
    measure_all(matrix, measured, changed(measured, NEW))
    put(Project(matrix.root, matrix.root / "results" / "confirmation"), changed(measured, NEW))
    found = night(matrix, Machine(named(measured, OLD)))
    assert (found.outcome, found.exit_code) == ("failed", 3)
    assert found.confirmations[0].outcome is Outcome.UNMEASURED


def test_a_control_that_cannot_be_measured(matrix: Project, measured: Record) -> None:
    """Without its control the same difference is no alert."""
    measure_all(matrix, measured, changed(measured, NEW))
    found = night(matrix, Machine(changed(measured, NEW)))
    assert (found.exit_code, found.confirmations[0].outcome) == (3, Outcome.UNMEASURED)
    assert f"the control {OLD} could not be compared" in found.confirmations[0].why


@pytest.mark.parametrize(("environment", "others", "control"), [
    (NEW, [], OLD),
    (NEW, [OLD], OLDER),
    (OLD, [], OLDER),
    (OLDER, [], OLD),
    ("keras-3.15.1", [], None),
    ("reference", [], None),
])
def test_the_control_is_the_last_good_version(matrix: Project, measured: Record, environment: str,
                                              others: list[str], control: str | None) -> None:
    """The newest older one that agrees tonight, else one with a baseline, else a newer one."""
    names = {"reference", OLD, NEW, environment}
    comparisons = [Comparison(CASE, SGD, name, "baseline", name, [
        Finding("float64_trajectory", Verdict.DRIFT if name in (environment, *others)
                else Verdict.IDENTICAL, "in words")]) for name in sorted(names)]
    found = {alarm.environment: alarm for alarm in alarms(matrix, Report(comparisons))}
    assert set(found) == {environment, *others}
    assert found[environment].control == control


def test_two_alarms_share_a_control(matrix: Project, measured: Record) -> None:
    """Every environment is measured again once, alarm or control or both."""
    measure_all(matrix, measured, changed(measured, NEW), changed(measured, OLD))
    machine = Machine(changed(measured, NEW), changed(measured, OLD), named(measured, OLDER))
    found = night(matrix, machine)
    assert sorted(name for name, _, _ in machine.asked) == [OLDER, OLD, NEW]
    assert [c.outcome for c in found.confirmations] == [Outcome.CONFIRMED] * 2


def comparisons(*names: str, problem: str = "") -> Report:
    """Return a report in which these variants differ, or one that could not be compared."""
    if problem:
        return Report([Comparison(CASE, "*", NEW, "baseline", NEW, problem=problem)])
    return Report([Comparison(CASE, name, NEW, "baseline", NEW, [Finding(
        "float64_trajectory", Verdict.DRIFT, "in words")] if name in names else [])
        for name in (SGD, ADAM)])


@pytest.mark.parametrize(("again", "control", "outcome", "words"), [
    (comparisons(SGD), comparisons(), Outcome.CONFIRMED, "the same again, while"),
    (comparisons(SGD, ADAM), comparisons(), Outcome.CONFIRMED, "the same again, while"),
    (comparisons(ADAM), comparisons(), Outcome.UNSTABLE, "gone"),
    (comparisons(SGD), comparisons(ADAM), Outcome.HOST, "imbalanced_binary bce_sigmoid-adam"),
    (comparisons(), comparisons(ADAM), Outcome.HOST, "the machine changed"),
    (comparisons(SGD), None, Outcome.CONFIRMED, "no other version"),
    (comparisons(), None, Outcome.UNSTABLE, "gone"),
    (comparisons(), comparisons(problem="x"), Outcome.UNSTABLE, "gone"),
    (comparisons(problem="no disk"), comparisons(), Outcome.UNMEASURED, "no disk"),
    (comparisons(SGD), comparisons(problem="killed"), Outcome.UNMEASURED, "killed"),
    (comparisons(SGD), Report(), Outcome.UNMEASURED, "no baseline"),
])
def test_what_a_second_measurement_says(again: Report, control: Report | None, outcome: Outcome,
                                        words: str) -> None:
    """The same case, variant and check must come again, and the control must agree."""
    alarm = Alarm(NEW, tuple(comparisons(SGD).comparisons), OLD if control else None)
    found, why = decide(alarm, again, control)
    assert found is outcome
    assert words in why


def test_native_alarms_are_trained_natively_again(matrix: Project, measured: Record) -> None:
    """Only native runs can confirm what native runs have shown."""
    alarm = Alarm(NEW, (Comparison(CASE, SGD, NEW, "baseline", NEW, [Finding(
        "native_runs", Verdict.REGRESSION, "trains no more")]),), OLD)
    machine = Machine(named(measured, NEW), named(measured, OLD))
    confirm(matrix, [alarm], machine, NIGHT)
    assert machine.asked == [(NEW, [CASE], True), (OLD, [CASE], True)]


def test_native_runs_of_another_night_do_not_count(matrix: Project, measured: Record) -> None:
    """Native runs of another night are left out, as records are."""
    from harness.nightly.tonight import TonightStore

    origin = dict(measured.provenance)
    for path, seed in ((matrix.native_run_path(CASE, NEW), 7),
                       (matrix.native_baseline_path(CASE, NEW), 1)):
        native_record.write(NativeRecord(CASE, NEW, origin, {
            SGD: [NativeRun(seed, 0.1, None, 1.0, True)]}), path)
    manifest.end(matrix, NEW, [matrix.native_run_path(CASE, NEW)], NIGHT)
    seeds = [TonightStore(matrix, name).native(CASE, NEW, True).runs[SGD][0].seed
             for name in (NIGHT, "another")]
    assert seeds == [7, 1]


def test_shards_are_merged_first(matrix: Project, measured: Record) -> None:
    """A shard that is refused makes the night red; what the others measured is compared."""
    first, second = (Project(matrix.root, matrix.root / name) for name in "ab")
    put(first, *(of_commit(matrix, named(measured, name)) for name in EXPECTED[:3]))
    put(second, named(measured, "keras-nightly"))
    found = run(matrix, EXPECTED, NIGHT, [first.runs, second.runs])
    assert (found.outcome, found.exit_code) == ("failed", 3)
    assert "another commit" in found.problems[0]
    assert [c.observed for c in found.report.comparisons if c.problem] == ["keras-nightly"]
    put(second, of_commit(matrix, named(measured, "keras-nightly")))
    assert run(matrix, EXPECTED, NIGHT, [first.runs, second.runs]).outcome == "silent"


@pytest.mark.parametrize(("label", "name", "words"), [
    ("weekly", NIGHT, "unknown label"), ("none", NIGHT, "names no environment"),
    ("small", None, "nobody says which night"), ("small", "", "one word"),
    ("small", "to night", "one word"), ("small", "night\n", "one word")])
def test_wrong_use(matrix: Project, capsys: pytest.CaptureFixture[str],
                   monkeypatch: pytest.MonkeyPatch, label: str, name: str | None,
                   words: str) -> None:
    """No such label, an empty one, no name of the night or one that is none."""
    monkeypatch.delenv(manifest.NIGHT, raising=False)
    if name is not None:
        monkeypatch.setenv(manifest.NIGHT, name)
    assert main(["--root", str(matrix.root), "nightly", "--label", label]) == 2
    assert words in capsys.readouterr().err


def test_everything_a_night_leaves(matrix: Project, measured: Record) -> None:
    """History, summary, JUnit XML and report are written, and tell of the same outcome."""
    measure_all(matrix, measured, changed(measured, NEW, math.nan))
    found = night(matrix, Machine(changed(measured, NEW, math.nan), named(measured, OLD)))
    for path in outputs.write(matrix, found):
        assert path.stat().st_size
    folder = matrix.root / "results"
    assert f"training changed in {NEW}" in (folder / "summary.md").read_text(encoding="utf-8")
    assert "<failure" in (folder / "junit.xml").read_text(encoding="utf-8")
    assert "alarm of torch-2.14.1: confirmed" in (folder / "report.html").read_text("utf-8")
    with sqlite3.connect(folder / "history.sqlite") as history:
        assert history.execute("SELECT outcome, exit_code FROM night").fetchall() == [("alarm", 1)]


def test_a_history_that_cannot_be_written_is_red(matrix: Project, measured: Record) -> None:
    """The night of the same second is refused; everything else is written, and it is said."""
    measure_all(matrix, measured)
    found = night(matrix, Machine())
    outputs.write(matrix, found)
    assert found.exit_code == 0
    outputs.write(matrix, found)
    assert (found.outcome, found.exit_code) == ("failed", 3)
    assert "in the history already" in (matrix.root / "results" / "summary.md").read_text("utf-8")


def test_the_command(matrix: Project, measured: Record, capsys: pytest.CaptureFixture[str],
                     monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent night prints one line and leaves with 0; another night's records leave with 3."""
    measure_all(matrix, measured)
    arguments = ["--root", str(matrix.root), "nightly", "--label", "small"]
    monkeypatch.setenv(manifest.NIGHT, NIGHT)
    assert main(arguments) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    monkeypatch.setenv(manifest.NIGHT, "another")
    assert main(arguments) == 3
    assert "written: results/report.html" in capsys.readouterr().out


def test_measuring_again_goes_through_tox(matrix: Project, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    """tox is asked for the cases afresh, into the folder of the confirmation, natively too."""
    log, tool = tmp_path / "asked", tmp_path / "bin" / "tox"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$PWD $@" >> "{log}"\nexit 3\n')
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    again = Project(matrix.root, tmp_path / "again")
    tox.measure_again(NEW, [CASE, "xor"], again, True)
    common = (f"{matrix.root} exec -q -e {NEW} -- python -m harness run --environment {NEW} "
              f"{CASE} xor --again")
    assert log.read_text().splitlines() == [f"{common} --runs {again.runs}",
                                            f"{common} --native --runs {again.runs}"]


def test_a_night_like_the_last_says_so_at_once(matrix: Project, measured: Record,
                                               capsys: pytest.CaptureFixture[str],
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """The second silent night compares nothing, prints the same line and is in the history."""
    monkeypatch.setenv(manifest.NIGHT, NIGHT)
    measure_all(matrix, measured)
    arguments = ["--root", str(matrix.root), "nightly", "--label", "small"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    monkeypatch.setattr(job, "run", lambda *_: pytest.fail("it was compared again"))
    assert main(arguments) == 0
    assert capsys.readouterr().out == said
    with contextlib.closing(sqlite3.connect(matrix.root / "results" / "history.sqlite")) as kept:
        counts = kept.execute("SELECT count(*) FROM figure GROUP BY night").fetchall()
        builds = kept.execute("SELECT version FROM build").fetchall()
    assert len(counts) == 2 and counts[0] == counts[1]
    assert builds == [(BUILD,)] * 2


def test_the_next_day_has_its_own_date(matrix: Project, measured: Record,
                                       capsys: pytest.CaptureFixture[str],
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """A night that is the last one again is told with its own date, in the summary as well."""
    monkeypatch.setenv(manifest.NIGHT, NIGHT)
    measure_all(matrix, measured)
    arguments = ["--root", str(matrix.root), "nightly", "--label", "one"]
    days = iter(["2026-11-24T23:00:00.000001Z", "2026-11-25T23:00:00.000001Z"])
    monkeypatch.setattr("harness.commands.night.now", lambda: "2026-11-24T23:00:00Z")
    monkeypatch.setattr(job, "now", lambda: next(days))
    assert main(arguments) == 0
    assert "Nightly 2026-11-24: nothing changed" in capsys.readouterr().out
    monkeypatch.setattr("harness.commands.night.now", lambda: next(days))
    assert main(arguments) == 0
    assert "Nightly 2026-11-25: nothing changed" in capsys.readouterr().out
    summary_text = (matrix.root / "results" / "summary.md").read_text("utf-8")
    assert summary_text.startswith("# Nightly 2026-11-25: nothing changed")


@pytest.mark.parametrize("what", ["run", "baseline", "waiver", "failure", "output", "day"])
def test_whatever_changes_is_compared(matrix: Project, measured: Record, what: str) -> None:
    """A changed run, baseline or waiver, a failure, a lost report or another day's build."""
    measure_all(matrix, measured)
    for name in unchanged.OUTPUTS:
        (matrix.root / "results" / name).write_text("x")
    day = "2026-11-24"
    state = unchanged.digest(matrix, EXPECTED, NIGHT, day)
    assert state is not None
    kept = unchanged.Silent(state, f"{day}T00:00:00Z", "nothing changed")
    unchanged.keep(matrix, kept)
    assert unchanged.last(matrix, unchanged.digest(matrix, EXPECTED, NIGHT, day)) == kept
    assert unchanged.digest(matrix, EXPECTED, "another", day) is None
    path = {"run": matrix.run_path(CASE, NEW), "baseline": matrix.baseline_path(CASE, OLD),
            "waiver": matrix.root / "results" / "waivers.toml",
            "failure": matrix.failure_path(CASE, NEW)}.get(what)
    if path is not None:
        path.write_text((path.read_text() if path.exists() else "") + "\n")
    elif what == "output":
        (matrix.root / "results" / "report.html").unlink()
    else:
        day = "2026-11-25"
    assert unchanged.last(matrix, unchanged.digest(matrix, EXPECTED, NIGHT, day)) is None
