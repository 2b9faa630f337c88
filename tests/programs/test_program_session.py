"""The order of a session's runs: no more than are needed, and places that are free are used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.programs.runs.launching import Run, Side
from harness.programs.runs.running import Program, Ran
from harness.programs.runs.session import Session
from harness.programs.sides.making import Environment
from tests.kit import traces
from tests.kit.programs import DOUBLED
from tests.kit.traces import Fault

UNSEEDED = Fault(begin=lambda n, v: v * 1.1)
"""What is drawn anew in every run of the baseline but its first."""


class Runs:
    """Stands for a runner, and remembers which runs were asked for together."""

    def __init__(self, folder: Path, fault: Any) -> None:
        self.program, self.folder, self.fault = Program(("train.py",)), folder, fault
        self.asked: list[list[str]] = []

    def run(self, name: str, side: Side, options: Sequence[str] = ()) -> Ran:
        """Return one run."""
        self.asked.append([name])
        return self._ran(name, side, options)

    def first(self, side: Side, options: Sequence[str]) -> Ran:
        """Return the first one."""
        return self.run(side.name, side, options)

    def several(self, runs: Sequence[tuple[str, Side, Sequence[str]]], jobs: int) -> list[Ran]:
        """Return runs that go on at once."""
        self.asked.append([name for name, _, _ in runs])
        return [self._ran(*one) for one in runs]

    def _ran(self, name: str, side: Side, options: Sequence[str]) -> Ran:
        if "--tensors" in options:
            np.savez(options[-1])
        seed = int(options[-1]) if "--perturb" in options else None
        is_faulty = side.name == "observed" or (name == "repeated" and self.fault is UNSEEDED)
        found = traces.train(self.fault if is_faulty else None, perturb=seed)
        return Ran(Run(name, side, self.folder, self.folder, 1.0), found, ())


def asked(folder: Path, fault: Any, at_once: int) -> list[list[str]]:
    """Return which runs a session asks for together."""
    environment = Environment(Path("python"), "3.11.0", {})
    sides = [Side(name, environment, folder, {}) for name in ("baseline", "observed")]
    runs = Runs(folder, fault)
    Session(sides[0], sides[1], [], runs, at_once).run()  # type: ignore[arg-type]
    return runs.asked


def test_two_runs_are_enough_where_nothing_differs(tmp_path: Path) -> None:
    """Equal to the bit is all there is to say."""
    assert asked(tmp_path, None, 2) == [["baseline"], ["observed"]]


@pytest.mark.parametrize(("at_once", "is_beside"), [(1, False), (2, True), (3, False), (4, True)])
def test_a_free_place_is_used(tmp_path: Path, at_once: int, is_beside: bool) -> None:
    """The second run of the observed side waits for nobody where it costs no time; twelve runs."""
    found = asked(tmp_path, DOUBLED, at_once)
    names = [name for part in found for name in part if not name.startswith("capture")]
    assert len(names) == len(set(names)) == 12
    assert ("again" in found[2]) is is_beside
    assert (["again"] in found) is not is_beside


def test_a_program_without_seeds_is_refused_after_three_runs(tmp_path: Path) -> None:
    """Eight runs from last bits would tell nothing more."""
    environment = Environment(Path("python"), "3.11.0", {})
    sides = [Side(name, environment, tmp_path, {}) for name in ("baseline", "observed")]
    runs = Runs(tmp_path, UNSEEDED)
    with pytest.raises(HarnessError, match="different initial weights"):
        Session(sides[0], sides[1], [], runs, 2).run()  # type: ignore[arg-type]
    assert runs.asked == [["baseline"], ["observed"], ["repeated"]]
