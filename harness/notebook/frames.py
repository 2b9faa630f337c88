"""Tables: verdicts, findings, changes and series as pandas' data frames.

Outside half. One row for each thing that has a name; columns are the words of the report, numbers
are numbers, and what is not known is missing.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from harness.compare.checks.finding import Comparison, Finding
from harness.compare.timeline import Timeline
from harness.errors import UsageError

VERDICTS = ("case", "variant", "observed", "against", "baseline", "verdict", "waived", "phase",
            "precision", "check", "step", "checkpoint", "tensor", "deviation", "allowance",
            "sentence", "reason")
"""Columns of verdicts and of findings."""
CHANGES = ("family", "case", "variant", "precision", "observed", "baseline", "verdict", "phase",
           "step", "tensor", "deviation", "explained", "creeping", "sentence", "reason")
"""Columns of changes."""
SERIES = ("case", "environment", "variant", "figure", "host", "time", "value", "changed")
"""Columns of a history."""


def verdicts(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """Return a row for each comparison, with the finding that stands for it."""
    rows = [{**_sides(c), "verdict": c.verdict.word, "waived": c.is_waived,
             **_finding(c.worst), "phase": c.cause.phase if c.cause else None,
             **({"sentence": c.problem} if c.problem else {})} for c in comparisons]
    return _table(rows, VERDICTS)


def findings(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """Return a row for each finding, differences and all that agrees."""
    rows = [{**_sides(c), "verdict": found.verdict.word, "waived": found.waiver is not None,
             **_finding(found)} for c in comparisons for found in c.findings]
    return _table(rows, VERDICTS)


def changes(timelines: Iterable[Timeline]) -> pd.DataFrame:
    """Return a row for each version at which a line of a timeline changes."""
    rows = []
    for timeline in timelines:
        for line in timeline.lines:
            for change in line.changes:
                found = max(change.findings, key=lambda f: (f.waiver is None, f.excess),
                            default=None)
                rows.append({**_finding(found), **_sides(change.comparison),
                             "family": timeline.family, "precision": line.precision,
                             "verdict": found.verdict.word if found else "error",
                             "explained": change.is_explained, "creeping": change.is_creeping})
    return _table(rows, CHANGES)


def series(facts: Mapping[str, Any]) -> pd.DataFrame:
    """Return a row for each night of each figure of a case that changed.

    Args:
        facts: of one case, as ``history.facts.case_facts`` returns them.
    """
    rows = [{"case": facts["case"], "environment": changed["environment"],
             "variant": changed["variant"], "figure": one["name"], "host": one["host"],
             "time": pd.Timestamp(time), "value": float(value),
             "changed": time in {change.get("at") for change in one["changes"]}}
            for changed in facts["changed"] for one in changed["series"]
            for time, value in zip(one["times"], one["values"], strict=True)]
    return _table(rows, SERIES)


def dumps(table: pd.DataFrame, form: str) -> bytes:
    """Return a table as a file of a format holds it.

    Raises:
        UsageError: nothing here can write Parquet.
    """
    if form == "csv":
        return table.to_csv(index=False).encode()
    if form == "json":
        return table.to_json(orient="records", indent=1, date_format="iso").encode() + b"\n"
    content = io.BytesIO()
    try:
        table.to_parquet(content, index=False)
    except ImportError as error:
        raise UsageError("nothing here can write Parquet", numbers=str(error)[:200],
                         next_command="pip install pyarrow") from None
    return content.getvalue()


def _sides(c: Comparison) -> dict[str, Any]:
    return {"case": c.case, "variant": c.variant, "observed": c.observed, "against": c.against,
            "baseline": c.baseline}


def _finding(found: Finding | None) -> dict[str, Any]:
    if found is None:
        return {}
    names = ("phase", "precision", "check", "step", "checkpoint", "tensor", "deviation",
             "allowance", "sentence")
    return {**{name: getattr(found, name) for name in names},
            "reason": found.waiver.reason if found.waiver else None}


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a table that has all columns, steps as whole numbers."""
    table = pd.DataFrame.from_records(list(rows), columns=list(columns))
    return table.astype({"step": "Int64"}) if "step" in columns else table
