"""The history: nights survive whatever befalls their file, and tell what changed."""

from __future__ import annotations

import io
import json
import math
import multiprocessing
import shutil
import sqlite3
from contextlib import closing

import pytest
from rich.console import Console

from harness.commands.cli import main
from harness.commands.tables.history import render, sparkline
from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver
from harness.compare.compare import Report
from harness.errors import HarnessError, LockedError, MissingRecordError, UsageError
from harness.history import database, history
from harness.history.database import DamagedError
from harness.history.facts import case_facts, collect
from harness.history.figures import night_of
from harness.history.history import Figure, Night, Side, Told, append, load, path_of
from harness.report import facts as reporting
from tests.kit.reports import report_of

CASE, VARIANT, ENVIRONMENT = "xor", "bce_sigmoid-sgd_0.1", "torch-2.13.0"
LOSS = Figure(CASE, VARIANT, ENVIRONMENT, "float64_final_loss")
SIDE = Side(CASE, VARIANT, ENVIRONMENT, "baseline", ENVIRONMENT)
EQUIVALENT = Told("equivalent", False, None, None)


@pytest.fixture
def path(tmp_path):
    """Return where a history may begin."""
    return tmp_path / "results" / "history.sqlite"


def night(number, value=0.5, host="one", figures=None, verdicts=None):
    """Return a night of one figure and one verdict."""
    return Night(f"2026-01-01T00:00:00Z+{number:03d}", "silent", 0, host, "abc",
                 {LOSS: value} if figures is None else figures,
                 {SIDE: EQUIVALENT} if verdicts is None else verdicts)


def rows(path, query):
    """Return what a query gives."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_what_is_kept_comes_back(path):
    """Nights, every figure by night and the last verdicts are those that were appended."""
    values = [0.1, 0.1, 1 / 3, 5e-324, 0.1]
    for number, value in enumerate(values):
        assert append(path, night(number, value)) == ""
    known = load(path, CASE)
    assert [(n.at, n.outcome, n.exit_code, n.host, n.commit) for n in known.nights] == [
        (night(n).at, "silent", 0, "one", "abc") for n in range(5)]
    assert [(s.figure, s.nights, s.values) for s in known.series] == [
        (LOSS, [0, 1, 2, 3, 4], values)]
    assert known.verdicts == {SIDE: EQUIVALENT}
    assert history.cases(path) == [CASE]


def test_figures_that_are_not_finite_survive(path):
    """NaN and both infinities come back, in the series and in the view."""
    values = [math.nan, math.inf, -math.inf, 0.5, math.nan]
    for number, value in enumerate(values):
        append(path, night(number, value))
    found = load(path, CASE).series[0].values
    assert [str(value) for value in found] == [str(value) for value in values]
    assert rows(path, "SELECT value, word FROM figure ORDER BY night")[1:4] == [
        (None, "Infinity"), (None, "-Infinity"), (0.5, None)]


def test_only_what_changed_is_stored_and_the_views_show_every_night(path):
    """Equal figures and verdicts take no rows; the views repeat them."""
    drift = Told("drift", True, "update", "float64_probes")
    for number in range(6):
        append(path, night(number, 0.5 if number < 4 else 0.6,
                           verdicts={SIDE: EQUIVALENT if number < 5 else drift}))
    assert rows(path, "SELECT night, value FROM figure_since") == [(1, 0.5), (5, 0.6)]
    assert rows(path, "SELECT value FROM figure ORDER BY night") == [(0.5,)] * 4 + [(0.6,)] * 2
    assert rows(path, 'SELECT night, verdict, waived, phase, "check" FROM verdict_since') == [
        (1, "equivalent", 0, None, None), (6, "drift", 1, "update", "float64_probes")]
    assert len(rows(path, "SELECT * FROM verdict")) == 6
    assert load(path, CASE).verdicts == {SIDE: drift}


def test_hosts_that_take_turns_cost_nothing(path):
    """A figure that differs between two hosts is stored once for each."""
    for number in range(10):
        append(path, night(number, number % 2, host="ab"[number % 2]))
    assert len(rows(path, "SELECT * FROM figure_since")) == 2
    assert load(path, CASE).series[0].values == [0.0, 1.0] * 5
    assert rows(path, "SELECT value FROM figure ORDER BY night") == [(0.0,), (1.0,)] * 5


def test_what_was_not_measured_has_no_figure(path):
    """A night without an environment, or without a variant, leaves a gap and no value."""
    other = Figure(CASE, "*", "keras-3.15.1", "seconds")
    seconds = Figure(CASE, "*", ENVIRONMENT, "seconds")
    append(path, night(0))
    append(path, night(1, figures={other: 2.0}, verdicts={}))
    append(path, night(2, figures={seconds: 3.0}, verdicts={}))
    append(path, night(3))
    known = {s.figure: (s.nights, s.values) for s in load(path, CASE).series}
    assert known == {LOSS: ([0, 3], [0.5, 0.5]), other: ([1], [2.0]), seconds: ([2], [3.0])}
    assert rows(path, "SELECT night, name FROM figure ORDER BY night") == [
        (1, LOSS.name), (2, "seconds"), (3, "seconds"), (4, LOSS.name)]
    assert rows(path, "SELECT night FROM verdict ORDER BY night") == [(1,), (4,)]


def test_same_night_twice_is_refused(path):
    """The second is an error of use, and nothing of it is kept."""
    append(path, night(0))
    with pytest.raises(UsageError, match="already"):
        append(path, night(0, 0.7))
    assert load(path, CASE).series[0].values == [0.5]


def test_a_night_is_kept_whole_or_not_at_all(path):
    """One that fails half-way leaves no trace."""
    append(path, night(0))
    with pytest.raises(HarnessError):
        append(path, night(1, 0.7, verdicts={SIDE: EQUIVALENT._replace(phase=[])}))
    assert len(load(path, CASE).nights) == 1
    assert rows(path, "SELECT count(*) FROM figure_since") == [(1,)]


def keep(path, numbers, start):
    """Append nights as soon as every process is there."""
    start.wait()
    for number in numbers:
        append(path, night(number, float(number)))


def test_an_unknown_outcome_is_refused(path):
    """The file itself allows no other word."""
    with pytest.raises(HarnessError, match="cannot be read or written"):
        append(path, Night("2026-01-01T00:00:00Z", "fine", 0, "one"))


def test_processes_that_append_at_once_are_all_kept(path):
    """Three processes, a new file: no night is lost or refused."""
    context = multiprocessing.get_context("fork")
    start = context.Barrier(3)
    processes = [context.Process(target=keep, args=(path, range(n, 9, 3), start))
                 for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert sorted(load(path, CASE).series[0].values) == [float(n) for n in range(9)]


def test_a_file_that_another_process_holds_is_said(path, monkeypatch):
    """Who waits too long is told that it is locked."""
    append(path, night(0))
    monkeypatch.setattr(database, "PATIENCE", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LockedError):
            append(path, night(1))
    assert append(path, night(1)) == ""


def truncate(path):
    """Cut the file in the middle of a page."""
    path.write_bytes(path.read_bytes()[:-5000])


def scribble(path):
    """Overwrite the inside of every page but the first."""
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(b ^ 0x5A for b in data[4096:])
    path.write_bytes(data)


def version(path):
    """Make it the file of a later harness."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {database.FORMAT + 1}")


