"""The timeline as plain data: what ``timeline --json`` writes.

Outside half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.facts import comparison_facts, finding_facts
from harness.timeline import Change, Line, Timeline


def timeline_facts(timelines: Sequence[Timeline]) -> list[dict[str, Any]]:
    """Return every family with its versions and lines."""
    return [{"family": timeline.family, "versions": list(timeline.versions),
             "lines": [_line_facts(line) for line in timeline.lines]} for timeline in timelines]


def _line_facts(line: Line) -> dict[str, Any]:
    return {
        "case": line.case, "variant": line.variant, "precision": line.precision,
        "groups": [{"versions": group.versions, "verdict": group.verdict.word,
                    "like": group.like} for group in line.groups],
        "changes": [_change_facts(change) for change in line.changes],
        "absent": line.absent,
    }


def _change_facts(change: Change) -> dict[str, Any]:
    return {**{name: value for name, value in comparison_facts(change.comparison).items()
               if name in ("observed", "baseline")},
            "explained": change.is_explained, "creeping": change.is_creeping,
            "findings": [finding_facts(finding) for finding in change.findings]}
