"""The facts of a report, as one plain dict: all that the page may say.

Outside half. Strict JSON throughout. The verdicts are those of ``compare --json``
(``harness.report.verdicts``); what is the same for many comparisons (findings, waivers,
packages) is listed once, and the others refer to it by its index.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver, tally
from harness.compare.compare import ALL_KINDS, Report
from harness.compare.timeline import Timeline
from harness.history import facts as trend
from harness.records.project import Project
from harness.report import changes, measured, variants
from harness.report.answer import answer, outcome
from harness.report.changes import Change
from harness.report.verdicts import finding_facts, timeline_facts, waiver_facts
from harness.version import __version__

FORMAT = 2
"""Version of the report's JSON."""
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
        return [{**finding_facts(finding), "waiver":
                 None if finding.waiver is None else self.waivers[finding.waiver]}
                for finding in self.findings]


def collect(report: Report, project: Project, generated: str,
            lineages: Sequence[Timeline] = ()) -> dict[str, Any]:
    """Return everything the page shows.

    Args:
        generated: the time to print on it, ISO 8601.
        lineages: timelines of the stored baselines.
    """
    known = Findings()
    compared = [_comparison(c, known) for c in report.comparisons]
    through_time = timeline_facts(lineages, known.add)
    beside = variants.newest(report, project)
    cases, chunks = variants.collect(report, project, beside)
    everyone = measured.collect(report, project, beside)
    counts = tally(report.comparisons)
    return {
        "format": FORMAT,
        "generated": generated,
        "harness": __version__,
        "answer": answer(report),
        "outcome": outcome(report),
        "exit_code": report.exit_code,
        "counts": {verdict.word: counts[verdict] for verdict in Verdict},
        "waived": sum(c.is_waived for c in report.comparisons),
        "seconds": measured.seconds(everyone["environments"]),
        "machines": measured.summary(everyone["environments"]),
        "kinds": _kinds(report.comparisons),
        "notes": report.notes,
        "not_compared": _not_compared(report.comparisons),
        "changes": [_change(change) for change in changes.collect(report)],
        **everyone,
        "waivers": _waivers(report.comparisons, known),
        "unused_waivers": [waiver_facts(waiver) for waiver in report.unused],
        "findings": known.facts(),
        "cases": cases,
        "comparisons": compared,
        "timeline": through_time,
        "trend": trend.collect(project),
        "chunks": chunks,
    }


def dumps(facts: dict[str, Any]) -> str:
    """Return the facts as JSON text, one entry of a list or chunk a line."""
    parts = []
    for key, value in facts.items():
        if isinstance(value, list):
            inner = ",\n".join(f"  {_compact(one)}" for one in value)
            text = f"[\n{inner}\n ]" if value else "[]"
        elif key == "chunks":
            inner = ",\n".join(f"  {json.dumps(name)}: {_compact(one)}"
                               for name, one in value.items())
            text = f"{{\n{inner}\n }}" if value else "{}"
        else:
            text = _compact(value)
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


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


def _change(change: Change) -> dict[str, Any]:
    first, finding = change.first, finding_facts(change.finding)
    return {
        "environment": first.observed, "case": first.case, "variants": change.variants,
        "sides": [{"against": c.against, "baseline": c.baseline} for c in change.sides],
        "verdict": change.verdict.word, "reasons": change.reasons,
        "waiver": "" if change.is_own else change.waiver,
        "phase": change.phase, "where": change.where, "deviation": finding["deviation"],
        "allowance": finding["allowance"], "sentence": change.finding.sentence,
        "faults": [{"name": fault.name, "summary": fault.summary, "source": fault.source}
                   for fault in change.faults],
        "commands": change.commands,
    }


def _kinds(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Return, for each kind of comparison that was made, its question and its counts."""
    facts = []
    for kind in ALL_KINDS:
        found = [c for c in comparisons if c.against == kind]
        counts = tally(found)
        if found:
            facts.append({
                "against": kind, "question": QUESTIONS[kind], "comparisons": len(found),
                "counts": {verdict.word: counts[verdict] for verdict in Verdict},
                "waived": sum(c.is_waived for c in found)})
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
