"""A checkout, opened: its environments, curves, comparisons, timelines and histories.

Outside half.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.compare.question import Question
from harness.environments.lineage import order
from harness.errors import UsageError, unknown
from harness.history import history as kept
from harness.history.facts import case_facts
from harness.notebook import frames, programs
from harness.notebook.compared import Compared
from harness.programs.saved import comparing, timeline
from harness.programs.saved.kept import Kept
from harness.programs.saved.upgrade import ask
from harness.records.paths import find_root
from harness.records.project import Project
from harness.records.record import CURVES, Record, Trajectory
from harness.store import programs as stored
from harness.store.store import Store


def find(path: Path) -> Checkout:
    """Return the checkout at or above a folder.

    Raises:
        UsageError: there is none.
    """
    return Checkout(find_root(path.resolve()))


class Checkout:
    """A checkout of this project, to be looked at; nothing in it is changed.

    Args:
        root: its folder.
    """

    def __init__(self, root: Path) -> None:
        self._project = Project(root)
        self._store = Store(self._project)

    def __repr__(self) -> str:
        return f"harness.open({str(self._project.root)!r})"

    @property
    def cases(self) -> pd.DataFrame:
        """A row for each variant of each case, and for each saved program."""
        return pd.DataFrame([(case.name, variant.name, variant.loss_path, str(variant.optimizer))
                             for case in self._project.cases() for variant in case.variants]
                            + [(name, comparing.VARIANT, None, None)
                               for name in self._project.program_names()],
                            columns=["case", "variant", "loss_path", "optimizer"])

    @property
    def environments(self) -> pd.DataFrame:
        """A row for each environment and case or program: whether it has a baseline, and a run."""
        held = {case: (self._store.accepted(case), self._store.measured(case))
                for case in self._project.case_names()}
        held |= {name: (stored.accepted(self._project, name), stored.measured(self._project, name))
                 for name in self._project.program_names()}
        return pd.DataFrame([(name, case, name in self._store.pinned, name in accepted,
                              name in measured)
                             for name in self._store.known()
                             for case, (accepted, measured) in held.items()],
                            columns=["environment", "case", "pinned", "baseline", "run"])

    def curve(self, case: str, variant: str, environment: str, precision: str = "float64",
              quantity: str = "loss") -> pd.Series[float]:
        """Return one number for each step.

        Args:
            case: of a case, or of a saved program, whose only variant is ``program``.
            precision: float64 or float32; a program has its own.
            quantity: loss, gradient_norm or update_norm; of a program loss.

        Returns:
            The series, float64, indexed by step from 0, named after the environment.

        Raises:
            UsageError: there is no such case, variant or quantity.
            MissingRecordError: it was not measured.
        """
        if case in self._project.program_names():
            self._store.require_known(environment)
            return programs.loss(self._project, case, variant, environment, quantity)
        found = self._trajectory(case, variant, environment, precision)
        if quantity not in CURVES:
            raise unknown("quantity", quantity, CURVES)
        values = getattr(found, quantity)
        if values is None:
            raise UsageError(f"{environment} has no {quantity} of {case} {variant}")
        index = pd.RangeIndex(len(values), name="step")
        return pd.Series(np.asarray(list(values), np.float64), index, name=environment)

    def curves(self, case: str, variant: str, environments: Sequence[str],
               precision: str = "float64", quantity: str = "loss") -> pd.DataFrame:
        """Return the curves of several environments, a column for each."""
        return pd.DataFrame({name: self.curve(case, variant, name, precision, quantity)
                             for name in environments})

    def metrics(self, case: str, variant: str, environment: str,
                precision: str = "float64") -> pd.DataFrame:
        """Return the metrics on the evaluation set, indexed by step.

        Of a program these are the figures that it evaluates and reports.
        """
        if case in self._project.program_names():
            self._store.require_known(environment)
            return programs.figures(self._project, case, environment)
        table = dict(self._trajectory(case, variant, environment, precision).metrics)
        return pd.DataFrame({name: list(values) for name, values in table.items()}
                            ).set_index("step")

    def compare(self, observed: str, baseline: str | None = None, case: Sequence[str] = (),
                variant: Sequence[str] = ()) -> Compared:
        """Compare an environment with another, or with all that ``harness compare`` asks.

        Args:
            observed: what is looked at.
            baseline: baseline, previous, reference or an environment; the first three, if not
                given. Of two versions of one framework, what changes on the way is asked.
            case, variant: names, those of saved programs too, and patterns; all, if none is given.
        """
        ends = order(observed, baseline) if baseline else None
        if ends is not None and ends[1] == observed:
            found = ask(self._project, *ends, tuple(case), tuple(variant))
            return Compared(self.curves, found.report)
        question = Question((observed,), baseline, tuple(case), tuple(variant))
        return Compared(self.curves, comparing.compare(self._project, question))

    def timeline(self, *families: str, case: Sequence[str] = (),
                 variant: Sequence[str] = ()) -> pd.DataFrame:
        """Return a row for each version at which something changed."""
        return frames.changes(timeline.load(self._project, families, case, variant))

    def history(self, case: str, nights: int = 100) -> pd.DataFrame:
        """Return a row for each night of each figure of a case that changed."""
        known = kept.load(kept.path_of(self._project), case)
        return frames.series(case_facts(known, case, nights))

    def record(self, case: str, environment: str) -> Record | Kept:
        """Return what was measured last, or the baseline where nothing was.

        Of a program that is what its runs left: ``facts``, ``trace()`` and ``figures()``.
        """
        self._store.require_known(environment)
        if case in self._project.program_names():
            return programs.read(self._project, case, environment)
        return self._record(case, environment)

    def _record(self, case: str, environment: str) -> Record:
        name = self._project.selected([case])[0]
        if environment in self._store.measured(name):
            return self._store.run(name, environment)
        return self._store.baseline(name, environment)

    def _trajectory(self, case: str, variant: str, environment: str,
                    precision: str) -> Trajectory:
        self._store.require_known(environment)
        variants = self._record(case, environment).variants
        if variant not in variants:
            raise unknown("variant", variant, list(variants), f"{case} {environment}")
        found = variants[variant]
        if precision not in found.trajectories:
            raise UsageError(f"{case} {variant} was not measured in {precision}", environment,
                             found.unsupported or found.error or "")
        return found.trajectories[precision]
