"""The timeline in the terminal: what changed at which version, and the groups in between.

Outside half. Builds renderables and prints nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.constrain import Constrain
from rich.text import Text

from harness.commands.tables import blocks, verdicts
from harness.commands.tables.blocks import STYLES
from harness.compare.checks.finding import Verdict, cause, worst
from harness.compare.checks.harm import weigh
from harness.compare.timeline import Change, Group, Line, Timeline
from harness.compare.upgrade import Upgrade
from harness.programs.saved.comparing import VARIANT
from harness.records.environment import parse
from harness.report.changes import causes
from harness.words import counted

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
        parts.append(changes(timeline, everything))
        parts.append(_lines([line for line in timeline.lines if line.changes or everything]))
        parts.append(_constant([line for line in timeline.lines if not line.changes]))
    return Constrain(Lines(*parts), blocks.READABLE)


def upgrade(found: Upgrade, everything: bool) -> RenderableType:
    """Return what an upgrade changes, from the new version's point of view.

    Args:
        everything: show every variant and verdict.
    """
    report, way = found.report, found.way
    parts: list[RenderableType] = [verdicts.heading(report)]
    if way is None:
        parts += [part for block in blocks.render(causes(report), everything)
                  for part in ("", block)]
    else:
        said = f"{counted(len(way.versions), 'version')} on the way, the changes in order:"
        parts += ["", Text(said, "bold"), changes(way, everything)]
    parts += [part for block in verdicts.problems(report) for part in ("", block)]
    return Constrain(Lines(*parts, *verdicts.conclusion(report, everything)), blocks.READABLE)


def changes(timeline: Timeline, everything: bool = False) -> RenderableType:
    """Return a timeline's changes, a block for each version and reason; below, the reasons.

    Args:
        everything: list all variants.
    """
    rows: dict[tuple[str, str, str, str, Reasons], list[tuple[Line, Change]]] = defaultdict(list)
    for line in timeline.lines:
        for change in line.changes:
            rows[change.comparison.observed, change.comparison.baseline, line.case,
                 _phase(change), _reasons(change)].append((line, change))
    if not rows:
        return Text("no change")
    numbers: dict[str, int] = {}
    parts: list[RenderableType] = []
    for (observed, baseline, case, phase, reasons), group in sorted(
            rows.items(), key=lambda row: _order(row[1], timeline.versions)):
        numbers |= {reason: len(numbers) + place for place, reason in enumerate(
            (r for r in reasons if r is not None and r not in numbers), 1)}
        parts += ["", _block(observed, baseline, case, phase, group, everything,
                             _why(reasons, numbers))]
    grid = [(str(number), reason) for reason, number in numbers.items()]
    return Lines(*parts, *(["", blocks.block(Text("why", "bold"), grid)] if grid else []))


def _block(observed: str, baseline: str, case: str, phase: str,
           group: Sequence[tuple[Line, Change]], everything: bool, why: Text) -> RenderableType:
    """Return one change: where, how large, whether it does harm, and the numbers of reasons."""
    found = [f for _, change in group for f in change.findings]
    finding = worst(found)
    assert finding is not None
    verdict = max(f.verdict for f in found)
    title = Text.assemble((observed, "bold"), f" after {baseline}: ",
                          (verdict.word, STYLES[verdict]),
                          (f", begins in {phase}" if phase else "", "bold"))
    variants = list(dict.fromkeys(line.variant for line, _ in group))
    precisions = _names(_row(line) for line, _ in group)
    degree, words = weigh(found, observed, baseline)
    creeping = " (against the first of its group)" if any(c.is_creeping for _, c in group) else ""
    is_open = any(not change.is_explained for _, change in group)
    return blocks.block(title, [
        ("in", f"{case}: {blocks.names(variants, everything)}; {precisions}"),
        *blocks.place(finding),
        *([("says", finding.sentence + creeping)] if is_open else []),
        ("harm", f"{degree.value}: {words}"), ("why", why)])


def _phase(change: Change) -> str:
    """Return the phase in which a change begins, empty if unknown."""
    found = cause(change.findings)
    return (found and found.phase) or ""


def _why(reasons: Reasons, numbers: dict[str, int]) -> Text:
    """Return the numbers of the reasons below the changes, and whether something is open."""
    found = [Text("open", "bold red") if reason is None else Text(str(numbers[reason]))
             for reason in sorted(reasons, key=lambda r: numbers.get(r or "", 0))]
    return Text(", ").join(found)


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
    """Return lines with the same groups as one block."""
    rows: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        rows[line.case, _row(line), groups(line).plain].append(line)
    return Lines(*(part for (case, precision, _), group in rows.items() for part in (
        "", blocks.block(Text(f"{case}, {precision}", "bold"), [
            ("in", _names(line.variant for line in group)), ("", groups(group[0]))]))))


def _row(line: Line) -> str:
    """Return the precision that a line is of, or what else."""
    return line.precision or ("as it runs" if line.variant == VARIANT else "native")


def _constant(lines: Sequence[Line]) -> Text:
    """Return how many lines behave the same throughout."""
    identical = sum(line.groups[0].verdict is Verdict.IDENTICAL for line in lines if line.groups)
    return Text(f"{len(lines)} lines without a change, {identical} of them identical throughout")


def _order(group: Sequence[tuple[Line, Change]], versions: Sequence[str]) -> tuple[object, ...]:
    """Return a key: in the order of versions, the worst verdict first."""
    line, change = group[0]
    verdict = max(f.verdict for _, one in group for f in one.findings)
    return versions.index(change.comparison.observed), -verdict, line.case, line.variant


def _reasons(change: Change) -> Reasons:
    found = [f.waiver for f in change.findings]
    return tuple(dict.fromkeys(f"{w.reason} ({w.upstream})" if w else None for w in found))


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _version(environment: str) -> str:
    return parse(environment).version
