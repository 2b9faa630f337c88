"""A session: a program tried under two sides, in the order that costs least.

Outside half. Both sides run once; where they agree to the bit that is all. Otherwise the
baseline side runs eight times more from weights changed by last bits and once unchanged, which
tells what rounding and chance can do; the observed side once more from the baseline's weights,
if its own were others; and both once more up to the first difference, with whole tensors kept.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.files import write_text
from harness.programs import capture, judging
from harness.programs.capture import Whole
from harness.programs.runs import figures
from harness.programs.runs.launching import Side
from harness.programs.runs.running import CAPTURING, Ran, Runner, jobs
from harness.programs.sides.asked import Difference
from harness.programs.traces import Trace
from harness.programs.verdict import Judgement

PERTURBED = 8
"""Runs from changed weights."""
INITIAL = "initial.npz"
"""File of the weights that the baseline side begins with."""


@dataclass(frozen=True)
class Tried:
    """What a session found.

    Args:
        judgement: of the observed side against the baseline side.
        whole: what the tensors of the first difference show; None where none were kept.
        differences: between the sides.
        notes: of the runs and the environments.
        runs: seconds of each, by name, in the order in which they were begun.
    """

    baseline: Side
    observed: Side
    judgement: Judgement
    whole: Whole | None
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    runs: dict[str, float]


class Session:
    """One session.

    Args:
        runner: of the program, in a folder of its own.
        at_once: runs at the same time; None for what the machine bears.
    """

    def __init__(self, baseline: Side, observed: Side, differences: Sequence[Difference],
                 runner: Runner, at_once: int | None = None) -> None:
        self.baseline = baseline
        self.observed = observed
        self.differences = tuple(differences)
        self.runner = runner
        self.at_once = at_once
        self.runs: dict[str, Ran] = {}
        self.initial = runner.folder / INITIAL

    def run(self) -> Tried:
        """Run what is needed, and judge.

        Raises:
            HarnessError: a run failed, did not end, or trained nothing; or two unchanged runs
                differ in their weights or data, so that nothing can be told.
        """
        self._keep(self.runner.first(self.baseline, ["--keep", str(self.initial)]))
        self._keep(self.runner.run(self.observed.name, self.observed))
        judgement = self._judge()
        if judgement.is_identical:
            return self._tried(judgement, None)
        self._run_all([(f"perturbed-{i}", self.baseline, ["--perturb", str(i)])
                       for i in range(1, PERTURBED + 1)] + [("repeated", self.baseline, [])])
        judgement = self._judge()
        if judgement.needs_weights and not judgement.data_differs and self.initial.is_file():
            self._run_all([("loaded", self.observed, self._loading)])
            judgement = self._judge()
        if judgement.wants_again:
            self._run_all([("again", self.observed, [*self._loading, "--perturb", "1"])])
            judgement = self._judge()
        return self._tried(judgement, self._look(judgement))

    @property
    def _loading(self) -> list[str]:
        """Options by which the observed side begins with the baseline's weights, if it has to."""
        begins = self._judge().initialisation_differs
        return ["--load", str(self.initial)] if begins and self.initial.is_file() else []

    def _judge(self) -> Judgement:
        """Judge what has run; raise what keeps it from being judged."""
        perturbed = [self._trace(name) for name in self.runs if name.startswith("perturbed-")]
        kept = {name: self._trace(name) for name in ("repeated", "loaded", "again")
                if name in self.runs}
        found = judging.judge(self._trace("observed"), self._trace("baseline"), perturbed, **kept)
        if found.problem is not None:
            raise found.problem
        return found

    def _run_all(self, runs: Sequence[tuple[str, Side, Sequence[str]]]) -> None:
        at_once = self.at_once or jobs(self.runs["baseline"].trace)
        for ran in self.runner.several(runs, at_once):
            self._keep(ran)

    def _look(self, judgement: Judgement) -> Whole | None:
        """Run both sides up to the first difference, and look at whole tensors there."""
        if judgement.capture_step is None or judgement.first is None:
            return None
        capturing = [CAPTURING, str(judgement.capture_step), "--tensors"]
        paths = [self.runner.folder / f"{side.name}-tensors.npz"
                 for side in (self.baseline, self.observed)]
        self._run_all([
            ("capture-baseline", self.baseline, [*capturing, str(paths[0])]),
            ("capture-observed", self.observed, [*self._loading, *capturing, str(paths[1])])])
        return capture.compare(*paths, judgement.first)

    def _keep(self, ran: Ran) -> None:
        self.runs[ran.run.name] = ran

    def _trace(self, name: str) -> Trace:
        """Return a run's trace, with what it printed and wrote."""
        ran = self.runs[name]
        return figures.add(ran.trace, ran.figures, self.runs["baseline"].figures)

    def _tried(self, judgement: Judgement, whole: Whole | None) -> Tried:
        seconds = {name: round(ran.run.seconds, 3) for name, ran in self.runs.items()}
        return Tried(self.baseline, self.observed, judgement, whole, self.differences,
                     tuple(self._notes()), seconds)

    def _notes(self) -> list[str]:
        """Return what is to be said of environments and runs, each once."""
        sides = (self.baseline, self.observed)
        found = [f"added to the {side.name} side: {hint}" for side in sides
                 for hint in side.environment.hints]
        found += [f"{side.name} side: {note}" for side in sides
                  for note in side.environment.notes]
        changed = sorted({str(path) for ran in self.runs.values() for path in ran.changed})
        if changed:
            found.append("the program changed files that its copies only link: "
                         + ", ".join(changed[:SHOWN]))
        return list(dict.fromkeys(found))


SHOWN = 4
"""Files that a note names."""


def keep(folder: Path, sides: Sequence[Side], differences: Sequence[Difference]) -> None:
    """Write beside the runs what both sides resolved to, and in what they differ."""
    for side in sides:
        write_text(folder / f"{side.name}.txt", side.environment.pins)
    facts = {side.name: {"python": side.environment.python,
                         "packages": dict(side.environment.packages),
                         "added": list(side.environment.hints),
                         "variables": dict(side.variables), "arguments": list(side.arguments)}
             for side in sides}
    facts["differences"] = [dataclasses.asdict(one) for one in differences]  # type: ignore[assignment]
    write_text(folder / "sides.json", json.dumps(facts, indent=1) + "\n")
