"""The timeline in the report: versions in groups, and the changes between them.

Outside half. As ``harness timeline --json`` has it, but a finding is an index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness import timeline
from harness.compare import Report
from harness.differ import Differ
from harness.errors import HarnessError
from harness.finding import Finding
from harness.project import Project
from harness.timeline import Line, Timeline


def load(report: Report, project: Project, differ: Differ | None = None) -> list[Timeline]:
    """Return the timelines of everything accepted; what keeps them away is noted in the report.

    Args:
        differ: one that has compared records of this project already.
    """
    try:
        return timeline.load(project, differ=differ)
    except HarnessError as error:  # a project that has accepted nothing has a report, too
        report.notes.append(f"no timeline: {error}")
        return []


def collect(lineages: Sequence[Timeline], keep: Callable[[Finding], int]) -> list[dict[str, Any]]:
    """Return every family with its versions and lines.

    Args:
        keep: takes in a finding and returns its index.
    """
    return [{"family": one.family, "versions": list(one.versions),
             "lines": [_line(line, keep) for line in one.lines]} for one in lineages]


def _line(line: Line, keep: Callable[[Finding], int]) -> dict[str, Any]:
    return {
        "case": line.case, "variant": line.variant, "precision": line.precision,
        "groups": [{"versions": group.versions, "verdict": group.verdict.word,
                    "like": group.like} for group in line.groups],
        "changes": [{"observed": change.comparison.observed,
                     "baseline": change.comparison.baseline,
                     "explained": change.is_explained, "creeping": change.is_creeping,
                     "findings": [keep(finding) for finding in change.findings]}
                    for change in line.changes],
        "absent": line.absent,
    }
