"""The verdicts in the terminal: a Rich table, the reasons, one line of summary.

Outside half. Builds renderables and prints nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.compare import ALL_KINDS, Report
from harness.finding import Comparison, Verdict, tally

STYLES = {
    Verdict.IDENTICAL: "green", Verdict.EQUIVALENT: "green", Verdict.DRIFT: "yellow",
    Verdict.IMPROVEMENT: "cyan", Verdict.REGRESSION: "bold red",
    Verdict.MISSING: "magenta", Verdict.ERROR: "bold magenta",
}


def render(report: Report, everything: bool) -> RenderableType:
    """Return the table of verdicts, what explains them, and the summary.

    Args:
        everything: show rows that agree as well.
    """
    parts: list[RenderableType] = []
    rows = _rows(report)
    shown = [row for row in rows if everything or any(_is_notable(c) for c in row.values())]
    if shown:
        parts.append(_table(shown, everything))
    said = [_explanations(report), _waivers(report), _notes(report)]
    parts += [text for text in said if text]
    return Group(*parts, "", summary(report))


def summary(report: Report) -> Text:
    """Return the outcome in one line."""
    counts = tally(report.comparisons)
    waived = sum(c.is_waived for c in report.comparisons)
    text = Text(f"{len(report.comparisons)} comparisons: ")
    pieces = [Text(f"{counts[verdict]} {verdict.word}", STYLES[verdict])
              for verdict in Verdict if counts[verdict]]
    pieces += [Text(f"{waived} different, waived", "dim")] if waived else []
    return text + Text(", ").join(pieces)


def _is_notable(comparison: Comparison) -> bool:
    return comparison.verdict > Verdict.EQUIVALENT


def _rows(report: Report) -> list[dict[str, Comparison]]:
    """Return, per case, variant and environment, the comparisons by kind."""
    rows: dict[tuple[str, str, str], dict[str, Comparison]] = defaultdict(dict)
    for comparison in report.comparisons:
        key = comparison.case, comparison.observed, comparison.variant
        rows[key][comparison.against] = comparison
    return list(rows.values())


def _table(rows: list[dict[str, Comparison]], everything: bool) -> Table:
    kinds = [kind for kind in ALL_KINDS if any(kind in row for row in rows)]
    table = Table(header_style="bold", pad_edge=False)
    for name in ("case", "environment", "variant"):
        table.add_column(name, overflow="fold")
    for kind in kinds:
        table.add_column(_heading(kind, rows), no_wrap=kind != "named")
    for name in ("step", "phase"):
        table.add_column(name, justify="right" if name == "step" else "left")
    table.add_column("size / allowance", justify="right", no_wrap=True)
    last = ("", "")
    for group in _alike(rows, everything):
        first = next(iter(group[0].values()))
        labels = first.case, first.observed
        if last[0] and labels != last:
            table.add_section()
        names = ", ".join(next(iter(row.values())).variant for row in group)
        table.add_row(*map(escape, (*(labels if labels != last else ("", "")), names)),
                      *(_cell(group[0].get(kind)) for kind in kinds),
                      *_location(max(group, key=lambda row: _worst(row).deviation)))
        last = labels
    return table


def _alike(rows: list[dict[str, Comparison]],
           everything: bool) -> list[list[dict[str, Comparison]]]:
    """Return rows that differ in the variant and the size only in one group."""
    groups: dict[object, list[dict[str, Comparison]]] = defaultdict(list)
    for number, row in enumerate(rows):
        first = next(iter(row.values()))
        cells = tuple((kind, c.verdict, c.is_waived) for kind, c in row.items())
        key = number if everything else (first.case, first.observed, cells, _location(row)[:2])
        groups[key].append(row)
    return list(groups.values())


def _heading(kind: str, rows: list[dict[str, Comparison]]) -> str:
    if kind == "named":
        return "against " + escape(", ".join(
            sorted({row[kind].baseline for row in rows if kind in row})))
    return kind


def _cell(comparison: Comparison | None) -> Text:
    if comparison is None:
        return Text("-", "dim")
    if comparison.is_waived:
        return Text(f"({comparison.verdict.word})", "dim")
    return Text(comparison.verdict.word, STYLES[comparison.verdict])


def _location(row: dict[str, Comparison]) -> tuple[str, str, str]:
    """Return step, phase and size of the row's worst comparison."""
    worst = _worst(row)
    measured = [f for f in worst.findings if f.deviation is not None
                and f.verdict.is_difference] or \
               [f for f in worst.findings if f.deviation is not None]
    if not measured:
        return "", "", ""
    finding = measured[0]
    step = "" if finding.step is None else str(finding.step)
    return step, finding.phase or "", f"{finding.deviation:.1e} / {finding.allowance:.1e}"


def _worst(row: dict[str, Comparison]) -> Comparison:
    """Return the comparison to locate: what is open first, then the worst verdict."""
    return max(row.values(), key=lambda c: (bool(c.open_findings), c.verdict, c.deviation))


def _explanations(report: Report) -> Text:
    """Return one paragraph for everything that is open, for the same words only one."""
    paragraphs: dict[tuple[str, ...], list[Comparison]] = defaultdict(list)
    for c in report.comparisons:
        if c.problem or c.open_findings:
            said = [c.problem] if c.problem else [f.sentence for f in c.open_findings]
            against = c.baseline if c.against in ("named", c.baseline) \
                else f"{c.against} {c.baseline}"
            paragraphs[c.case, c.observed, against, *said].append(c)
    lines = Text()
    for (case, observed, against, *said), group in paragraphs.items():
        names = ", ".join(c.variant for c in group)
        lines.append(f"\n{case} {names}: {observed} against {against}: ", "bold")
        lines.append(group[0].verdict.word, STYLES[group[0].verdict])
        for sentence in said:
            lines.append(f"\n  {sentence}")
    return lines


def _waivers(report: Report) -> Text:
    counts = Counter(w for c in report.comparisons for w in c.waivers)
    if not counts and not report.unused:
        return Text()
    lines = Text("\nwaived, in brackets above:", "bold")
    for waiver, count in counts.most_common():
        lines.append(f"\n  {count:3d} x {waiver.environment} against {waiver.against}, "
                     f"{waiver.variant}, up to {waiver.at_most:g}: ", "dim")
        lines.append(f"{waiver.reason} ({waiver.upstream})")
    for waiver in report.unused:
        lines.append(f"\n  matches nothing any more: {waiver.environment} against "
                     f"{waiver.against}, {waiver.variant}: {waiver.reason}", "yellow")
    return lines


def _notes(report: Report) -> Text:
    return Text("".join(f"\nnote: {note}" for note in report.notes), "magenta")
