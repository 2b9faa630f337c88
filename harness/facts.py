"""Verdicts as plain data: what ``compare --json`` writes and the report shows.

Outside half. Strict JSON: a number that is not finite becomes the string that
records use for it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.compare import Report
from harness.finding import Comparison, Finding, Verdict, Waiver, tally
from harness.serialization import number


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
