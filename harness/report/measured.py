"""Who was measured, on which machine, and how much of each case.

Outside half. Provenance is whatever a program wrote into its record, so nothing
about its shape is taken for granted.
"""

from __future__ import annotations

from typing import Any

from harness import environments
from harness.case import PRECISIONS
from harness.compare import Report
from harness.facts import number
from harness.project import Project
from harness.record import Record

ALONGSIDE = ("numpy", "nx")
"""Packages whose version matters as much as the framework's."""


def collect(report: Report, project: Project) -> list[dict[str, Any]]:
    """Return the observed environments in order, each with what it measured where."""
    pinned = environments.pinned(project.root)
    names = sorted({name for _, name in report.observed}, key=environments.sort_key)
    families = {environments.split(name)[0] for name in names}
    return [_environment(report, project, name, name in pinned, families) for name in names]


def summary(environments: list[dict[str, Any]]) -> str:
    """Return in words who was measured now, on which machines, and who was not."""
    runs = [e for e in environments if e["source"] == "run"]
    stored = len(environments) - len(runs)
    sentences = []
    for machine in dict.fromkeys(_machine(e) for e in runs):
        names = ", ".join(e["name"] for e in runs if _machine(e) == machine)
        times = [time for e in runs if _machine(e) == machine for time in e["recorded"]]
        sentences.append(f"Measured on {machine} from {min(times)} to {max(times)}: {names}.")
    if stored:
        sentences.append(f"Compared from stored records, not measured now: {stored} more.")
    return " ".join(sentences) or "No environment has a record that could be read."


def _machine(environment: dict[str, Any]) -> str:
    parts = [environment["cpu"], environment["platform"]]
    return ", ".join(part for part in parts if part) or "a machine that was not recorded"


def _environment(report: Report, project: Project, name: str, is_pinned: bool,
                 families: set[str]) -> dict[str, Any]:
    records = {case: record for (case, environment), record in report.observed.items()
               if environment == name}
    provenance = next(iter(records.values())).provenance
    return {
        "name": name,
        "pinned": is_pinned,
        "source": "baseline" if any(r.accepted is not None for r in records.values()) else "run",
        "framework": _packages(provenance, families),
        "python": _text(provenance.get("python")),
        "platform": _text(provenance.get("platform")),
        "cpu": _cpu(provenance.get("cpu")),
        "recorded": sorted({_text(r.provenance.get("recorded")) for r in records.values()}),
        "cases": [_measured(project, case, record) for case, record in records.items()],
        "baselines": [_accepted(case, report.baselines[case, name]) for case in records
                      if (case, name) in report.baselines],
        "provenance": {case: _strict(record.provenance) for case, record in records.items()},
    }


def _measured(project: Project, case: str, record: Record) -> dict[str, Any]:
    """Return how many of the case's variants were measured, and in which precisions."""
    found = {precision for v in record.variants.values() for precision in v.trajectories}
    return {
        "case": case,
        "variants": sum(bool(v.trajectories) for v in record.variants.values()),
        "of": len(project.case(case).variants),
        "precisions": [precision for precision in PRECISIONS if precision in found],
        "selection": _strict(record.provenance.get("selection")),
    }


def _accepted(case: str, record: Record) -> dict[str, Any]:
    accepted = record.accepted or {}
    return {"case": case, "reason": _text(accepted.get("reason")), "at": _text(accepted.get("at"))}


def _packages(provenance: dict[str, Any], families: set[str]) -> dict[str, str]:
    """Return the packages that decide how training behaves."""
    packages = provenance.get("packages")
    if not isinstance(packages, dict):
        return {}
    wanted = {*families, *(f"{family}-cpu" for family in families), *ALONGSIDE}
    return {name: _text(version) for name, version in packages.items() if name in wanted}


def _cpu(value: Any) -> str:
    if not isinstance(value, dict):
        return _text(value)
    count = value.get("count")
    return _text(value.get("model")) + (f", {count} CPUs" if count is not None else "")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _strict(value: Any) -> Any:
    """Return the value with every number that is not finite as a string."""
    if isinstance(value, dict):
        return {str(key): _strict(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(child) for child in value]
    return number(value)
