"""The score: the harness against the alternatives, on the same faults and clean runs.

Outside half. Trains under every fault and measures every clean setting in the pinned
environments, or takes what was measured. Injected weights cannot show a fault in what is
native (initialisers, shuffling, reported loss): there the rules see the losses of a native
run, with the fault and without.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console

from harness.compare.detection import Detection, detect, is_proof
from harness.environments.names import labelled, pinned
from harness.errors import HarnessError, unknown
from harness.records.environment import require
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import NativeRun, Trajectory
from harness.store.reading import records
from harness.store.store import Store
from harness.vocabulary.faults import Fault, expressible
from tests.benchmark import clean, tally
from tests.benchmark.rules import RULES

COMPARISONS = 2500
"""Clean comparisons, at least, without a false alarm."""
SEED = 0
"""Of the native run that the rules see."""
Pair = tuple[Trajectory, Trajectory]


@dataclass
class Scores:
    """Everything that was scored.

    Args:
        problems: what could not be measured or compared, and why.
        skipped: settings that this machine cannot have.
    """

    faults: list[tally.Outcome] = field(default_factory=list)
    trials: list[clean.Trial] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``score``."""
    parser.add_argument("environments", nargs="*", metavar="ENV", help="default: the quick matrix")
    parser.add_argument("--setting", action="append", default=[], metavar="PATTERN",
                        help="of clean runs, such as 'onednn_*' (default: all)")
    parser.add_argument("--stored", action="store_true",
                        help="take what was measured before; measure only what is missing")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--all", action="store_true", help="show every fault by every rule")


def main(project: Project, options: argparse.Namespace, console: Console) -> bool:
    """Score, print the tables; return whether the harness meets its targets."""
    known = pinned(project.root)
    for name in options.environments:
        if name not in known:
            raise unknown("environment", name, known)
    environments = options.environments or labelled(project.root, "quick")
    scores = Scores()
    score_faults(project, environments, options.stored, scores, console)
    score_clean(project, environments, options.setting, options.stored, scores, console)
    if options.all:
        console.print(tally.details(scores.faults))
    rows = tally.rows(scores.faults, scores.trials)
    console.print(tally.table(rows))
    for line in [*tally.notes(scores.faults, scores.trials), *scores.skipped]:
        console.print(line, markup=False)
    for problem in scores.problems:
        console.print(f"problem: {problem}", markup=False, style="red")
    if options.markdown:
        options.markdown.write_text(tally.markdown(rows), encoding="utf-8")
    is_whole = not (options.environments or options.setting)
    return meets_targets(scores, COMPARISONS if is_whole else 0)


def meets_targets(scores: Scores, comparisons: int) -> bool:
    """Return whether every fault was seen, no clean run alarmed, and all could be measured."""
    return (not scores.problems and is_proof([o.detection for o in scores.faults])
            and not any(trial.alarms[clean.HARNESS] for trial in scores.trials)
            and len(scores.trials) >= comparisons)


# -------------------------------------------------------------------- faults
def score_faults(project: Project, environments: Sequence[str], stored: bool, scores: Scores,
                 console: Console) -> None:
    """Train under every fault where that is asked for, and score what was trained."""
    for name in environments:
        adapter = require(name).adapter
        if adapter == "reference":
            continue
        if not (stored and _is_trained(project, adapter, name)):
            started = time.perf_counter()
            console.print(f"faults  {name}  training ...", markup=False)
            _attempt(scores, f"faults {name}", partial(_train, project.root, name))
            console.print(f"faults  {name}  {time.perf_counter() - started:.0f} s", markup=False)
        try:
            found = [d for d in detect(project, (name,)) if d.expressible]
        except HarnessError as error:
            scores.problems.append(f"faults {name}: {error}")
            continue
        scores.faults += [_outcome(project, detection) for detection in found]


def _train(root: Path, environment: str) -> None:
    command = [*clean.pinned_python(environment), "-m", "harness", "run", "--environment",
               environment, "--faults"]
    clean.run(command, root, root / "results" / "faults" / f"{environment}.output.txt")


