"""Comparing saved programs: their runs against baselines, as comparisons like any case's.

Outside half.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.compare import compare as comparing
from harness.compare import waivers
from harness.compare.checks.finding import Comparison, Finding, Verdict
from harness.compare.question import KINDS, Question, Report
from harness.environments import names as environments
from harness.errors import HarnessError, MissingRecordError
from harness.programs.judging import judge as judging
from harness.programs.judging.verdict import Cause, Judgement
from harness.programs.runs import figures
from harness.programs.saved.kept import Kept, read
from harness.programs.traces.trace import Trace
from harness.records.paths import PROGRAMS, Paths
from harness.records.project import Project
from harness.store.store import Store
from harness.vocabulary.program import load

VARIANT = "program"
"""Name of a program's only variant."""
PHASES = {"data": "data order", "evaluation": "metric", "reported": "metric"}
"""Channels whose phase has another name in findings."""


def compare(project: Project, question: Question) -> Report:
    """Compare cases and saved programs.

    Raises:
        UsageError: an unknown name, or a selection that is empty.
        HarnessError: nothing has been measured.
    """
    known = project.program_names()
    asked = [name for name in question.cases if name in known]
    cases = tuple(name for name in question.cases if name not in known)
    if asked and not cases:
        report = Report(versions=question.versions)
    else:
        report = comparing.compare(project, dataclasses.replace(question, cases=cases))
    if not question.variants or VARIANT in question.variants:
        extend(report, project, question, asked or ([] if cases else known))
    if not report.comparisons:
        raise HarnessError("nothing was compared: no run of these programs", ", ".join(asked),
                           next_command=f"tox run -e torch-2.13.0 -- {asked[0]}" if asked else "")
    return report


def extend(report: Report, project: Project, question: Question, programs: Sequence[str],
           night: str | None = None) -> None:
    """Add the comparisons of saved programs to a report, waived where they are known.

    Args:
        night: name of the only night whose runs count; then what its environments have not
            measured in it is a comparison with a problem.
    """
    found = [one for name in programs for one in _of_program(project, question, name, night)]
    if not found:
        return
    listed = waivers.known(project)
    report.comparisons += [waivers.cover(comparison, listed) for comparison in found]
    if question.is_whole and night is None:
        report.unused = waivers.unused(listed, report.comparisons, Store(project).known())


def judge(observed: Kept, baseline: Kept) -> Judgement:
    """Return the verdict on what one environment's runs left against another's.

    Raises:
        HarnessError: nothing can be said of them.
    """
    by_chance = _by_chance(baseline) | _by_chance(observed)
    like = [figure for figure in baseline.figures() if figure.name not in by_chance]

    def whole(kept: Kept, folder: str = "") -> Trace:
        told = [one for one in kept.figures(folder) if one.name not in by_chance]
        return figures.add(kept.trace(folder), told, like)

    perturbed = [whole(baseline, folder) for folder in baseline.folders
                 if folder.startswith("perturbed-")]
    repeated = whole(baseline, "repeated/") if "repeated/" in baseline.folders else None
    found = judging.judge(whole(observed), whole(baseline), perturbed, repeated)
    if found.problem is not None:
        raise found.problem
    return found


def findings(judgement: Judgement) -> list[Finding]:
    """Return a judgement as findings: one for each cause, the first with the harm that is done."""
    if judgement.is_identical:
        return []
    found = [_finding(cause) for cause in judgement.causes]
    if not found:
        return [Finding("program", Verdict.EQUIVALENT,
                        "equal within what rounding does to this program")]
    at = next((i for i, cause in enumerate(judgement.causes) if cause.verdict.is_difference), None)
    if at is not None:
        harm = f"; {judgement.outcome.sentence}" if judgement.outcome else ""
        found[at] = dataclasses.replace(found[at], verdict=judgement.verdict,
                                        sentence=found[at].sentence + harm)
    return found


