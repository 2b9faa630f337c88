"""The facts of a report, as one plain dict: all that the page may say.

Outside half. Strict JSON throughout. They begin with the verdicts that ``compare --json`` writes
(``harness.report.verdicts``), and add what was measured, on which machines, and the curves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.compare.compare import Report
from harness.compare.timeline import Timeline
from harness.environments import altered
from harness.records.project import Project
from harness.report import measured, variants, verdicts
from harness.report.causes import Second
from harness.report.verdicts import Findings, timeline_facts


def collect(report: Report, project: Project, generated: str,
            lineages: Sequence[Timeline] = (), way: Timeline | None = None,
            seconds: Mapping[str, Second] | None = None,
            trend: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return everything the page shows.

    Args:
        generated: the time to print on it, ISO 8601.
        lineages: timelines of the stored baselines.
        way: the versions between two that were compared with each other.
        seconds: what the second measurement of an alarm said, by environment.
        trend: what changed over many nights, as ``history.facts.collect`` tells it.
    """
    known = Findings()
    for finding in (f for c in report.comparisons for f in c.findings):
        known.add(finding)  # these first: the timeline has more of its own
    through_time = timeline_facts(lineages, known.add)
    told = verdicts.collect(report, known, seconds, way)
    beside = variants.newest(report, project)
    cases, chunks = variants.collect(report, project, beside)
    everyone = measured.collect(report, project, beside)
    differing = {cause["environment"] for cause in told["causes"] if cause["since"] is None}
    return {
        **told,
        "generated": generated,
        "seconds": measured.seconds(everyone["environments"]),
        "machines": measured.summary(everyone["environments"]),
        **everyone,
        "altered": {name: files for name in sorted(differing)
                    if (files := altered.files(project.root, name))},
        "cases": cases,
        "timeline": through_time,
        "trend": {"problem": None, "cases": []} if trend is None else trend,
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
