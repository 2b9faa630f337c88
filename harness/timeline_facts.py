"""The timeline as plain data: what ``timeline --json`` writes and the report shows.

Outside half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.facts import finding_facts
from harness.finding import Finding
from harness.timeline import Change, Line, Timeline

Keep = Callable[[Finding], Any]
"""Makes of a finding what stands for it."""


def timeline_facts(timelines: Sequence[Timeline], keep: Keep = finding_facts
                   ) -> list[dict[str, Any]]:
    """Return every family with its versions and lines.

    Args:
        keep: what stands for a finding: its facts, or an index into a list of them.
    """
    return [{"family": timeline.family, "versions": list(timeline.versions),
             "lines": [_line_facts(line, keep) for line in timeline.lines]}
            for timeline in timelines]


def _line_facts(line: Line, keep: Keep) -> dict[str, Any]:
    return {
        "case": line.case, "variant": line.variant, "precision": line.precision,
        "groups": [{"versions": group.versions, "verdict": group.verdict.word,
                    "like": group.like} for group in line.groups],
        "changes": [_change_facts(change, keep) for change in line.changes],
        "absent": line.absent,
    }


def _change_facts(change: Change, keep: Keep) -> dict[str, Any]:
    return {"observed": change.comparison.observed, "baseline": change.comparison.baseline,
            "explained": change.is_explained, "creeping": change.is_creeping,
            "findings": [keep(finding) for finding in change.findings]}
