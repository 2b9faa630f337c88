"""The command that measures: here, or on a cluster.

Inside half: standard library only until there is something to measure.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from harness.commands.arguments import build_parser
from harness.errors import FAILURE, MATCH, HarnessError, UsageError
from harness.escaping import say
from harness.records import freshness, manifest
from harness.records.paths import Paths, locate
from harness.words import counted

if TYPE_CHECKING:
    from harness.records.project import Project


def main(root: Path | None, words: Sequence[str]) -> int:
    """Measure cases in this environment, or train under the catalogue's faults."""
    options = build_parser().parse_args(words)
    paths = Paths(locate(root), options.runs and Path(options.runs).resolve())
    if options.scheduler:
        return _scale_out(paths, options)
    programs = [name for name in options.cases if name in paths.program_names()]
    asked = bool(options.cases)
    options.cases = [name for name in options.cases if name not in programs]
    code = MATCH if programs and not options.cases else _measure_cases(paths, options)
    if options.native or options.faults or options.variant or (asked and not programs):
        return code
    return max(code, _measure_programs(paths, options, programs))


def _measure_cases(paths: Paths, options: argparse.Namespace) -> int:
    """Measure the cases that are asked for, or all of them, where something has changed."""
    options.environment, *others = options.environments
    options.kept = []
    if others:
        raise UsageError("several environments at once need a scheduler",
                         " ".join(options.environments), next_command="harness run --scheduler ...")
    if not (options.again or options.native or options.faults or options.variant):
        known = paths.case_names()
        if set(options.cases) <= set(known):
            due = freshness.due(paths, options.environment, options.cases or known)
            options.cases = _tell_due(paths, options, due)
            if not options.cases or options.dry_run:
                return MATCH
    return _measure(paths, options)


def _measure_programs(paths: Paths, options: argparse.Namespace, names: Sequence[str]) -> int:
    """Measure users' programs that are cases of this project, where something has changed."""
    if not paths.program_names():
        return MATCH
    from harness.measure.recorder.programs import fresh, saved

    environment, night = options.environments[0], manifest.night()
    asked = saved.due(paths, environment, names)
    reasons = {program.name: "it is asked for again" if options.again
               else fresh.due(paths, program, environment) for program in asked}
    files = {name: paths.program_run_path(name, environment) for name in reasons}
    for name, reason in reasons.items():
        if reason is None or options.dry_run:
            say(f"{environment}  program {name}: "
                f"{reason or 'kept, nothing changed since it was measured'}")
    if options.dry_run:
        return MATCH
    due = [program for program in asked if reasons[program.name] is not None]
    manifest.go_on(paths, environment, [files[program.name] for program in due],
                   [path for name, path in files.items() if reasons[name] is None], night)
    code = MATCH
    for program in due:
        try:
            runs, seconds = saved.measure(paths, environment, program)
            say(f"{environment}  program {program.name}: {runs} runs, {seconds:.1f} s"
                + ("" if runs > 1 else ", as accepted to the bit"))
        except HarnessError as error:
            say(f"{environment}  {error}", sys.stderr)
            code = FAILURE
    manifest.end(paths, environment, [files[program.name] for program in due], night)
    return code


def _tell_due(paths: Paths, options: argparse.Namespace, due: dict[str, str | None]) -> list[str]:
    """Say of each case why it is measured, or why not; return those that are due."""
    record = paths.native_run_path if options.native else paths.run_path
    cases = [case for case, reason in due.items() if reason is not None]
    options.kept = [record(case, options.environment) for case in due if case not in cases]
    for case, reason in due.items():
        if reason is None or options.dry_run:
            say(f"{options.environment}  {case}: "
                f"{reason or 'kept, nothing changed since it was measured'}")
    if not cases and not options.dry_run:
        manifest.begin(paths, options.environment, (), options.kept, manifest.night())
    return cases


def _measure(paths: Paths, options: argparse.Namespace) -> int:
    """Measure what is due in this environment."""
    from harness.measure import native_runs, plan
    from harness.measure.progress import Progress
    from harness.records.project import Project

    project = Project(paths.root, paths.measured)
    if options.native and not (options.again or options.seeds or options.variant):
        due = plan.native_due(project, options.environment, project.cases(options.cases))
        options.cases = _tell_due(paths, options, due) if due else options.cases
        if due and not options.cases:
            return MATCH
    pieces = _pieces(project, options, options.environment)
    if options.dry_run:
        say(f"{options.environment}  {counted(len(pieces), 'piece of work', 'pieces of work')}: "
            f"{' '.join(sorted({work.case for work in pieces}))}")
        return MATCH
    progress = Progress(project, options.environment, pieces)
    with _written_down(project, options, options.environment, pieces):
        failures = native_runs.run(project, options.environment, pieces, options.timeout,
                                   progress, options.jobs)
    code = _told(options.environment, failures)
    progress.close()
    return code


@contextlib.contextmanager
def _written_down(project: Project, options: argparse.Namespace, environment: str,
                  pieces: list[Any]) -> Iterator[None]:
    """Write into the environment's manifest that a run begins, and that it has ended."""
    if options.faults or not pieces:
        yield  # no night has anything to do with faults
        return
    night = manifest.night()
    files = sorted({path for work in pieces for path in _files(project, environment, work)})
    manifest.begin(project, environment, files, options.kept, night, options.variant or ())
    yield
    manifest.end(project, environment, files, night)


def _files(project: Project, environment: str, work: Any) -> list[Path]:
    """Return the files that a piece of work may leave."""
    if work.seed is not None:
        return [project.native_run_path(work.case, environment)]
    place = project.partial_path if work.variants else project.run_path
    return [place(work.case, environment), project.failure_path(work.case, environment)]


def _told(environment: str, failures: dict[Any, str]) -> int:
    """Say what could not be measured, and why; return the exit code."""
    for work, message in failures.items():
        say(f"{environment}  {work} failed: {message}", sys.stderr)
    return FAILURE if failures else MATCH


def _scale_out(paths: Paths, options: argparse.Namespace) -> int:
    """Measure on a Dask cluster: all that is asked for, since what is installed is not here."""
    from harness.records.project import Project

    try:
        from harness.commands import scaling
    except ModuleNotFoundError as error:
        raise UsageError("--scheduler needs Dask distributed", numbers=str(error),
                         next_command="pip install '.[scale]'") from None
    if options.jobs:
        raise UsageError("--jobs is for this machine's workers; a scheduler has its own",
                         next_command="harness run --scheduler local:N ...")
    project = Project(paths.root, paths.measured)
    pieces = {name: _pieces(project, options, name) for name in options.environments}
    if options.dry_run:
        for name, work in pieces.items():
            say(f"{name}  {counted(len(work), 'piece of work', 'pieces of work')}: "
                f"{' '.join(sorted({w.case for w in work}))}")
        return MATCH
    options.kept = []
    with contextlib.ExitStack() as stack:
        for name, work in pieces.items():
            stack.enter_context(_written_down(project, options, name, work))
        return scaling.run(project, pieces, options.variant or (), options.scheduler,
                           options.timeout)


def _pieces(project: Project, options: argparse.Namespace, environment: str) -> list[Any]:
    """Return what is asked for in an environment."""
    from harness.measure import plan

    if options.native:
        return list(plan.native(project.cases(options.cases), options.seeds, options.variant))
    if options.faults:
        return list(plan.faulty(environment))
    return list(plan.cases(project, environment, options.cases, options.variant))
