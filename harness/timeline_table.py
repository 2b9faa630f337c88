"""The timeline in the terminal: what changed at which version, and the groups in between.

Outside half. Builds renderables and prints nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.finding import Finding, Verdict
from harness.pair import IMPLEMENTATION
from harness.table import STYLES
from harness.timeline import Change, Group, Line, Timeline

Reasons = tuple[str | None, ...]
"""Of a change, from its waivers, each with its source; None for what is open."""


def render(timelines: Sequence[Timeline], everything: bool) -> RenderableType:
    """Return for every family its changes, its lines and what is the same throughout.

    Args:
        everything: show lines without a change as well.
    """
    parts: list[RenderableType] = []
    for timeline in timelines:
        versions = f"{timeline.versions[0]} to {timeline.versions[-1]}"
        parts.append(Text(f"\n{timeline.family}: {len(timeline.versions)} versions, {versions}",
                          "bold"))
        parts.append(changes(timeline.lines))
        parts.append(_lines([line for line in timeline.lines if line.changes or everything]))
        parts.append(_constant([line for line in timeline.lines if not line.changes]))
    return Lines(*parts)


def way(timeline: Timeline) -> RenderableType:
    """Return what changed on the way from one version to another, and whether it matters."""
    first, last = timeline.versions[0], timeline.versions[-1]
    heading = Text(f"\non the way from {first} to {last}, {len(timeline.versions)} versions:",
                   "bold")
    return Lines(heading, changes(timeline.lines), _weight(timeline.lines))


def _weight(lines: Iterable[Line]) -> Text:
    """Return whether what changed matters: promises first, then the size of what moved."""
    found = [f for line in lines for change in line.changes for f in change.findings]
    moved = max((f.deviation or 0.0 for f in found if f.check == "float64_trajectory"), default=0.0)
    probed = max((f.deviation or 0.0 for f in found if f.checkpoint), default=0.0)
    words = [words for verdict, words in ((Verdict.REGRESSION, "it breaks promises"),
                                          (Verdict.IMPROVEMENT, "it keeps promises that it broke"))
             if any(f.verdict is verdict for f in found)]
    if not found:
        return Text("It does not matter: nothing changed.")
    if words:
        return Text(f"It matters: {' and '.join(words)}: {_promises(found)}.", "bold")
    size = f"no promise of a case is broken; float64 curves move by at most {moved:.1e}"
    size += f", tensors of a single step by {probed:.1e}" if probed else ""
    return Text(f"{'It may matter' if moved > IMPLEMENTATION else 'It hardly matters'}: {size}.")


def _promises(found: Iterable[Finding]) -> str:
    """Return what the health checks found, each once."""
    said = dict.fromkeys(f.sentence for f in found if f.check == "health")
    return "; ".join([*said][:3]) + (f"; and {len(said) - 3} more" if len(said) > 3 else "")


def changes(lines: Iterable[Line]) -> RenderableType:
    """Return the changes, those of one version with one reason in one row; below, the reasons."""
    rows: dict[tuple[str, str, str, str, Reasons], list[tuple[Line, Change]]] = defaultdict(list)
    for line in lines:
        for change in line.changes:
            rows[change.comparison.observed, change.comparison.baseline, line.case,
                 _cause(change).phase or "", _reasons(change)].append((line, change))
    if not rows:
        return Text("no change")
    table = Table("from", "before", "case", "variants", "in", "phase", "size", "why",
                  header_style="bold", pad_edge=False)
    numbers: dict[str, int] = {}
    said = Text()
    for (observed, baseline, case, phase, reasons), group in sorted(
            rows.items(), key=lambda row: _order(row[1][0][0], row[1][0][1])):
        for reason in reasons:
            if reason is not None and reason not in numbers:
                numbers[reason] = len(numbers) + 1
                said.append(f"\n  {numbers[reason]} ", "bold").append(reason)
        table.add_row(*map(escape, (observed, baseline, case,
                                    _names(line.variant for line, _ in group),
                                    _names(line.precision or "native" for line, _ in group),
                                    phase, _size(c for _, c in group))),
                      _why(reasons, numbers))
    for line, change in (one for group in rows.values() for one in group[:1]):
        if not change.is_explained:
            said.append(f"\n  open: {change.comparison.observed}, {line.case} {line.variant}: ",
                        "bold red")
            said.append(_cause(change).sentence + (
                " (against the first of its group)" if change.is_creeping else ""))
    return Lines(table, said)


def _why(reasons: Reasons, numbers: dict[str, int]) -> Text:
    """Return the numbers of the reasons below the table, and whether something is open."""
    found = [Text("open", "bold red") if reason is None else Text(str(numbers[reason]))
             for reason in reasons]
    return Text(" ").join(found)


def groups(line: Line) -> Text:
    """Return a line's groups in words: ``identical 2.3.1 to 2.15.0; drift at 2.4.1``."""
    text = Text()
    for number, group in enumerate(line.groups):
        if number:
            verdict = max((f.verdict for f in line.changes[number - 1].findings),
                          default=Verdict.ERROR)
            text.append("; ").append(f"{verdict.word} at {_version(group.versions[0])}",
                                     STYLES[verdict]).append(", ")
        text.append(_span(group))
    reasons: dict[str, list[str]] = defaultdict(list)
    for version, reason in line.absent.items():
        reasons[reason].append(_version(version))
    for reason, versions in reasons.items():
        text.append(f"; {', '.join(versions)}: {reason}", "dim")
    return text


def _span(group: Group) -> str:
    first, last = _version(group.versions[0]), _version(group.versions[-1])
    words = f"{group.verdict.word} {first} to {last}" if last != first else f"{first} alone"
    return words + (f" (as {_version(group.like)} was)" if group.like else "")


def _lines(lines: Sequence[Line]) -> RenderableType:
    """Return lines with the same groups as one row."""
    rows: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        rows[line.case, line.precision or "native", groups(line).plain].append(line)
    if not rows:
        return Text()
    table = Table("case", "in", "variants", "versions", header_style="bold", pad_edge=False)
    for (case, precision, _), group in rows.items():
        table.add_row(escape(case), precision, escape(_names(line.variant for line in group)),
                      groups(group[0]))
    return table


def _constant(lines: Sequence[Line]) -> Text:
    """Return how many lines behave the same throughout."""
    identical = sum(line.groups[0].verdict is Verdict.IDENTICAL for line in lines if line.groups)
    return Text(f"{len(lines)} lines without a change, {identical} of them identical throughout")


def _order(line: Line, change: Change) -> tuple[object, ...]:
    from harness.environments import sort_key

    return sort_key(change.comparison.observed), line.case, line.variant


def _cause(change: Change) -> Finding:
    """Return the finding that tells most: of what is open first, then with a phase."""
    return min(change.findings, key=lambda f: (f.waiver is not None, f.phase is None,
                                               f.checkpoint is None))


def _reasons(change: Change) -> Reasons:
    found = [f.waiver for f in change.findings]
    return tuple(dict.fromkeys(f"{w.reason} ({w.upstream})" if w else None for w in found))


def _size(found: Iterable[Change]) -> str:
    """Return the largest deviation of any of the changes."""
    sizes = [f.deviation for change in found for f in change.findings if f.deviation is not None]
    return f"{max(sizes):.1e}" if sizes else ""


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _version(environment: str) -> str:
    return environment.partition("-")[2]
