"""The detail of each variant: its findings, its charts, and what to type next.

Outside half. The same finding of several environments is one row, which names
them all: eight versions with one bug are one thing to read.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from typing import Any

from harness import environments
from harness.compare import ALL_KINDS, Report
from harness.facts import comparison_facts
from harness.finding import Comparison, Verdict, tally
from harness.project import Project
from harness.report import charts
from harness.report.charts import Curves

ALL_VARIANTS = "*"
"""The variant of a comparison that failed for a whole case."""


def collect(report: Report, project: Project, curves: Curves) -> list[dict[str, Any]]:
    """Return the details in the order of the cases and their variants."""
    pinned = environments.pinned(project.root)
    return [_detail(report, project, case, variant, pinned, curves)
            for case in dict.fromkeys(c.case for c in report.comparisons)
            for variant in variant_order(report, project, case)]


def variant_order(report: Report, project: Project, case: str) -> list[str]:
    """Return the compared variants of a case, as the case declares them."""
    declared = [ALL_VARIANTS, *(v.name for v in project.case(case).variants)]
    found = dict.fromkeys(c.variant for c in report.comparisons if c.case == case)
    return sorted(found, key=lambda name: declared.index(name) if name in declared
                  else len(declared))


def identifier(case: str, variant: str) -> str:
    """Return the detail's name within the page."""
    name = f"{case}-{'all' if variant == ALL_VARIANTS else variant}"
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    if plain != name:  # keep apart what only differs in what was replaced
        plain += "-" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"detail-{plain}"


def _detail(report: Report, project: Project, case: str, variant: str, pinned: list[str],
            curves: Curves) -> dict[str, Any]:
    mine = [c for c in report.comparisons if (c.case, c.variant) == (case, variant)]
    counts = tally(mine)
    rows = _rows(mine)
    drawn = charts.collect(report, project.case(case), variant, mine, curves)
    return {
        "id": identifier(case, variant),
        "case": case,
        "variant": variant,
        "open": any(c.problem or c.open_findings for c in mine),
        "counts": {verdict.word: counts[verdict] for verdict in Verdict if counts[verdict]},
        "waived": sum(c.is_waived for c in mine),
        "differences": [row for row in rows if _is_notable(row)],
        "agreements": [row for row in rows if not _is_notable(row)],
        "charts": drawn,
        "precision": _first_shown(drawn),
        "commands": _commands(report, mine, pinned),
    }


def _first_shown(drawn: dict[str, Any]) -> str | None:
    """Return the precision in which most differs; float64 if neither."""
    return max(drawn, key=lambda precision: len(drawn[precision]["marks"]), default=None)


def _rows(comparisons: list[Comparison]) -> list[dict[str, Any]]:
    """Return the findings, equal ones of several environments together, worst first."""
    rows: dict[str, dict[str, Any]] = {}
    for comparison in comparisons:
        facts = comparison_facts(comparison)
        for finding in facts["findings"] or [_problem(facts)]:
            key = json.dumps([facts["against"], finding], sort_keys=True)
            row = rows.setdefault(key, {"against": facts["against"], "pairs": [],
                                        "finding": finding})
            row["pairs"].append({"observed": facts["observed"], "baseline": facts["baseline"]})
    return sorted(rows.values(), key=_order)


def _problem(comparison: dict[str, Any]) -> dict[str, Any]:
    """Return what could not be compared, in the shape of a finding."""
    sentence = comparison["problem"] or "nothing was checked"
    return {"check": None, "verdict": comparison["verdict"], "sentence": sentence, "step": None,
            "phase": None, "observed": None, "baseline": None, "deviation": None,
            "allowance": None, "required": None, "waiver": None}


def _order(row: dict[str, Any]) -> tuple[bool, int, int]:
    finding = row["finding"]
    severity = Verdict[finding["verdict"].upper()]
    return finding["waiver"] is not None, -severity, ALL_KINDS.index(row["against"])


def _is_notable(row: dict[str, Any]) -> bool:
    return Verdict[row["finding"]["verdict"].upper()] > Verdict.EQUIVALENT


def _commands(report: Report, comparisons: list[Comparison],
              pinned: list[str]) -> list[dict[str, Any]]:
    """Return how to measure again, to compare again, and to accept, by environment.

    Only for environments with an open difference, if there is one.
    """
    case, variant = comparisons[0].case, comparisons[0].variant
    concerned = [c for c in comparisons if c.problem or c.open_findings] or comparisons
    facts = []
    for name in dict.fromkeys(c.observed for c in concerned):
        environment, only = shlex.quote(name), ""
        if variant != ALL_VARIANTS:
            only = f" --variant {shlex.quote(variant)}"
        record = report.observed.get((case, name))
        is_run = record is not None and record.accepted is None
        facts.append({
            "environment": name,
            "reproduce": f"tox run -e {environment} -- {case}" if name in pinned else None,
            "compare": f"harness compare {environment} --case {case}{only}",
            "accept": f"harness accept {environment} {case} --reason TEXT" if is_run else None,
        })
    return facts
