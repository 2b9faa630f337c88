"""What is open, in the terminal: a block for every cause, with what to type next.

Outside half. Builds renderables and prints nothing. 80 columns are enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.compare.checks.finding import Comparison, Finding, Verdict
from harness.compare.checks.harm import weigh
from harness.compare.compare import Report
from harness.environments import names as environments
from harness.environments.lineage import order
from harness.records.record import Record
from harness.report.changes import WAIVERS, Cause
from harness.words import few

STYLES = {
    Verdict.IDENTICAL: "green", Verdict.EQUIVALENT: "green", Verdict.DRIFT: "yellow",
    Verdict.IMPROVEMENT: "cyan", Verdict.REGRESSION: "bold red",
    Verdict.MISSING: "magenta", Verdict.ERROR: "bold magenta",
}
NAMES = 3
"""How many variants of a case are listed; the rest is counted."""
READABLE = 100
"""Columns of text at most, however wide the terminal is."""
Fact = tuple[str, RenderableType | str]


def render(found: Iterable[Cause], everything: bool = False) -> list[RenderableType]:
    """Return a block for every cause.

    Args:
        everything: list all variants.
    """
    return [_block(cause, everything) for cause in found]


def block(title: Text, facts: Sequence[Fact]) -> RenderableType:
    """Return a title, and below it facts, each beside its name."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for name, value in facts:
        grid.add_row(name, value)
    return Group(title, Padding(grid, (0, 0, 0, 2)))


def names(variants: Sequence[str], everything: bool) -> str:
    """Return names, or the first of them and the number of the others."""
    return few(variants, len(variants) if everything else NAMES)


def advice(report: Report) -> list[RenderableType]:
    """Return what to do where an own baseline differs on a machine that did not record it."""
    for c in report.comparisons:
        if c.against != "baseline" or not c.open_findings:
            continue
        machines = [_machine(records.get((c.case, c.observed)))
                    for records in (report.observed, report.baselines)]
        if machines[0] == machines[1] != "":
            continue
        before = environments.previous(c.observed, {name for _, name in report.baselines})
        pair = ",".join(filter(None, (before, c.observed)))
        return [block(Text("The first run on this machine?", "bold"), [
            ("recorded", f"the baseline on {machines[1] or 'an unknown machine'}, "
                         f"this run on {machines[0] or 'an unknown machine'}"),
            ("measure", f"again, beside the version before: tox run -e {pair} -- --again, then "
                        "harness compare; the nightly job, tox run -m nightly, does so by itself"),
            ("then", "if the version before differs as well, it is the machine: accept both for "
                     "machines of this kind; if it agrees, it is the framework")])]
    return []


def _machine(record: Record | None) -> str:
    """Return processor and system of a record's machine, empty if unknown."""
    provenance = record.provenance if record else {}
    cpu = provenance.get("cpu")
    model = cpu.get("model") if isinstance(cpu, dict) else None
    return ", ".join(str(part) for part in (model, provenance.get("platform")) if part)


def _block(cause: Cause, everything: bool) -> RenderableType:
    shown, first = cause.shown, cause.changes[0].first
    verdict = max(change.verdict for change in cause.changes)
    title = Text.assemble((first.observed, "bold"), ": ", (verdict.word, STYLES[verdict]))
    if shown.phase:
        title.append(f", begins in {shown.phase}", "bold")
    title.append(f", against {_sides(cause.sides)}")
    degree, why = weigh(cause.findings, first.observed, _sides(cause.sides[:1]))
    finding = shown.finding
    facts: list[Fact] = []
    for change in cause.changes:
        facts.append(("in", f"{change.first.case}: {names(change.variants, everything)}"))
        facts += place(change.finding)
    of = f"{shown.first.case}: " if len(cause.changes) > 1 else ""
    facts += [("says", f"{of}{finding.sentence}"), ("harm", f"{degree.value}: {why}")]
    facts += [("judged", f"{_sides([c])}: {c.evidence}") for c in cause.sides if c.evidence]
    facts += [("explained", reason) for reason in shown.reasons]
    return block(title, [*facts, *_next(cause)])


def place(finding: Finding) -> list[Fact]:
    """Return where a difference is and how large, if it is anywhere."""
    allowed = "" if finding.allowance is None else f", allowed {finding.allowance:.1e}"
    size = "" if finding.deviation is None else f"{finding.deviation:.1e} off{allowed}"
    words = ", ".join(filter(None, (finding.where, size)))
    return [("at", words)] if words else []


def _sides(sides: Iterable[Comparison]) -> str:
    """Return what shows it, in words."""
    words = {"baseline": "its baseline", "reference": "the reference"}
    return ", ".join(c.baseline if c.against == "named" else
                     words.get(c.against, f"{c.against} {c.baseline}") for c in sides)


def _next(cause: Cause) -> list[Fact]:
    """Return what settles it, as it is typed."""
    first = cause.changes[0].first
    cases = " ".join(change.first.case for change in cause.changes)
    if cause.sides[0].against == "named":
        ends = order(first.observed, first.baseline)
        return [("look", f"harness upgrade {' '.join(ends)}" if ends else
                 f"{cause.shown.commands[0]} --all")]
    if cause.shown.reasons:
        return [("look", cause.shown.commands[0])]
    facts: list[Fact] = [("look", cause.shown.commands[0])]
    if cause.changes[0].is_own and not environments.is_build(first.observed):
        facts.append(("accept", f"if it is right: harness accept {first.observed} {cases} "
                                '--reason "..."'))
    others = [c.against for c in cause.sides if c.against != "baseline"]
    if cause.changes[0].is_own and others:
        facts.append(("waive", f"what is left against {' and '.join(dict.fromkeys(others))} "
                               f"then, in {WAIVERS}"))
    elif others:
        facts += [("waive" if number == 0 else "", f"in {WAIVERS}: {change.waiver}"
                   if number == 0 else change.waiver)
                  for number, change in enumerate(cause.changes)]
        if "previous" in others:
            facts.append(("", "accepting settles it only if a baseline is what is wrong"))
    return facts