def _finding(cause: Cause) -> Finding:
    required = cause.deviation / cause.allowance \
        if cause.deviation is not None and cause.allowance else None
    return Finding(f"program_{cause.channel}", cause.verdict, cause.sentence, cause.step, None,
                   PHASES.get(cause.channel, cause.channel),
                   f"{cause.channel} of {cause.tensor}" if cause.tensor else None,
                   cause.observed, cause.baseline, cause.deviation, cause.allowance, required)


def _of_program(project: Project, question: Question, name: str, night: str | None
                ) -> list[Comparison]:
    """Return the comparisons of one program."""
    accepted, measured = known(project, name, False), known(project, name, True)
    found = []
    for environment in question.environments or measured:
        try:
            if not _is_wanted(project, name, environment, [*measured, *accepted], night):
                continue
            is_run = environment in measured
            path = (project.program_run_path if is_run else project.program_baseline_path)(
                name, environment)
            if night is not None:
                _require_tonight(path if is_run else None, name, environment, night)
        except HarnessError as error:
            found.append(_problem(Comparison(name, VARIANT, environment, "baseline", environment),
                                  error))
            continue
        found += [_compared(project, Comparison(name, VARIANT, environment, kind, other), path)
                  for kind, other in _sides(question, environment, accepted, is_run)]
    return found


def _is_wanted(project: Project, name: str, environment: str, holding: Sequence[str],
               night: str | None) -> bool:
    """Return whether a program is compared in an environment: it has runs, or should have."""
    return environment in holding if night is None else \
        load(project.program_path(name)).is_for(environment)


def _require_tonight(path: Path | None, name: str, environment: str, night: str) -> None:
    if path is None or read(path).facts.get("night") != night:
        raise MissingRecordError("the program was not measured tonight", f"{environment} on {name}",
                                 next_command=f"tox run -e {environment} -- {name}")


def _compared(project: Project, comparison: Comparison, path: Path) -> Comparison:
    """Return a comparison with what came out, or why nothing did."""
    name, other = comparison.case, comparison.baseline
    baseline = project.program_baseline_path(name, other)
    try:
        if not baseline.exists():
            raise MissingRecordError(f"{other} has no baseline yet", f"program {name}",
                                     next_command=f"harness accept {other} {name} --reason TEXT")
        found = findings(judge(read(path), read(baseline)))
        return dataclasses.replace(comparison, findings=tuple(found))
    except HarnessError as error:
        return _problem(comparison, error)


def _problem(comparison: Comparison, error: HarnessError) -> Comparison:
    is_missing = isinstance(error, MissingRecordError)
    return dataclasses.replace(comparison, problem=str(error),
                   problem_verdict=Verdict.MISSING if is_missing else Verdict.ERROR)


def _sides(question: Question, environment: str, accepted: Sequence[str], is_run: bool
           ) -> list[tuple[str, str]]:
    """Return kind and environment of every baseline; a program has no reference."""
    asked = question.against
    if asked is not None and asked not in KINDS:
        return [("named", asked)]
    before = environments.previous(environment, list(accepted))
    sides = [("baseline", environment)] if is_run and not environments.is_build(environment) else []
    sides += [("previous", before)] if before is not None else []
    return [side for side in sides if asked in (None, side[0])]


def known(paths: Paths, name: str, is_run: bool) -> list[str]:
    """Return the environments that were measured, or accepted, of a program."""
    folder = (paths.runs if is_run else paths.baselines) / PROGRAMS / name
    return sorted((path.stem for path in folder.glob("[a-z]*.zip")), key=environments.sort_key)


def _by_chance(kept: Kept) -> set[str]:
    """Return the names of the figures that an unchanged run told otherwise."""
    if "repeated/" not in kept.folders:
        return set()
    one, other = Counter(kept.figures()), Counter(kept.figures("repeated/"))
    return {figure.name for figure in (one - other) + (other - one)}
