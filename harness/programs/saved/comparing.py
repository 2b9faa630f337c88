"""Comparing saved programs: their runs against baselines, as comparisons like any case's.

Outside half.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.compare import compare as comparing
from harness.compare import waivers
from harness.compare.checks.finding import Comparison, Verdict
from harness.compare.differ import Differ
from harness.compare.question import KINDS, Question, Report
from harness.environments import names as environments
from harness.errors import HarnessError, MissingRecordError, UsageError
from harness.programs.judging.harm import curve
from harness.programs.saved.judged import findings, judge, losses
from harness.programs.saved.kept import read
from harness.records import manifest
from harness.records.paths import Paths
from harness.records.project import Project
from harness.store import programs as stored
from harness.store.store import Store
from harness.vocabulary.program import load

VARIANT = "program"
"""Name of a program's only variant."""


def compare(project: Project, question: Question) -> Report:
    """Compare cases and saved programs.

    Raises:
        UsageError: an unknown name, or a selection that is empty.
        HarnessError: nothing has been measured.
    """
    return answer(project, question)[0]


def answer(project: Project, question: Question) -> tuple[Report, Differ]:
    """Return the comparison of cases and saved programs, and what compared the cases.

    Raises:
        UsageError: an unknown name, or a selection that is empty.
        HarnessError: nothing has been measured.
    """
    chosen = Chosen.of(project, question.cases, question.variants)
    report, differ = Report(versions=question.versions), Differ(Store(project))
    if chosen.has_cases:
        try:
            comparer = comparing.Comparer(
                Store(project), dataclasses.replace(question, cases=chosen.cases))
            report, differ = comparer.compare(), comparer.differ
        except UsageError:
            raise
        except HarnessError:
            if not _is_known(project, chosen.programs):
                raise
    extend(report, project, question, chosen.programs)
    if not report.comparisons:
        raise HarnessError("nothing was compared: no run of these programs",
                           ", ".join(chosen.programs), next_command=" ".join(
                               ["tox run -e torch-2.13.0 --", *chosen.programs[:1]]))
    return report, differ


@dataclass(frozen=True)
class Chosen:
    """What is asked for, of cases and of saved programs.

    Args:
        cases: names; empty for all of them, if ``has_cases``.
    """

    cases: tuple[str, ...]
    programs: tuple[str, ...]
    has_cases: bool

    @classmethod
    def of(cls, project: Project, names: Sequence[str], variants: Sequence[str]) -> Chosen:
        """Return it, of names of either kind and of patterns of variants; empty for all."""
        known = project.program_names()
        programs = tuple(name for name in (names or known) if name in known)
        cases = tuple(name for name in names if name not in known)
        is_whole = not variants or any(fnmatchcase(VARIANT, pattern) for pattern in variants)
        are_cases = not variants or any(pattern != VARIANT for pattern in variants)
        return cls(cases, programs if is_whole else (), bool(cases or not names) and are_cases)


def _is_known(project: Project, names: Sequence[str]) -> bool:
    """Return whether anything was measured or accepted of programs."""
    return any(stored.measured(project, name) or stored.accepted(project, name) for name in names)


def extend(report: Report, project: Project, question: Question, programs: Sequence[str],
           night: str | None = None) -> None:
    """Add the comparisons of saved programs to a report, waived where they are known.

    Args:
        night: name of the only night whose runs count; then what its environments have not
            measured in it is a comparison with a problem.
    """
    found = [one for name in programs
             for one in _of_program(report, project, question, name, night)]
    if not found:
        return
    listed = waivers.known(project)
    report.comparisons += [waivers.cover(comparison, listed) for comparison in found]
    if night is not None:
        for comparison in found:
            report.figures.update(_figures(project, comparison))
    if question.is_whole and night is None:
        report.unused = waivers.unused(listed, report.comparisons, Store(project).known())


def _figures(project: Project, comparison: Comparison) -> dict[tuple[str, str, str, str], float]:
    """Return the numbers of a night that a history keeps: the last loss, and what differs."""
    if comparison.problem:
        return {}
    name, environment, told = comparison.case, comparison.observed, {}
    losses = curve(read(project.program_run_path(name, environment)).trace())
    if losses is not None:
        told["final_loss"] = float(losses.values[-1])
    if comparison.against == "baseline":
        told["baseline_deviation"] = max(
            (finding.deviation or 0.0 for finding in comparison.findings), default=0.0)
    return {(name, VARIANT, environment, figure): value for figure, value in told.items()}


