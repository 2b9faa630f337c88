"""The facts of a report, as one plain dict: all that the page may say.

Outside half. Strict JSON throughout. The verdicts are those of ``compare --json``
(``harness.facts``); what is added here is who was measured where, how the findings
are arranged, and the curves behind them.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from harness import __version__
from harness.compare import ALL_KINDS, Report
from harness.facts import verdict_facts, waiver_facts
from harness.finding import Comparison, Verdict, tally
from harness.project import Project
from harness.report import details, matrix, measured, trend
from harness.report.answer import answer, outcome
from harness.report.charts import Curves

FORMAT = 1
"""Version of the report's JSON."""
QUESTIONS = {
    "baseline": "Has anything under the pin moved?",
    "previous": "What does the upgrade change?",
    "reference": "Is it right at all?",
    "named": "How does it compare with the one that was named?",
}


def collect(report: Report, project: Project, generated: str) -> dict[str, Any]:
    """Return everything the page shows.

    Args:
        generated: the time to print on it, ISO 8601.
    """
    curves = Curves()
    environments = measured.collect(report, project)
    variants = details.collect(report, project, curves)
    return {
        "format": FORMAT,
        "generated": generated,
        "harness": __version__,
        "answer": answer(report),
        "outcome": outcome(report),
        "kinds": _kinds(report.comparisons),
        **verdict_facts(report),
        "machines": measured.summary(environments),
        "environments": environments,
        "not_compared": _not_compared(report.comparisons),
        "matrix": matrix.collect(report, project),
        "variants": variants,
        "trend": trend.collect(project),
        "waivers": _waivers(report.comparisons),
        "curves": curves.values,
    }


def dumps(facts: dict[str, Any]) -> str:
    """Return the facts as JSON text: indented, but every curve on one line."""
    head = {key: value for key, value in facts.items() if key != "curves"}
    text = json.dumps(head, indent=1, allow_nan=False)
    curves = ",\n".join(f"  {json.dumps(name)}: {_compact(values)}"
                        for name, values in facts["curves"].items())
    return f'{text[:-2]},\n "curves": {{\n{curves}\n }}\n}}\n'


def _compact(values: list[float | None]) -> str:
    return json.dumps(values, separators=(",", ":"), allow_nan=False)


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


def _waivers(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Return the waivers applied, with the number of comparisons each one covers."""
    counts = Counter(waiver for c in comparisons for waiver in c.waivers)
    return [{**waiver_facts(waiver), "covers": count} for waiver, count in counts.most_common()]
