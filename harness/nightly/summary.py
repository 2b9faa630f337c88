"""The summary: what a comparison or a night has to say, short enough for an issue.

Outside half. It names what is open, what became of it and what to type next; everything
else is in the report. A page of GitHub's issues holds 65,536 characters, so every list ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harness import markdown
from harness.compare.checks.finding import Verdict, tally
from harness.compare.compare import Report
from harness.nightly.confirmation import Confirmation, Outcome
from harness.nightly.job import Nightly
from harness.report import changes
from harness.report.answer import answer
from harness.words import counted, few

ROWS, ALARMS, NAMES, SENTENCES, PROBLEMS, NOTES, COMMANDS = 40, 12, 4, 15, 8, 10, 20
"""How many of each are listed; the rest is counted."""
SENTENCE, MESSAGE, WHOLE = 400, 1200, 60_000
"""Characters of a sentence, of a message and of everything that are shown. Of a message the end
is kept, where the cause is."""
COLUMNS = ("environment", "case", "variants", "against", "verdict", "where", "phase",
           "size / allowance")
TITLES = {
    "alarm": "training changed in {names}", "host": "the machine changed, not the framework",
    "failed": "not everything could be measured or compared",
    "unstable": "a difference that did not come again", "silent": "nothing changed"}
"""By outcome of a night, the rest of the title."""


def render(report: Report, night: Nightly | None = None) -> str:
    """Return the summary of a report as Markdown.

    Args:
        night: the one that the report is of, if it is of one.
    """
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True,
                              lstrip_blocks=True, undefined=StrictUndefined, autoescape=False)
    environment.filters |= {"line": markdown.line, "cell": markdown.cell,
                            "block": markdown.block}
    text = environment.get_template("summary.md.j2").render(**facts(report, night)).rstrip() + "\n"
    return text if len(text) <= WHOLE else f"{text[:WHOLE]}\n\n[...]\n"


def lines(night: Nightly) -> list[str]:
    """Return what a night says in the terminal: one line if it is silent."""
    said = [f"{_title(night)}: {counted(len(night.expected), 'environment')}, "
            f"{_counts(night.report) or 'no comparison'}"]
    said += [f"{found.alarm.environment}: {found.word}: {found.why}"
             for found in night.confirmations]
    said += [f"{who}: {text}" for who, text in _problems(night.report, night.problems)]
    return said if night.outcome == "silent" else [*said, *_commands(night.report, night)]


def facts(report: Report, night: Nightly | None = None) -> dict[str, Any]:
    """Return what the template shows, every list cut to its length."""
    found = {c.alarm.environment: c for c in night.confirmations} if night else {}
    rows = _rows(report, found if night else None)
    problems = _problems(report, night.problems if night else [])
    return {
        "title": _title(night) if night else "Comparison",
        "answer": answer(report), "counts": _counts(report),
        "alarms": [{"environment": name, "outcome": c.word, "why": _short(c.why)}
                   for name, c in list(found.items())[:ALARMS]],
        "columns": [*COLUMNS, *(("outcome", "control") if night else ())],
        "rows": rows[:ROWS], "more_rows": max(0, len(rows) - ROWS),
        "sentences": _sentences(report)[:SENTENCES],
        "problems": [{"who": who, "text": text[-MESSAGE:]} for who, text in problems[:PROBLEMS]],
        "more_problems": max(0, len(problems) - PROBLEMS),
        "commands": _commands(report, night),
        "unused": [f"{w.environment} against {w.against}, {w.case}, {w.variant}"
                   for w in report.unused[:NOTES]],
        "notes": [_short(note) for note in report.notes[:NOTES]],
        "more_notes": max(0, len(report.notes) - NOTES)}


def _title(night: Nightly) -> str:
    names = few([c.alarm.environment for c in night.having(Outcome.CONFIRMED)], NAMES)
    return f"Nightly {night.at[:10]}: {TITLES[night.outcome].format(names=names)}"


def _counts(report: Report) -> str:
    counts = tally(report.comparisons)
    waived = sum(c.is_waived for c in report.comparisons)
    parts = [f"{counts[verdict]} {verdict.word}" for verdict in Verdict if counts[verdict]]
    return ", ".join([*parts, *([f"{waived} different, waived"] if waived else [])])


def _rows(report: Report, found: dict[str, Confirmation] | None) -> list[list[str]]:
    """Return a row for all variants that differ in the same place; the largest size."""
    rows = []
    for change in changes.collect(report):
        c = change.first
        row = [c.observed, c.case, few(change.variants, NAMES),
               ", ".join(side.side for side in change.sides), change.verdict.word, change.where,
               change.phase, change.finding.size]
        if found is not None:
            confirmation = found.get(c.observed)
            row += [confirmation.outcome.value, confirmation.alarm.control or ""] \
                if confirmation else ["", ""]
        rows.append(row)
    return rows


def _sentences(report: Report) -> list[dict[str, str]]:
    """Return the differences in words, the same words once."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for c in report.comparisons:
        for finding in c.open_findings:
            names = groups.setdefault((c.observed, c.case, finding.sentence), [])
            names += [] if c.variant in names else [c.variant]
    return [{"who": f"{observed} {case} {few(names, NAMES)}", "sentence": _short(sentence)}
            for (observed, case, sentence), names in groups.items()]


def _problems(report: Report, others: Iterable[str]) -> list[tuple[str, str]]:
    """Return what could not be compared, the same problem of an environment once."""
    groups: dict[tuple[str, str], list[str]] = {}
    for c in report.comparisons:
        if c.problem:
            what = c.case if c.variant == "*" else f"{c.case} {c.variant}"
            cases = groups.setdefault((c.observed, c.problem), [])
            cases += [] if what in cases else [what]
    return [(f"{observed} on {few(cases, NAMES)}", problem)
            for (observed, problem), cases in groups.items()] \
        + [("this night", text) for text in others]


def _commands(report: Report, night: Nightly | None) -> list[str]:
    """Return what to type next, for what failed and for what is confirmed or open."""
    found = {c.alarm.environment: c for c in night.confirmations} if night else {}
    confirmed = {name for name, c in found.items() if c.outcome is Outcome.CONFIRMED}
    commands = [f"tox run -e {c.observed}" for c in report.comparisons if c.problem]
    for change in changes.collect(report):
        c = change.first
        confirmation = found.get(c.observed)
        if confirmation and confirmation.outcome is Outcome.HOST:
            commands.append(f"tox run -e {confirmation.alarm.control} -- {c.case} --again")
        elif night is None or c.observed in confirmed:
            commands += change.commands
            commands += [f"# waive it in {changes.WAIVERS}: {change.waiver}"] \
                if change.waiver and not change.is_own else []
    return list(dict.fromkeys(commands))[:COMMANDS]


def _short(text: str) -> str:
    return text if len(text) <= SENTENCE else f"{text[:SENTENCE]} [...]"