def _is_trained(project: Project, adapter: str, environment: str) -> bool:
    return all(project.under(fault.name).run_path(fault.case, environment).exists()
               for fault in expressible(adapter))


def _outcome(project: Project, detection: Detection) -> tally.Outcome:
    """Return what the harness and the rules say of one fault."""
    try:
        pairs = (_native_pairs if detection.fault.is_native else _pairs)(
            project, detection.fault, detection.environment)
    except HarnessError as error:
        return tally.Outcome(detection, {},
                             f"the alternatives see nothing; {tally.first_line(error)}")
    alarms = {rule.name: any(rule.alarms(*pair) for pair in pairs) for rule in RULES}
    return tally.Outcome(detection, alarms, "" if pairs else "the alternatives have no curves")


def _pairs(project: Project, fault: Fault, environment: str) -> list[Pair]:
    """Return the float32 runs of every variant, with the fault and in the baseline."""
    observed = Store(project.under(fault.name)).run(fault.case, environment)
    baseline = Store(project).baseline(fault.case, environment)
    return [(record.trajectories["float32"], baseline.variants[name].trajectories["float32"])
            for name, record in observed.variants.items()
            if name in baseline.variants and "float32" in record.trajectories
            and "float32" in baseline.variants[name].trajectories]


def _native_pairs(project: Project, fault: Fault, environment: str) -> list[Pair]:
    """Return final and reported loss of the first native run, as curves of one step."""
    observed, baseline = (_native_runs(records.native_runs(path)) for path in (
        project.under(fault.name).native_run_path(fault.case, environment),
        project.native_baseline_path(fault.case, environment)))
    pairs: list[Pair] = []
    for name in observed.keys() & baseline.keys():
        for kind in ("final_loss", "reported_loss"):
            mine, theirs = getattr(observed[name], kind), getattr(baseline[name], kind)
            if mine is not None and theirs is not None:
                pairs.append((Trajectory([mine]), Trajectory([theirs])))
    return pairs


def _native_runs(record: NativeRecord) -> Mapping[str, NativeRun]:
    """Return by variant the run of the one seed."""
    return {name: run for name, runs in record.runs.items() for run in runs if run.seed == SEED}


# ---------------------------------------------------------------- clean runs
def score_clean(project: Project, environments: Sequence[str], patterns: Sequence[str],
                stored: bool, scores: Scores, console: Console) -> None:
    """Measure every clean run where that is asked for, and compare what was measured."""
    runs = clean.plan(environments, patterns)
    for number, (name, setting) in enumerate(runs, 1):
        where = f"clean {number}/{len(runs)}  {name}  {setting.name}"
        if lacking := clean.lacking(setting):
            scores.skipped.append(f"{name} {setting.name} left out: this processor has no "
                                  f"{', '.join(lacking)}")
            console.print(f"{where}  left out", markup=False)
            continue
        started = time.perf_counter()
        if not (stored and clean.is_measured(clean.home(project, setting), name)):
            console.print(f"{where}  measuring ...", markup=False)
            _attempt(scores, where, partial(clean.measure, project, setting, name))
        found, problems = clean.trials(project, setting, name)
        scores.trials += found
        scores.problems += [f"{name} {setting.name}: {tally.first_line(problem)}"
                            for problem in problems]
        alarms = [trial for trial in found if trial.alarms[clean.HARNESS]]
        console.print(f"{where}  {len(found)} comparisons, {len(alarms)} alarms, "
                      f"{len(problems)} problems, {time.perf_counter() - started:.0f} s",
                      markup=False)
        for trial in alarms:
            console.print(f"    {trial.case} {trial.variant} against {trial.against}: "
                          f"{trial.sentence}", markup=False)


def _attempt(scores: Scores, what: str, action: Callable[[], None]) -> None:
    """Do something that may fail, and go on."""
    try:
        action()
    except (HarnessError, OSError) as error:
        scores.problems.append(f"{what}: {error}")
        print(f"{what}: {error}", file=sys.stderr, flush=True)
