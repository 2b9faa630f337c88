"""The matrix: variants down, observed environments across, one verdict a cell.

Outside half. Cells are indices into the report's comparisons.
"""

from __future__ import annotations

from typing import Any

from harness import environments
from harness.compare import ALL_KINDS, Report
from harness.project import Project
from harness.report.details import identifier, variant_order

Column = tuple[str, str]
"""Observed environment, kind of comparison."""


def collect(report: Report, project: Project) -> dict[str, Any]:
    """Return the columns by family, and the rows by case."""
    columns = _columns(report)
    cells = {(c.case, c.variant, c.observed, c.against): index
             for index, c in enumerate(report.comparisons)}
    cases = []
    for case in dict.fromkeys(c.case for c in report.comparisons):
        rows = [{"variant": variant, "id": identifier(case, variant),
                 "cells": [cells.get((case, variant, *column)) for column in columns]}
                for variant in variant_order(report, project, case)]
        cases.append({"name": case, "summary": project.case(case).summary, "rows": rows})
    return {"families": _families(columns), "cases": cases}


def _columns(report: Report) -> list[Column]:
    found = {(c.observed, c.against) for c in report.comparisons}
    return sorted(found, key=lambda column: (
        environments.sort_key(column[0]), column[0], ALL_KINDS.index(column[1])))


def _families(columns: list[Column]) -> list[dict[str, Any]]:
    """Return the families in order, each with its environments and their kinds."""
    families: dict[str, dict[str, list[str]]] = {}
    for environment, kind in columns:
        family = environments.split(environment)[0]
        families.setdefault(family, {}).setdefault(environment, []).append(kind)
    return [{"name": family, "environments": [
                {"name": name, "version": name.partition("-")[2], "kinds": kinds}
                for name, kinds in members.items()]}
            for family, members in families.items()]