def _of_program(report: Report, project: Project, question: Question, name: str,
                night: str | None) -> list[Comparison]:
    """Return the comparisons of one program."""
    accepted, measured = stored.accepted(project, name), stored.measured(project, name)
    found = []
    for environment in question.environments or measured:
        try:
            if not _is_wanted(project, question, name, environment, night):
                continue
            is_run = environment in measured and not (
                question.is_upgrade and environment in accepted)
            if environment not in (*measured, *accepted):
                raise MissingRecordError(f"{environment} has not been measured", f"program {name}",
                                         next_command=f"tox run -e {environment} -- {name}")
            if night is not None:
                _require_tonight(project, name, environment, night)
        except HarnessError as error:
            found.append(_problem(Comparison(name, VARIANT, environment, "baseline", environment),
                                  error))
            continue
        path = (project.program_run_path if is_run else project.program_baseline_path)(
            name, environment)
        found += [_compared(report, project, Comparison(name, VARIANT, environment, kind, other),
                            path)
                  for kind, other in _sides(question, environment, accepted, is_run)]
    return found


def _is_wanted(project: Project, question: Question, name: str, environment: str,
               night: str | None) -> bool:
    """Return whether a program is compared in an environment: it has runs, or should have."""
    if night is None and environment in (*stored.measured(project, name),
                                         *stored.accepted(project, name)):
        return True
    is_due = night is not None or name in question.cases
    return is_due and load(project.program_path(name)).is_for(environment)


def _require_tonight(project: Project, name: str, environment: str, night: str) -> None:
    why = manifest.why_not(project, manifest.read(project, environment),
                           project.program_run_path(name, environment), night)
    if why is not None:
        raise MissingRecordError("the program was not measured tonight", f"{environment} on {name}",
                                 why, f"tox run -e {environment} -- {name}")


def _compared(report: Report, project: Project, comparison: Comparison, path: Path) -> Comparison:
    """Return a comparison with what came out, or why nothing did.

    Of two versions that are compared with each other the last runs stand for a baseline that is
    not there.
    """
    name, other = comparison.case, comparison.baseline
    baseline = project.program_baseline_path(name, other)
    if report.versions is not None and not baseline.exists():
        baseline = project.program_run_path(name, other)
    try:
        if not baseline.exists():
            raise MissingRecordError(f"{other} has no baseline yet", f"program {name}",
                                     next_command=way_to_baseline(project, name, other))
        sides = read(path), read(baseline)
        report.observed[name, comparison.observed] = sides[0].head(name, comparison.observed)
        report.baselines[name, other] = sides[1].head(name, other)
        found = tuple(findings(judge(*sides)))
        report.losses[name, comparison.observed, other] = functools.partial(losses, *sides)
        return dataclasses.replace(comparison, findings=found)
    except HarnessError as error:
        return _problem(comparison, error)


def way_to_baseline(paths: Paths, name: str, environment: str) -> str:
    """Return what to type where a program has no baseline: what is not measured cannot be one."""
    if paths.program_run_path(name, environment).exists():
        return f"harness accept {environment} {name} --reason TEXT"
    return f"tox run -e {environment} -- {name}"


def _problem(comparison: Comparison, error: HarnessError) -> Comparison:
    is_missing = isinstance(error, MissingRecordError)
    return dataclasses.replace(comparison, problem=str(error),
                   problem_verdict=Verdict.MISSING if is_missing else Verdict.ERROR)


def _sides(question: Question, environment: str, accepted: Sequence[str], is_run: bool
           ) -> list[tuple[str, str]]:
    """Return kind and environment of every baseline; a program has no reference."""
    asked = question.against
    if asked is not None and asked not in KINDS:
        return [("previous" if question.is_upgrade else "named", asked)]
    before, after = environments.previous(environment, list(accepted)), None
    own = environment if is_run and not environments.is_build(environment) else None
    if asked is None and own is not None and own not in accepted:
        after = environments.following(environment, list(accepted))
        own = None if before or after else own  # it is compared with its neighbours
    sides = [("baseline", own), ("previous", before), ("next", after)]
    return [(kind, name) for kind, name in sides if name is not None and asked in (None, kind)]
