"""Confirmation: an alarm is measured again beside a control before anyone is called.

Outside half. A difference that comes again, while the last good version on the same machine
still agrees with its own baseline, is the framework's. One that the control shows as well is
the machine's, and one that is gone was neither. A waiver explains a difference; it does not
make a control agree.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from harness.compare.checks.finding import Comparison
from harness.compare.compare import Report
from harness.environments import names as environments
from harness.nightly import tonight
from harness.nightly.tonight import NATIVE
from harness.records.environment import parse
from harness.records.project import Project
from harness.store import merge
from harness.store import programs as stored
from harness.store.store import Store
from harness.words import few

Measure = Callable[[str, Sequence[str], Project, bool], None]
"""Measures an environment on cases into a project's runs, native runs too if asked."""
Key = tuple[str, str, str]
"""Case, variant and check of a finding."""


class Outcome(Enum):
    """What the second measurement said of an alarm."""

    CONFIRMED = "confirmed"
    HOST = "host"
    UNSTABLE = "unstable"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True)
class Alarm:
    """What one environment showed that no waiver covers.

    Args:
        control: the environment to measure beside it; None where there is none.
    """

    environment: str
    comparisons: tuple[Comparison, ...]
    control: str | None

    @property
    def cases(self) -> list[str]:
        """The cases concerned."""
        return list(dict.fromkeys(c.case for c in self.comparisons))

    @property
    def phases(self) -> list[str]:
        """The phases that the differences began in, the most frequent first."""
        found = Counter(c.cause.phase for c in self.comparisons if c.cause and c.cause.phase)
        return [phase for phase, _ in found.most_common()]

    @property
    def keys(self) -> set[Key]:
        """What must come again."""
        return keys(self.comparisons)

    @property
    def is_native(self) -> bool:
        """Whether native runs, which only native runs can confirm, are part of it."""
        return any(check == NATIVE for _, _, check in self.keys)


@dataclass(frozen=True)
class Confirmation:
    """An alarm, what became of it, and why, in one sentence."""

    alarm: Alarm
    outcome: Outcome
    why: str

    @property
    def word(self) -> str:
        """The outcome, with the phases of what it is about."""
        phases = ", ".join(self.alarm.phases)
        return f"{self.outcome.value} ({phases})" if phases else self.outcome.value


def keys(comparisons: Sequence[Comparison]) -> set[Key]:
    """Return case, variant and check of every difference that is not waived."""
    return {(c.case, c.variant, f.check) for c in comparisons for f in c.open_findings}


def alarms(project: Project, report: Report) -> list[Alarm]:
    """Return an alarm for every environment with a difference that is not waived."""
    found: dict[str, list[Comparison]] = {}
    for comparison in report.comparisons:
        if comparison.open_findings:
            found.setdefault(comparison.observed, []).append(comparison)
    return [Alarm(name, tuple(comparisons), _control(Store(project), report, name, comparisons))
            for name, comparisons in found.items()]


def _control(store: Store, report: Report, environment: str,
             comparisons: list[Comparison]) -> str | None:
    """Return the last good version.

    The newest older release that was measured tonight and agrees with its own baseline; else
    the newest older one with a baseline, which nothing speaks against tonight; else the next
    newer one that agrees.
    """
    family, cases = parse(environment).family, {c.case for c in comparisons}
    releases = [name for name in store.pinned
                if name != environment and environments.release(name) is not None]
    good = [name for name in releases if _agrees(report, name, cases)]
    programs = store.project.program_names()
    accepted_in = [stored.accepted(store.project, case) if case in programs
                   else store.accepted(case) for case in cases]
    alarmed = {c.observed for c in report.comparisons
               if c.open_findings or (c.against == "baseline" and c.verdict.is_difference)}
    accepted = [name for name in releases if name not in alarmed
                and all(name in held for held in accepted_in)]
    newer = sorted((name for name in good if parse(name).family == family),
                   key=environments.sort_key)
    return environments.previous(environment, good) \
        or environments.previous(environment, accepted) or next(iter(newer), None)


