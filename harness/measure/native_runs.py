"""Measuring native runs: every seed a piece of work, all of them one record.

Inside half: standard library and NumPy only; it runs beside the workers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Optional, Tuple

from harness.errors import HarnessError
from harness.measure import partial, supervisor
from harness.measure.process import Event
from harness.records import native_record
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import NativeRun

Group = Tuple[Optional[str], str]
"""Fault, or None, and case."""


@dataclass
class Collector:
    """What workers have told so far: a run for every piece of work with a seed."""

    report: Callable[[Event], None]
    runs: dict[Group, dict[str, list[NativeRun]]] = field(default_factory=dict)
    provenance: dict[Group, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Take in an event, and pass it on."""
        if event["event"] == "recorded" and "native" in event:
            group = event["fault"], event["case"]
            runs = self.runs.setdefault(group, {}).setdefault(event["variant"], [])
            runs.append(NativeRun(**event["native"]))
            self.provenance[group] = event["provenance"]
        self.report(event)


def run(project: Project, environment: str, work: list[supervisor.Work], timeout: float,
        report: Callable[[Event], None],
        jobs: int | None) -> dict[supervisor.Work, str]:
    """Do the work, and write one record of the native runs of every case and fault.

    Returns:
        What could not be measured, and why; its case and fault have no native record.
    """
    collector = Collector(report)
    failures = supervisor.run(project, environment, work, timeout, collector, jobs)
    write(project, environment, collector, failures)
    return failures


def write(project: Project, environment: str, collector: Collector,
          failures: Iterable[supervisor.Work]) -> None:
    """Write one record of the native runs of every case and fault of which none failed."""
    broken = {(piece.fault, piece.case) for piece in failures if piece.seed is not None}
    for fault, case in broken:  # what an earlier run left does not stand for this one
        _home(project, fault).native_run_path(case, environment).unlink(missing_ok=True)
    for (fault, case), runs in collector.runs.items():
        if (fault, case) not in broken:
            record = NativeRecord(case, environment, collector.provenance[fault, case],
                                  _ordered(runs))
            apart = settle(_home(project, fault), record)
            if apart is not None:
                collector.report({"event": "apart", "case": case, "apart": apart})


def settle(project: Project, record: NativeRecord) -> str | None:
    """Write native runs in the place of the last ones, or into them; fewer never replace more.

    Returns:
        Why they lie apart, where, and what to type next; None if they do not.
    """
    path = project.native_run_path(record.case, record.environment)
    apart = project.native_partial_path(record.case, record.environment)
    try:
        last = native_record.reopen(path)
    except HarnessError:
        last = record  # nothing there that could be lost
    if not _pairs(last) <= _pairs(record):
        differing = partial.differences(last.provenance, record.provenance)
        if differing:
            native_record.write(record, apart)
            return (f"kept apart from the last native runs, which were more: "
                    f"{', '.join(differing)} differ\n  where: {apart}\n"
                    f"  next:  tox run -e {record.environment} -- {record.case} --native --again")
        record = _joined(last, record)
    native_record.write(record, path)
    apart.unlink(missing_ok=True)
    return None


def _joined(last: NativeRecord, record: NativeRecord) -> NativeRecord:
    """Return the last native runs, some of them measured again under the same conditions."""
    runs = {name: {run.seed: run for run in found} for name, found in last.runs.items()}
    for name, found in record.runs.items():
        runs.setdefault(name, {}).update({run.seed: run for run in found})
    provenance = {**last.provenance, "renewed": record.provenance.get("recorded")}
    return NativeRecord(last.case, last.environment, provenance,
                        _ordered({name: list(found.values()) for name, found in runs.items()}))


def _pairs(record: NativeRecord) -> set[tuple[str, int]]:
    """Return variants and seeds."""
    return {(name, run.seed) for name, runs in record.runs.items() for run in runs}


def _ordered(runs: dict[str, list[NativeRun]]) -> dict[str, list[NativeRun]]:
    return {name: sorted(runs[name], key=lambda one: one.seed) for name in sorted(runs)}


def _home(project: Project, fault: str | None) -> Project:
    return project.under(fault) if fault else project
