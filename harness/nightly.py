"""The nightly job's last step: compare what was measured tonight, and confirm its alarms.

Outside half. tox has measured the environments before. Only a difference that comes again,
beside a control that does not change, is an alert. ``harness.outputs`` tells of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import confirmation, environments, execution, provenance, tonight, unchanged
from harness import merge as merging
from harness.compare import Report
from harness.confirmation import Confirmation, Measure, Outcome
from harness.errors import DIFFERENCE, FAILURE, MATCH, UsageError
from harness.project import Project


@dataclass
class Nightly:
    """One night: what was compared, and what became of its alarms.

    Args:
        at: when it was compared, UTC, ISO 8601.
        expected: the environments that were to be measured.
        problems: what else went wrong: shards that were refused, a history that is full.
        confirmations: one for every environment with an alarm.
    """

    at: str
    expected: list[str]
    report: Report
    problems: list[str] = field(default_factory=list)
    confirmations: list[Confirmation] = field(default_factory=list)

    def having(self, outcome: Outcome) -> list[Confirmation]:
        """Return the alarms with an outcome."""
        return [found for found in self.confirmations if found.outcome is outcome]

    @property
    def is_complete(self) -> bool:
        """Whether everything that was expected could be measured and compared."""
        compared = self.report.comparisons
        return bool(compared) and not (
            self.problems or self.having(Outcome.UNMEASURED) or any(c.problem for c in compared))

    @property
    def outcome(self) -> str:
        """One word: alarm, host, failed, unstable or silent; the first of these that holds."""
        found = {"alarm": self.having(Outcome.CONFIRMED), "host": self.having(Outcome.HOST),
                 "failed": not self.is_complete, "unstable": self.having(Outcome.UNSTABLE)}
        return next((word for word, holds in found.items() if holds), "silent")

    @property
    def exit_code(self) -> int:
        """1 for a confirmed alarm, whatever else failed; 3 for host and failed; 0 otherwise."""
        return {"alarm": DIFFERENCE, "host": FAILURE, "failed": FAILURE}.get(self.outcome, MATCH)


def run(project: Project, label: str, shards: Sequence[Path] = (),
        measure: Measure = execution.measure_again,
        variables: Mapping[str, str] = os.environ) -> Nightly:
    """Compare tonight's runs of a label's environments, and measure alarms once more.

    Args:
        label: of tox: ``nightly``, ``full``, ``oldest``, or one in tox.ini.
        shards: what other machines measured, to be merged first.
        measure: runs an environment again.
        variables: of the process; ``HARNESS_STARTED`` says when tonight began.

    Raises:
        UsageError: no such label, or none with environments; the time is no number.
        HarnessError: cases or waivers cannot be read.
    """
    expected, started = environments.labelled(project.root, label), unchanged.started(variables)
    if not expected:
        raise UsageError(f"the label {label!r} names no environment", "tox.ini",
                         next_command="harness nightly --label nightly")
    merged = merging.merge(project, shards) if shards else merging.Merged()
    report = tonight.compare(project, expected, started)
    report.notes += merged.notes
    alarms = confirmation.alarms(project, report)
    confirmations = confirmation.confirm(project, alarms, measure)
    report.notes += [f"alarm of {found.alarm.environment}: {found.word}: {found.why}"
                     for found in confirmations]
    return Nightly(provenance.now(), expected, report, merged.refused, confirmations)