def stranger(path):
    """Put another program's database in its place."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")


@pytest.mark.parametrize("damage", [
    truncate, scribble, version, stranger, lambda path: path.write_text("not a database" * 99)],
    ids=["truncated", "scribbled", "version", "stranger", "text"])
def test_damaged_file_is_named_and_set_aside(path, damage):
    """Reading names it; the next night keeps it under another name and begins anew."""
    append(path, night(0))
    damage(path)
    content = path.read_bytes()
    with pytest.raises(DamagedError) as error:
        load(path, CASE)
    assert error.value.where == str(path) and error.value.numbers and error.value.next_command
    note = append(path, night(1, 0.7))
    (kept,) = path.parent.glob("history.sqlite.damaged-*")
    assert kept.name in note
    assert kept.read_bytes() == content
    assert load(path, CASE).series[0].values == [0.7]


def test_full_disk_is_said(path, monkeypatch):
    """It is an error with what to do, the file stays as it was, and later nights are kept."""
    append(path, night(0))
    connect = sqlite3.connect

    def full(*arguments, **options):
        connection = connect(*arguments, **options)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    many = {Figure(CASE, f"v{n}", ENVIRONMENT, "float64_final_loss"): 0.5 for n in range(2000)}
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", full)
        with pytest.raises(HarnessError, match="disk is full") as error:
            append(path, night(1, figures=many))
    assert not isinstance(error.value, DamagedError)
    assert append(path, night(2, 0.7)) == ""
    assert load(path, CASE).series[0].values == [0.5, 0.7]


def test_no_history_says_how_to_begin_one(path):
    """Neither a missing nor an empty file is damaged."""
    for _ in range(2):
        with pytest.raises(MissingRecordError) as error:
            load(path, CASE)
        assert error.value.next_command == "tox run -m nightly"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    append(path, night(0))
    with pytest.raises(MissingRecordError, match="no night has measured"):
        load(path, "masked_sequences")


def test_night_of_a_report(measured):
    """Final losses, deviations, ratios, seconds and verdicts are taken from the report."""
    name = next(iter(measured.variants))
    waiver = Waiver("*", "*", "*", "*", "*", 1.0, "known", "", "2026-01-01")
    compared = [
        Comparison(measured.case, name, ENVIRONMENT, "baseline", ENVIRONMENT, [
            Finding("float64_trajectory", Verdict.EQUIVALENT, "", deviation=1e-10, required=0.1)]),
        Comparison(measured.case, name, ENVIRONMENT, "reference", "reference", [
            Finding("float32_trajectory", Verdict.EQUIVALENT, "", deviation=1e-8, required=0.3),
            Finding("float32_probes", Verdict.DRIFT, "", checkpoint="step_0", phase="update",
                    deviation=0.1, required=math.inf, waiver=waiver)]),
        Comparison(measured.case, "*", "keras-3.15.1", "baseline", "keras-3.15.1",
                   problem="crashed")]
    report = Report(compared, {(measured.case, ENVIRONMENT): measured})
    found = night_of(report, "2026-01-01T00:00:00Z", "failed", "one",
                     seconds={(measured.case, ENVIRONMENT): 2.5})
    loss = measured.variants[name].trajectories["float32"].loss[-1]
    key = (measured.case, name, ENVIRONMENT)
    assert found.figures[Figure(*key, "float32_final_loss")] == loss
    assert found.figures[Figure(*key, "float64_baseline_deviation")] == 1e-10
    assert found.figures[Figure(*key, "float32_reference_ratio")] == 0.3
    assert found.figures[Figure(*key, "float32_probe_ratio")] == math.inf
    assert found.figures[Figure(measured.case, "*", ENVIRONMENT, "seconds")] == 2.5
    assert found.exit_code == 3
    assert list(found.verdicts.values()) == [
        EQUIVALENT, Told("drift", True, "update", "float32_probes"),
        Told("error", False, None, None)]


def stepping(project, nights=14):
    """Keep nights of a project in which one figure of two steps at the tenth night."""
    other = LOSS._replace(environment="reference")
    for number in range(nights):
        append(path_of(project), night(number, 0.7 if number < 10 else 0.8, figures={
            LOSS: 0.7 if number < 10 else 0.8, other: 0.7}))


def test_command_shows_what_changed_and_counts_the_rest(project, capsys, tmp_path):
    """The step is told with its night, both levels and a sparkline; the exit code is 1."""
    stepping(project)
    output = tmp_path / "trend.json"
    assert main(["--root", str(project.root), "history", CASE, "--json", str(output)]) == 1
    text = capsys.readouterr().out
    assert all(words in text for words in (
        f"{ENVIRONMENT} {VARIANT}, 14 nights, last equivalent", "float64_final_loss", "step",
        "0.7", "0.8", "▁▁▁▁▁▁▁▁▁▁████",
        "1 series changed", "1 series of 1 environment constant"))
    facts = json.loads(output.read_text(), parse_constant=pytest.fail)
    assert facts["changed"][0]["series"][0]["changes"][0]["time"] == night(10).at


@pytest.mark.parametrize(("arguments", "code", "words"), [
    ([CASE, "--environment", "reference"], 0, "0 series changed"),
    ([CASE, "--nights", "8"], 0, "8 nights"),
    ([CASE, "--variant", "bce_*"], 1, "1 series changed"),
    ([CASE, "--variant", "nope"], 2, "no variant that matches nope"),
    ([CASE, "--environment", "nope"], 2, "unknown environment"),
    (["mnist"], 2, "unknown case 'mnist'"),
    (["masked_sequences"], 3, "tox run -m nightly"),
])
def test_command_exit_codes(project, capsys, arguments, code, words):
    """Nothing changed is 0, a change 1, wrong use 2, no history 3; each says so."""
    stepping(project)
    assert main(["--root", str(project.root), "history", *arguments]) == code
    captured = capsys.readouterr()
    assert words in (captured.err if code > 1 else captured.out)


def test_alike_variants_share_a_table(path):
    """Two variants that stepped in the same night are one table, which names both."""
    for number in range(20):
        append(path, night(number, figures={
            LOSS._replace(variant=name): 0.7 if number < 10 else 0.8 for name in ("a", "b")}))
    console = Console(file=io.StringIO(), width=120)
    console.print(render(case_facts(load(path, CASE), CASE)))
    text = console.file.getvalue()
    assert text.count("float64_final_loss") == 1
    assert "likewise b" in text


def test_sparkline_shows_extremes_and_what_is_not_finite():
    """Lowest and highest bars are there, the rest between, and no more than the width."""
    assert sparkline([0.0, 0.5, 1.0, "NaN", "Infinity"]) == "▁▅█!!"
    assert sparkline([-1.7e308, 1.7e308]) == "▁█"
    assert len(sparkline([float(n) for n in range(365)])) == 40


def test_report_facts_of_no_damaged_and_some_history(project):
    """No history is none, a damaged one is said, and neither keeps a report from being made."""
    assert collect(project) == {"problem": None, "cases": []}
    stepping(project)
    facts = collect(project)
    assert [(c["case"], len(c["changed"])) for c in facts["cases"]] == [(CASE, 1)]
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    shutil.copy(project.root / "tox.ini", path_of(project))
    assert "damaged" in collect(project)["problem"]


def test_report_has_the_trend_that_it_is_given(project):
    """What changed is a row with its series; without a history there is none."""
    def trend():
        return reporting.collect(report_of(), project, "2026-01-01T00:00:00Z",
                                 trend=collect(project))["trend"]

    assert trend() == {"problem": None, "cases": []}
    stepping(project)
    told = trend()["cases"][0]
    assert (told["nights"], len(told["changed"])) == (14, 1)
    assert told["changed"][0]["series"][0]["values"] == [0.7] * 10 + [0.8] * 4
