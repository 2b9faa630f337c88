"""The summary: it names everything that is open, harms no page, and always fits an issue."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver
from harness.compare.compare import Report
from harness.nightly import markdown, summary
from harness.nightly.confirmation import Alarm, Confirmation, Outcome
from harness.nightly.job import Nightly
from harness.records.project import Project
from harness.records.record import Record
from tests.kit.nights import ADAM, CASE, SGD, changed, named, put

ISSUE = 65536
"""Characters that the text of an issue may have."""
TORCH, CONTROL = "torch-2.14.1", "torch-2.13.0"
DRIFT = Finding("float64_trajectory", Verdict.DRIFT, "more than rounding: loss 0.8", step=7,
                phase="gradient", deviation=0.0123, allowance=1e-9)


def differing(*variants: str, finding: Finding = DRIFT, observed: str = TORCH,
              case: str = CASE) -> list[Comparison]:
    """Return comparisons with one and the same open finding."""
    return [Comparison(case, name, observed, "baseline", observed, [finding]) for name in variants]


def night(report: Report, outcome: Outcome | None = None, problems: tuple[str, ...] = (),
          control: str | None = CONTROL) -> Nightly:
    """Return a night with one alarm, or with none."""
    alarm = Alarm(TORCH, tuple(c for c in report.comparisons if c.open_findings), control)
    found = [Confirmation(alarm, outcome, "for this reason")] if outcome else []
    return Nightly("2026-11-21T03:00:00Z", [CONTROL, TORCH], report, list(problems), found)


def cells(text: str) -> list[list[str]]:
    """Return the rows of the table, without heading and rule."""
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in lines]


def test_a_confirmed_alarm_is_told_in_full() -> None:
    """Environment, case, variants, step, phase, size, outcome, control, what to type next."""
    report = Report(differing(SGD, ADAM))
    text = summary.render(report, night(report, Outcome.CONFIRMED))
    assert text.startswith(f"# Nightly 2026-11-21: training changed in {TORCH}\n")
    assert cells(text) == [[TORCH, CASE, f"{SGD}, {ADAM}", "baseline", "drift", "step 7",
                            "gradient", "1.2e-02 / 1.0e-09", "confirmed", CONTROL]]
    assert f"**{TORCH}: confirmed (gradient).**" in text
    assert "more than rounding: loss 0.8" in text
    assert f'harness accept {TORCH} {CASE} --reason "..."' in text
    assert f"harness compare {TORCH} --against baseline --case {CASE}" in text


@pytest.mark.parametrize(("outcome", "title", "command"), [
    (Outcome.HOST, "the machine changed, not the framework", f"tox run -e {CONTROL} -- {CASE}"),
    (Outcome.UNSTABLE, "a difference that did not come again", None),
    (Outcome.UNMEASURED, "not everything could be measured or compared", None),
])
def test_other_outcomes_do_not_ask_to_accept(outcome: Outcome, title: str,
                                             command: str | None) -> None:
    """The title says what happened, and nothing suggests a baseline from such a night."""
    report = Report(differing(SGD))
    text = summary.render(report, night(report, outcome))
    assert title in text.splitlines()[0]
    assert "accept" not in text
    assert cells(text)[0][-2:] == [outcome.value, CONTROL]
    assert command is None or command in text


def test_a_silent_night_is_short() -> None:
    """No table, no commands: title, answer, counts."""
    report = Report([Comparison(CASE, SGD, TORCH, "baseline", TORCH)])
    text = summary.render(report, night(report))
    assert text.splitlines()[0] == "# Nightly 2026-11-21: nothing changed"
    assert "Training behaves the same in the only comparison. (1 identical)" in text
    assert "|" not in text
    assert summary.lines(night(report)) == [
        "Nightly 2026-11-21: nothing changed: 2 environments, 1 identical"]


def test_what_could_not_be_compared_is_said_once() -> None:
    """The same problem on two cases is one entry; refused shards are there, too."""
    problem = "there is no record of it\n  next:  something"
    report = Report([*differing(SGD), *(
        Comparison(case, "*", TORCH, "baseline", TORCH, problem=problem)
        for case in (CASE, "xor"))])
    found = night(report, problems=("the zip of runs is damaged",))
    text = summary.render(report, found)
    assert text.count("there is no record of it") == 1
    assert f"{TORCH} on {CASE}, xor" in text
    assert "the zip of runs is damaged" in text
    assert f"tox run -e {TORCH}" in text
    assert any("there is no record of it" in line for line in summary.lines(found))


def test_a_probe_a_promise_and_a_waiver() -> None:
    """A probe is located by its checkpoint; a promise has no size; what is waived is left out."""
    waiver = Waiver("*", "*", "*", "*", "*", 1.0, "known", "issue 7", "2026-01-01")
    probe = dataclasses.replace(DRIFT, step=None, checkpoint="scaled_30")
    promise = Finding("health", Verdict.REGRESSION, "recall 0 ends below 0.5")
    report = Report([*differing("a", finding=probe), *differing("b", finding=promise),
                     *differing("c", finding=dataclasses.replace(DRIFT, waiver=waiver))],
                    unused=[waiver])
    rows = cells(summary.render(report))
    assert [row[2:] for row in rows] == [
        ["a", "baseline", "drift", "probe scaled_30", "gradient", "1.2e-02 / 1.0e-09"],
        ["b", "baseline", "regression", "-", "-", "-"]]
    assert "Waivers that match nothing any more" in summary.render(report)


def test_everything_at_once_fits_an_issue() -> None:
    """Every list ends, and says how much more there is."""
    report = Report(notes=[f"note {n} {'x' * 5000}" for n in range(200)])
    for number in range(60):
        name, case = f"torch-2.{number}.0", f"{CASE}_{'y' * 40}"
        report.comparisons += differing(
            *(f"variant_{'z' * 60}_{n}" for n in range(51)), observed=name, case=case,
            finding=dataclasses.replace(DRIFT, sentence=f"{number} |*_@ {'w' * 9000}"))
        report.comparisons.append(Comparison("xor", "*", name, "baseline", name,
                                             problem=f"{number} " + "line\n" * 3000))
    found = Nightly("2026-11-21T03:00:00Z", [], report, ["v" * 9000] * 99, [
        Confirmation(Alarm(f"torch-2.{n}.0", (), CONTROL), Outcome.CONFIRMED, "u" * 9000)
        for n in range(60)])
    text = summary.render(report, found)
    assert len(text) < summary.WHOLE < ISSUE
    assert "20 more rows are in the report" in text
    assert "and 47 more" in text
    assert "Notes: 200" in text


HOSTILE = "a|b @someone #12 </details><script> `tick` ```fence``` [x](y) \u202e\x1b[31m\nsecond " \
          "https://a.invalid/x HTTP://b.invalid www.c.invalid (ftp://d.invalid) mailto:e@f GH-7"


def test_nothing_in_a_record_is_obeyed() -> None:
    """No mention, no reference, no tag, no table cell and no link of a stranger's text."""
    report = Report([*differing(HOSTILE, finding=dataclasses.replace(DRIFT, sentence=HOSTILE)),
                     Comparison(CASE, "*", TORCH, "baseline", TORCH, problem=HOSTILE)],
                    notes=[HOSTILE])
    text = summary.render(report)
    outside = re.sub(r"(`+)[^`].*?\1", "", re.sub(r"(?s)(````+)text\n.*?\n\1", "", text))
    assert not re.search(r"@\w|#\d|\u202e|\x1b|(?<!\\)<script", outside)
    assert not re.search(r"(?i)https?://|ftp://|www\.\w|mailto:\w|gh-\d", outside)
    assert "[x](y)" not in outside.replace("\\[x\\]", "")
    assert len(cells(text)) == 1
    assert len(cells(text)[0]) == len(summary.COLUMNS)
    assert text.count("</details>\n") == 1


@pytest.mark.parametrize(("text", "shown"), [
    ("plain", "`plain`"), ("", "-"), ("a|b", "`a\\|b`"), ("a`b", "`` a`b ``"),
    ("two\nlines", "`two lines`")])
def test_cells(text: str, shown: str) -> None:
    """A cell is code in one line, whatever it holds."""
    assert markdown.cell(text) == shown


def test_compare_writes_it(matrix: Project, measured: Record, tmp_path: Path) -> None:
    """`harness compare --markdown` tells of a real record what the table tells."""
    put(matrix, changed(measured, CONTROL), named(measured, "reference"))
    path = tmp_path / "deep" / "summary.md"
    assert main(["--root", str(matrix.root), "compare", CONTROL, "--against", "baseline",
                 "--markdown", str(path)]) == 1
    row, = cells(path.read_text(encoding="utf-8"))
    assert row[:3] == [CONTROL, CASE, SGD]
    assert row[3:6] == ["baseline", "drift", "step 7"]
