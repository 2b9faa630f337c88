"""The verdicts of a comparison as one JSON document: ``compare --json`` and the page have it.

Outside half. Strict JSON throughout; ``docs/verdicts.schema.json`` describes it. What is the same
for many comparisons (findings, waivers) is listed once, and the others refer to it by its index.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver, tally
from harness.compare.compare import ALL_KINDS, Report
from harness.compare.timeline import Change, Line, Timeline
from harness.report import causes
from harness.report.answer import answer, outcome
from harness.report.causes import Second
from harness.version import __version__
from harness.words import number

Keep = Callable[[Finding], Any]
"""Makes of a finding what stands for it."""
FORMAT = 3
"""Version of the document."""
QUESTIONS = {
    "baseline": "Has anything under the pin moved?",
    "previous": "What does the upgrade change?",
    "next": "Does it behave as the version after it?",
    "reference": "Is it right at all?",
    "named": "How does it compare with the one that was named?",
}


@dataclass
class Findings:
    """Distinct findings and waivers, in the order in which they were first met."""

    findings: dict[Finding, int] = field(default_factory=dict)
    waivers: dict[Waiver, int] = field(default_factory=dict)

    def add(self, finding: Finding) -> int:
        """Keep a finding and return its index."""
        if finding.waiver is not None:
            self.waivers.setdefault(finding.waiver, len(self.waivers))
        return self.findings.setdefault(finding, len(self.findings))

    def facts(self) -> list[dict[str, Any]]:
        """Return the findings, each with the index of its waiver."""
        return [{**finding_facts(finding), "comes_right": finding.comes_right, "waiver":
                 None if finding.waiver is None else self.waivers[finding.waiver]}
                for finding in self.findings]


def collect(report: Report, known: Findings | None = None,
            seconds: Mapping[str, Second] | None = None,
            way: Timeline | None = None) -> dict[str, Any]:
    """Return the document.

    Args:
        known: takes in findings and waivers, where others refer to them as well.
        seconds: what the second measurement of an alarm said, by environment.
        way: the versions between two that were compared with each other.
    """
    known = known or Findings()
    compared = [_comparison(c, known) for c in report.comparisons]
    return {
        "format": FORMAT,
        "harness": __version__,
        "answer": answer(report, seconds or {}),
        "outcome": outcome(report),
        "exit_code": report.exit_code,
        "versions": report.versions and dict(zip(("baseline", "observed"), report.versions,
                                                 strict=True)),
        **_counts(report.comparisons),
        "kinds": _kinds(report.comparisons),
        "notes": report.notes,
        "not_compared": _not_compared(report.comparisons),
        "causes": causes.collect(report, known.add, seconds or {}, way),
        "waivers": _waivers(report.comparisons, known),
        "unused_waivers": [waiver_facts(waiver) for waiver in report.unused],
        "findings": known.facts(),
        "comparisons": compared,
    }


def _counts(comparisons: list[Comparison]) -> dict[str, Any]:
    counts = tally(comparisons)
    return {"counts": {verdict.word: counts[verdict] for verdict in Verdict},
            "waived": sum(c.is_waived for c in comparisons)}


def _comparison(c: Comparison, known: Findings) -> dict[str, Any]:
    found = [known.add(finding) for finding in c.findings]
    cause, worst = c.cause, c.worst
    return {
        "case": c.case, "variant": c.variant, "observed": c.observed, "against": c.against,
        "baseline": c.baseline, "verdict": c.verdict.word, "waived": c.is_waived,
        "problem": c.problem, "evidence": c.evidence, "findings": found,
        "cause": None if cause is None else known.findings[cause],
        "worst": None if worst is None else known.findings[worst],
    }


def _kinds(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Return, for each kind of comparison that was made, its question and its counts."""
    facts = []
    for kind in ALL_KINDS:
        found = [c for c in comparisons if c.against == kind]
        if found:
            facts.append({"against": kind, "question": QUESTIONS[kind],
                          "comparisons": len(found), **_counts(found)})
    return facts


def _not_compared(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Return what could not be compared, one entry for every reason and environment."""
    entries: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for c in comparisons:
        if not c.problem:
            continue
        entry = entries.setdefault((c.problem, c.case, c.observed, c.verdict.word), {
            "case": c.case, "observed": c.observed, "verdict": c.verdict.word,
            "problem": c.problem, "against": [], "variants": []})
        for key, value in (("against", c.against), ("variants", c.variant)):
            if value not in entry[key]:
                entry[key].append(value)
    return list(entries.values())


def _waivers(comparisons: list[Comparison], known: Findings) -> list[dict[str, Any]]:
    """Return the waivers applied, with the number of comparisons each one covers."""
    counts = Counter(waiver for c in comparisons for waiver in c.waivers)
    return [{**waiver_facts(waiver), "covers": counts[waiver]} for waiver in known.waivers]


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
