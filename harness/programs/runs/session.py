"""A session: a program tried under two sides, in the order that costs least.

Outside half. Both sides run once; where they agree to the bit that is all. Otherwise the
baseline side runs eight times more from weights changed by last bits and once unchanged, which
tells what rounding and chance can do; the observed side once more from the baseline's weights,
if its own were others; and both once more up to the first difference, with whole tensors kept.
"""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.programs.judging import judge as judging
from harness.programs.judging.verdict import Judgement
from harness.programs.runs import figures
from harness.programs.runs.launching import Side
from harness.programs.runs.running import CAPTURING, Ran, Runner, jobs
from harness.programs.runs.tried import Tried
from harness.programs.showing import capture, dropped, operators
from harness.programs.showing.capture import Whole
from harness.programs.sides.asked import Difference
from harness.programs.traces.trace import Trace
from harness.vocabulary.program import PERTURBED
from harness.words import counted

SHOWN = 4
"""Files or figures that a note names."""
AGAIN = "again"
"""Name of the observed side's run from changed weights."""
INITIAL = "initial.npz"
"""File of the weights that the baseline side begins with."""


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
        self.by_chance: set[str] = set()
        self.operator = ""
        self.began = 0.0

    def run(self) -> Tried:
        """Run what is needed, and judge.

        Raises:
            HarnessError: a run failed, did not end, or trained nothing; or two unchanged runs
                differ in their weights or data, so that nothing can be told.
        """
        self.began = time.time()
        self._keep(self.runner.first(self.baseline, ["--keep", str(self.initial)]))
        self._keep(self.runner.run(self.observed.name, self.observed))
        self._require_apart()
        judgement = self._judge()
        if not judgement.is_identical and self._is_recorded_alike():
            self._run_all([("repeated", self.baseline, [])])
            self.by_chance = self._differing("repeated")
            judgement = self._judge()
        if judgement.is_identical:
            return self._tried(judgement, None)
        if judgement.initialisation_differs or judgement.data_differs:
            self._run_all([("repeated", self.baseline, [])])
            judgement = self._judge()  # before the rest: a program without seeds is refused
        missing: list[tuple[str, Side, Sequence[str]]] = \
            [("repeated", self.baseline, [])] if "repeated" not in self.runs else []
        noise = [(f"perturbed-{i}", self.baseline, ["--perturb", str(i)])
                 for i in range(1, PERTURBED + 1)] + missing
        self._run_all(noise + self._beside(noise, judgement))
        spare = self.runs.pop(AGAIN, None)
        judgement = self._judge()
        if judgement.needs_weights and not judgement.data_differs and self.initial.is_file():
            self._run_all([("loaded", self.observed, self._loading)])
            judgement = self._judge()
        if judgement.wants_again:
            if spare is not None and not self._loading:
                self._keep(spare)
            else:
                self._run_all([(AGAIN, self.observed, [*self._loading, "--perturb", "1"])])
            judgement = self._judge()
        return self._tried(*self._look(judgement))

    def _beside(self, runs: Sequence[tuple[str, Side, Sequence[str]]], judgement: Judgement
                ) -> list[tuple[str, Side, Sequence[str]]]:
        """Return the run that will probably be wanted, where a place is free while others run."""
        is_wanted = not (judgement.initialisation_differs or judgement.data_differs)
        is_free = len(runs) % self._at_once != 0
        return [(AGAIN, self.observed, ["--perturb", "1"])] if is_wanted and is_free else []

    def _require_apart(self) -> None:
        """Refuse a program whose second run reads what its first one wrote.

        In its copies of the working directory it cannot; elsewhere it can.
        """
        one, other = (self.runs[name].trace.header for name in ("baseline", "observed"))
        shared = [name for name in other.read if name in one.written or self._is_changed(name)]
        if shared:
            raise HarnessError(
                "the program reads a file that the run before it wrote: the two sides do not begin "
                "alike", shared[0], counted(len(shared), "such file"),
                "let it write below the working directory, of which every run has a copy, or below "
                "TMPDIR" + (", and without --in-place" if self.runner.program.is_in_place else ""))

    def _is_changed(self, name: str) -> bool:
        """Return whether a file that all runs share was written since the first of them began."""
        try:
            return Path(name).stat().st_mtime >= self.began
        except OSError:
            return False

    def _is_recorded_alike(self) -> bool:
        """Return whether all is equal to the bit but what was printed or written."""
        return judging.is_identical(self.runs["observed"].trace, self.runs["baseline"].trace)

    def _differing(self, name: str) -> set[str]:
        """Return the names of the figures that a run told otherwise than the baseline."""
        one, other = (Counter(self.runs[run].figures) for run in ("baseline", name))
        return {figure.name for figure in (one - other) + (other - one)}

    @property
    def _loading(self) -> list[str]:
        """Options by which the observed side begins with the baseline's weights, if it has to."""
        begins = self._judge().initialisation_differs
        return ["--load", str(self.initial)] if begins and self.initial.is_file() else []

    def _judge(self) -> Judgement:
        """Judge what has run; raise what keeps it from being judged."""
        perturbed = [self._trace(name) for name in self.runs if name.startswith("perturbed-")]
        kept = {name: self._trace(name) for name in ("repeated", "loaded", AGAIN)
                if name in self.runs}
        found = judging.judge(self._trace("observed"), self._trace("baseline"), perturbed, **kept)
        if found.problem is not None:
            told = found.problem
            raise type(told)(told.what, shlex.join(self.runner.program.words), told.numbers,
                             told.next_command)
        return found

    def _run_all(self, runs: Sequence[tuple[str, Side, Sequence[str]]]) -> None:
        for ran in self.runner.several(runs, self._at_once):
            self._keep(ran)

    @property
    def _at_once(self) -> int:
        """How many runs there are at once."""
        if self.runner.program.is_in_place:
            return 1
        return self.at_once or jobs(self.runs["baseline"].trace)

    def _look(self, judgement: Judgement) -> tuple[Judgement, Whole | None]:
        """Run both sides up to the first difference, and look at whole tensors there."""
        if judgement.capture_step is None or judgement.first is None:
            return judgement, None
        capturing = [CAPTURING, str(judgement.capture_step), "--tensors"]
        paths = [self.runner.folder / f"{side.name}-tensors.npz"
                 for side in (self.baseline, self.observed)]
        self._run_all([
            ("capture-baseline", self.baseline, [*capturing, str(paths[0])]),
            ("capture-observed", self.observed, [*self._loading, *capturing, str(paths[1])])])
        found = dropped.revise(judgement, paths[1], paths[0])
        cause = found.first or judgement.first
        self.operator = operators.compare(paths[1], paths[0], cause)
        return found, capture.compare(paths[1], paths[0], cause)

    def _keep(self, ran: Ran) -> None:
        self.runs[ran.run.name] = ran

    def _trace(self, name: str) -> Trace:
        """Return a run's trace, with what it printed and wrote."""
        told, like = ([figure for figure in self.runs[run].figures
                       if figure.name not in self.by_chance] for run in (name, "baseline"))
        is_alike = name == self.observed.name and self._is_recorded_alike()
        return figures.add(self.runs[name].trace, told, like, is_alike)

    def _tried(self, judgement: Judgement, whole: Whole | None) -> Tried:
        seconds = {name: round(ran.run.seconds, 3) for name, ran in self.runs.items()}
        return Tried(self.runner.program.words, self.baseline, self.observed, judgement, whole,
                     self.differences, tuple(self._notes()), seconds,
                     {name: self._trace(name) for name in self.runs
                      if not name.startswith("capture-")}, self.operator)

    def _notes(self) -> list[str]:
        """Return what is to be said of environments and runs, each once."""
        sides = (self.baseline, self.observed)
        found = [f"added to the {side.name} side: {hint}" for side in sides
                 for hint in side.environment.hints]
        found += [f"{side.name} side: {note}" for side in sides
                  for note in side.environment.notes]
        if self.by_chance:
            found.append("not compared, since an unchanged run tells another value: "
                         + ", ".join(sorted(self.by_chance)[:SHOWN]))
        changed = sorted({str(path) for ran in self.runs.values() for path in ran.changed})
        if changed:
            found.append("the program changed files that its copies only link: "
                         + ", ".join(changed[:SHOWN]))
        return list(dict.fromkeys(found))
