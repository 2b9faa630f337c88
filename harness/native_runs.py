"""Measuring native runs: every seed a piece of work, all of them one record.

Inside half: standard library and NumPy only; it runs beside the workers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Optional, Tuple

from harness import native_record, supervisor
from harness.native import NativeRun
from harness.native_record import NativeRecord
from harness.process import Event
from harness.project import Project

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
            ordered = {name: sorted(runs[name], key=lambda one: one.seed) for name in sorted(runs)}
            native_record.write(
                NativeRecord(case, environment, collector.provenance[fault, case], ordered),
                _home(project, fault).native_run_path(case, environment))


def _home(project: Project, fault: str | None) -> Project:
    return project.under(fault) if fault else project
