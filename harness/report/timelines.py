"""The timeline in the report: versions in groups, and the changes between them.

Outside half. As ``harness timeline --json`` has it, but a finding is an index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.finding import Finding
from harness.timeline import Line, Timeline


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
