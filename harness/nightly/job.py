"""The nightly job's last step: compare what was measured tonight, and confirm its alarms.

Outside half. tox has measured the environments before. Only a difference that comes again,
beside a control that does not change, is an alert. ``harness.nightly.outputs`` tells of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import InvalidVersion, Version

from harness.compare.compare import Report
from harness.environments import names, tox
from harness.errors import DIFFERENCE, FAILURE, MATCH, HarnessError
from harness.history import history
from harness.history.night import now
from harness.nightly import confirmation, tonight
from harness.nightly.confirmation import Confirmation, Measure, Outcome
from harness.records.project import Project
from harness.store import merge as merging


@dataclass
class Nightly:
    """One night: what was compared, and what became of its alarms.

    Args:
        at: when it was compared, UTC, ISO 8601.
        expected: the environments that were to be measured.
        problems: what else went wrong: shards that were refused, a history that is full.
        confirmations: one for every environment with an alarm.
        builds: version of every pre-release build that was compared, by environment.
    """

    at: str
    expected: list[str]
    report: Report
    problems: list[str] = field(default_factory=list)
    confirmations: list[Confirmation] = field(default_factory=list)
    builds: dict[str, str] = field(default_factory=dict)

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


def run(project: Project, expected: Sequence[str], name: str, shards: Sequence[Path] = (),
        confirmed: Sequence[Path] | None = None,
        measure: Measure = tox.measure_again) -> Nightly:
    """Compare tonight's runs of environments, and measure alarms once more.

    Args:
        expected: the environments that were to be measured.
        name: of the night, as the manifests of its runs have it.
        shards: what other machines measured, to be merged first.
        confirmed: what another machine measured once more, to be taken for that; None to
            measure here.
        measure: runs an environment again.

    Raises:
        HarnessError: cases or waivers cannot be read.
    """
    night = Nightly(now(), list(expected), Report())
    merged = merging.merge(project, shards) if shards else merging.Merged()
    night.report = report = tonight.compare(project, expected, name)
    night.problems += merged.refused
    report.notes += merged.notes
    idle = tonight.idle_checks(report)
    report.notes += [f"nothing to look at for: {', '.join(idle)}"] if idle else []
    night.builds, old = _builds(project, night)
    night.problems += old
    alarms = confirmation.alarms(project, report)
    if confirmed is None:
        night.confirmations = confirmation.confirm(project, alarms, measure, name)
    else:
        night.confirmations, refused = confirmation.read(project, alarms, confirmed, name)
        night.problems += refused
    report.notes += [f"alarm of {found.alarm.environment}: {found.word}: {found.why}"
                     for found in night.confirmations]
    return night


def broken(expected: Sequence[str], error: Exception) -> Nightly:
    """Return a night that something ended before anything was compared."""
    words = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
    return Nightly(now(), list(expected), Report(), [words])


def _builds(project: Project, night: Nightly) -> tuple[dict[str, str], list[str]]:
    """Return the version of every pre-release build, and why one is not last night's.

    The build's own distribution has its environment's name.
    """
    versions, problems = {}, []
    for (_, environment), record in night.report.observed.items():
        if names.is_build(environment) and environment not in versions:
            packages = record.provenance.get("packages")
            version = packages.get(environment) if isinstance(packages, dict) else None
            versions[environment] = str(version)
            before = _last_build(project, environment, night.at)
            if version is None:
                problems.append(f"{environment}: its record does not say which build it is")
            elif before and not _is_newer(str(version), before[1]):
                problems.append(
                    f"{environment} {version} is not newer than the build of {before[0][:10]}, "
                    f"{before[1]}: nothing new was measured\n  next:  tox run -r -e {environment}")
    return versions, problems


def _last_build(project: Project, environment: str, at: str) -> tuple[str, str] | None:
    """Return when a build was measured on an earlier day, and its version, if that is known."""
    try:
        return history.last_build(history.path_of(project), environment, at[:10])
    except HarnessError:
        return None  # no night yet; and what is wrong with the file is said when it is written


def _is_newer(version: str, other: str) -> bool:
    try:
        return Version(version) > Version(other)
    except InvalidVersion:
        return version != other