def _agrees(report: Report, environment: str, cases: set[str]) -> bool:
    """Return whether all of these cases agree with the own baseline, without any waiver."""
    own = [c for c in report.comparisons if c.observed == environment
           and c.against == "baseline" and c.case in cases]
    return {c.case for c in own} == cases and not any(
        c.problem or c.verdict.is_difference for c in own)


def confirm(project: Project, found: Sequence[Alarm], measure: Measure,
            night: str) -> list[Confirmation]:
    """Measure every alarm's environment once more beside its control, and decide.

    Args:
        measure: runs an environment; what it cannot measure it leaves unmeasured.
        night: name of the night, in which all of that is measured.
    """
    again = _emptied(project)
    wanted: dict[str, tuple[list[str], bool]] = {}
    for alarm in found:
        for name in filter(None, (alarm.environment, alarm.control)):
            cases, is_native = wanted.get(name, ([], False))
            wanted[name] = (list(dict.fromkeys([*cases, *alarm.cases])),
                            is_native or alarm.is_native)
    for name, (cases, is_native) in wanted.items():
        measure(name, cases, again, is_native)
    return [_decided(again, alarm, night) for alarm in found]


def read(project: Project, found: Sequence[Alarm], sources: Iterable[Path],
         night: str) -> tuple[list[Confirmation], list[str]]:
    """Decide by what another machine has measured a second time.

    Args:
        sources: copies of that machine's results/confirmation, or zips of them.

    Returns:
        The confirmations, and why something could not be taken in.
    """
    again = _emptied(project)
    merged = merge.merge(again, list(sources)) if found else merge.Merged()
    return [_decided(again, alarm, night) for alarm in found], merged.refused


def _emptied(project: Project) -> Project:
    """Return the project with its own folder for what is measured again, empty."""
    again = Project(project.root, project.root / "results" / "confirmation")
    shutil.rmtree(again.runs, ignore_errors=True)  # what stays is of another night, by its manifest
    return again


def _decided(again: Project, alarm: Alarm, night: str) -> Confirmation:
    observed = tonight.compare(again, [alarm.environment], night, alarm.cases)
    control = None if alarm.control is None else _compare_control(again, alarm, night)
    return Confirmation(alarm, *decide(alarm, observed, control))


def _compare_control(again: Project, alarm: Alarm, night: str) -> Report:
    """Return the control against its own baseline, with a problem where it was not measured."""
    assert alarm.control is not None
    report = tonight.compare(again, [alarm.control], night, alarm.cases)
    report.comparisons = [c for c in report.comparisons if c.against == "baseline"]
    return report


def decide(alarm: Alarm, observed: Report, control: Report | None) -> tuple[Outcome, str]:
    """Return what a second measurement says, and why.

    Args:
        observed: the alarm's environment, compared again on the alarm's cases.
        control: the control against its own baseline there; None where there is none.
    """
    differing = [c for c in control.comparisons
                 if not c.problem and c.verdict.is_difference] if control else []
    if differing:
        return Outcome.HOST, (
            f"the control {alarm.control} differs from its own baseline as well, on "
            f"{_listed(differing)}: the machine changed, not the framework")
    again = alarm.keys & keys(observed.comparisons)
    problems = [c for c in observed.comparisons if c.problem]
    if not again and problems:
        return Outcome.UNMEASURED, (f"{alarm.environment} could not be measured again: "
                                    f"{problems[0].problem}")
    if not again:
        return Outcome.UNSTABLE, "gone when it was measured again"
    if control is None:
        return Outcome.CONFIRMED, ("the same again; there is no other version of its family that "
                                   "could be a control")
    broken = [c for c in control.comparisons if c.problem]
    if broken or not control.comparisons:
        reason = broken[0].problem if broken else "it has no baseline"
        return Outcome.UNMEASURED, (f"the same again, but the control {alarm.control} could not "
                                    f"be compared: {reason}")
    part = "" if again == alarm.keys else f" in {len(again)} of {len(alarm.keys)} findings"
    return Outcome.CONFIRMED, (f"the same again{part}, while the control {alarm.control} agrees "
                               "with its own baseline")


def _listed(comparisons: list[Comparison]) -> str:
    return few(list(dict.fromkeys(f"{c.case} {c.variant}" for c in comparisons)), 3)
