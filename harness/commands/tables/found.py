"""What was found in released versions, as a page in Markdown: changes, and what always differs.

Outside half. It is made of the timeline and the waivers alone, so it cannot say what the stored
records do not show.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from harness.compare.checks.finding import Finding, Waiver, cause, worst
from harness.compare.checks.harm import weigh
from harness.compare.timeline import Change, Line, Timeline
from harness.nightly import markdown

HEAD = """# What it found in released frameworks

This page is made by `harness timeline --markdown docs/found.md` from the stored records and from
`results/waivers.toml`; a test holds it to them. What the cases do not exercise may have changed all
the same. `harness timeline` shows the same with every variant, `harness upgrade torch 2.3.1 2.14.1`
the changes between two versions.
"""
ALWAYS = """
## What differs from the reference

In the versions named, whatever the version before did. Each is waived up to the size given.
"""
Row = tuple[str, ...]
_SOURCE = re.compile("([\\w-]+/[\\w.-]+)#\N{ZERO WIDTH SPACE}(\\d+)")
"""An issue or a pull request, as ``markdown`` leaves it."""


def render(timelines: Sequence[Timeline], waivers: Sequence[Waiver]) -> str:
    """Return the page.

    Args:
        timelines: of every family, from the stored records.
        waivers: all of them.
    """
    parts = [HEAD]
    for timeline in timelines:
        first, last = timeline.versions[0], timeline.versions[-1]
        parts.append(f"\n## {timeline.family}: {len(timeline.versions)} versions, {first} to "
                     f"{last}\n\n")
        rows = _changes(timeline)
        parts.append(_table(("from", "phase", "what changed", "size", "harm", "where"), rows)
                     if rows else "Nothing changed.\n")
    parts += [ALWAYS, "\n", _table(("versions", "what", "at most", "cases", "source"),
                                   _standing(waivers))]
    return "".join(parts)


def _changes(timeline: Timeline) -> list[Row]:
    """Return a row for every version and reason, in the order of versions."""
    groups: dict[tuple[str, str], list[tuple[Line, Change]]] = defaultdict(list)
    for line in timeline.lines:
        for change in line.changes:
            for reason in _reasons(change.findings):
                groups[change.comparison.observed, reason].append((line, change))
    return [_change(version, reason, group) for (version, reason), group in sorted(
        groups.items(), key=lambda row: timeline.versions.index(row[0][0]))]


def _change(version: str, reason: str, group: Sequence[tuple[Line, Change]]) -> Row:
    found = [f for _, change in group for f in change.findings if reason in _reasons([f])]
    begins, largest = cause(found), worst(found)
    sides = group[0][1].comparison
    degree, _ = weigh(found, sides.observed, sides.baseline)
    cases = dict.fromkeys(line.case for line, _ in group)
    size = "" if largest is None or largest.deviation is None else f"{largest.deviation:.1e}"
    return (version, (begins and begins.phase) or "", reason, size, degree.value,
            f"{', '.join(cases)}: {_count(len({line.variant for line, _ in group}))}")


def _reasons(findings: Iterable[Finding]) -> list[str]:
    """Return why findings are known, each reason once; what is open says so."""
    return list(dict.fromkeys(f"{f.waiver.reason} ({f.waiver.upstream})" if f.waiver
                              else "open: no reason is known yet" for f in findings))


def _standing(waivers: Sequence[Waiver]) -> list[Row]:
    """Return a row for every reason for which a version is off the reference."""
    groups: dict[tuple[str, str], list[Waiver]] = defaultdict(list)
    for waiver in waivers:
        if "reference" in waiver.against.split():
            groups[waiver.reason, waiver.upstream].append(waiver)
    return [(_words(w.environment for w in group), reason,
             f"{max(w.at_most for w in group):.1e}", _words(w.case for w in group), source)
            for (reason, source), group in groups.items()]


def _words(patterns: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(word for text in patterns for word in text.split()))


def _count(number: int) -> str:
    return f"{number} variant" if number == 1 else f"{number} variants"


def _shown(text: str) -> str:
    """Return a cell, with links to what it names: a waiver's words are this project's own."""
    return _SOURCE.sub(r"[\1#\2](https://github.com/\1/issues/\2)", markdown.line(text)) or "-"


def _table(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, tuple("---" for _ in head),
             *(tuple(_shown(cell) for cell in row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
