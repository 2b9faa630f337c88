"""Verdicts and timelines as plain data: what ``--json`` writes and the report shows.

Outside half. Strict JSON: a number that is not finite becomes the string that
records use for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver, tally
from harness.compare.compare import Report
from harness.compare.timeline import Change, Line, Timeline
from harness.records.writing import number

Keep = Callable[[Finding], Any]
"""Makes of a finding what stands for it."""


def verdict_facts(report: Report) -> dict[str, Any]:
    """Return the whole outcome: counts, comparisons, notes, unused waivers."""
    counts = tally(report.comparisons)
    return {
        "exit_code": report.exit_code,
        "counts": {verdict.word: counts[verdict] for verdict in Verdict},
        "waived": sum(c.is_waived for c in report.comparisons),
        "comparisons": [comparison_facts(c) for c in report.comparisons],
        "notes": report.notes,
        "unused_waivers": [waiver_facts(w) for w in report.unused],
    }


def comparison_facts(comparison: Comparison) -> dict[str, Any]:
    """Return one comparison with its findings."""
    return {
        "case": comparison.case,
        "variant": comparison.variant,
        "observed": comparison.observed,
        "against": comparison.against,
        "baseline": comparison.baseline,
        "verdict": comparison.verdict.word,
        "waived": comparison.is_waived,
        "problem": comparison.problem,
        "evidence": comparison.evidence,
        "findings": [finding_facts(f) for f in comparison.findings],
    }


def waiver_facts(waiver: Waiver) -> dict[str, Any]:
    """Return a waiver's fields."""
    return {name: number(value) for name, value in dataclasses.asdict(waiver).items()}


def finding_facts(finding: Finding) -> dict[str, Any]:
    """Return a finding's fields."""
    fields = {field.name: number(getattr(finding, field.name))
              for field in dataclasses.fields(finding)}
    fields["verdict"] = finding.verdict.word
    fields["waiver"] = None if finding.waiver is None else waiver_facts(finding.waiver)
    return fields


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
