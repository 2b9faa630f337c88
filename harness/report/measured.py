"""Who was measured, on which machine, and how much of each case.

Outside half. Provenance is whatever a program wrote into its record, so nothing
about its shape is taken for granted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.compare.compare import Report
from harness.environments import names as environments
from harness.records.environment import parse
from harness.records.project import Project
from harness.records.record import Record
from harness.vocabulary.case import PRECISIONS
from harness.words import number


def collect(report: Report, project: Project,
            newest: Mapping[tuple[str, str], Record]) -> dict[str, list[Any]]:
    """Return who was measured, who is only shown beside it, and the distinct package lists.

    Args:
        newest: by case and environment, records that the charts show as well.
    """
    beside = {**newest, **report.baselines}
    pinned = environments.pinned(project.root)
    observed = {name for _, name in report.observed}
    packages: list[dict[str, str]] = []
    sides = {"environments": (report.observed, observed),
             "others": (beside, {name for _, name in beside} - observed)}
    found: dict[str, list[Any]] = {
        key: [_environment(report, project, name, records, name in pinned, packages)
              for name in sorted(names, key=environments.sort_key)]
        for key, (records, names) in sides.items()}
    return {**found, "packages": packages}


def summary(environments: list[dict[str, Any]]) -> str:
    """Return in words who was measured now, on which machines, and who was not."""
    runs = [e for e in environments if e["source"] == "run"]
    stored, machines = len(environments) - len(runs), list(dict.fromkeys(map(_machine, runs)))
    sentences = []
    for machine in machines:
        mine = [e for e in runs if _machine(e) == machine]
        times = sorted(time[:16] for e in mine for time in e["recorded"])
        who = ", ".join(e["name"] for e in mine) if len(machines) > 1 else \
            f"{len(mine)} environment" + ("s" if len(mine) > 1 else "")
        sentences.append(f"Measured on {machine}, from {times[0]} to {times[-1]}: {who}.")
    if stored:
        who = f"{stored} more" if runs else "all" if stored > 1 else "the only one"
        sentences.append(f"Compared from stored records, not measured now: {who}.")
    return " ".join(sentences) or "No environment has a record that could be read."


def seconds(environments: list[dict[str, Any]]) -> float | None:
    """Return how long everything took that was measured now; None where nothing says."""
    found = [e["seconds"] for e in environments if e["source"] == "run" and e["seconds"]]
    return round(sum(found), 1) if found else None


def _machine(environment: dict[str, Any]) -> str:
    parts = [environment["cpu"], environment["platform"]]
    return ", ".join(part for part in parts if part) or "a machine that was not recorded"


def _environment(report: Report, project: Project, name: str,
                 records: Mapping[tuple[str, str], Record], is_pinned: bool,
                 packages: list[dict[str, str]]) -> dict[str, Any]:
    mine = {case: record for (case, environment), record in records.items()
            if environment == name}
    runs = [record for record in mine.values() if record.accepted is None]
    told = runs or list(mine.values())  # of what was measured now, if anything was
    provenance = told[0].provenance
    version = parse(name).version
    return {
        "name": name,
        "family": parse(name).family,
        "version": version if environments.release(name) is not None else version or name,
        "pinned": is_pinned,
        "source": "run" if runs else "baseline",
        "python": _text(provenance.get("python")),
        "platform": _text(provenance.get("platform")),
        "cpu": _cpu(provenance.get("cpu")),
        "recorded": sorted({_text(r.provenance.get("recorded")) for r in told}),
        "seconds": _seconds(told),
        "cases": [_measured(project, case, record) for case, record in mine.items()],
        "baselines": [_accepted(case, report.baselines[case, name], packages) for case in mine
                      if (case, name) in report.baselines],
        "packages": _packages(provenance, packages),
    }


def _seconds(records: list[Record]) -> float | None:
    """Return how long measuring took, all cases together; None where nothing says."""
    found = [value for record in records
             if isinstance(value := record.provenance.get("seconds"), (int, float))]
    return round(float(sum(found)), 1) if found else None


def _measured(project: Project, case: str, record: Record) -> dict[str, Any]:
    """Return how many of the case's variants were measured, and in which precisions."""
    measured = [v for v in record.variants.values() if v.trajectories]
    found = {precision for v in measured for precision in v.trajectories}
    return {
        "case": case,
        "variants": 1 if case in project.program_names() else len(measured),
        "of": 1 if case in project.program_names() else len(project.case(case).variants),
        "precisions": [precision for precision in PRECISIONS if precision in found],
        "selection": _strict(record.provenance.get("selection")),
    }


def _accepted(case: str, record: Record, packages: list[dict[str, str]]) -> dict[str, Any]:
    accepted = record.accepted or {}
    return {"case": case, "reason": _text(accepted.get("reason")), "at": _text(accepted.get("at")),
            "packages": _packages(record.provenance, packages)}


def _packages(provenance: dict[str, Any], known: list[dict[str, str]]) -> int:
    """Keep the list of packages, each distinct one once; return its index."""
    packages = provenance.get("packages")
    mine = {str(name): _text(version) for name, version in packages.items()} \
        if isinstance(packages, dict) else {}
    if mine not in known:
        known.append(mine)
    return known.index(mine)


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
