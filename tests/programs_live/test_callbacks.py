"""Callbacks with the real packages: what they record, and that without a recorder they do nothing.

Each runs where its package is installed: ``tox run -e programs-keras``, ``-lightning``,
``-transformers``.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "callback_programs"
FIGURES = {"keras": {"epoch: loss", "epoch: val_loss", "evaluation: loss"},
           "lightning": {"epoch: own_loss", "validation: validation_loss"},
           "transformers": {"log: loss", "log: learning_rate", "evaluation: eval_loss"}}


@pytest.mark.parametrize("package", [
    pytest.param(package, marks=pytest.mark.skipif(
        importlib.util.find_spec(package) is None, reason=f"no {package}"))
    for package in FIGURES])
def test_epochs_and_figures_are_recorded_and_nothing_changes(package, launch, record, monkeypatch):
    """The final weights are those without a recorder; epochs and figures are in the trace."""
    monkeypatch.setenv("KERAS_BACKEND", next(
        name for name in ("tensorflow", "torch", "jax") if importlib.util.find_spec(name)))
    program = f"{package}_program.py"
    alone = launch([sys.executable, program], PROGRAMS)
    found, trace = record(program, folder=PROGRAMS)
    assert alone.code == 0, alone.errors
    assert found.output.split()[-1] == alone.output.split()[-1], found.errors
    reported = {row[2] for row in trace.rows("reported")}
    assert FIGURES[package] | {"epoch"} <= reported
    assert [row[6][0] for row in trace.rows("reported", "epoch")] == [0.0, 1.0]
    assert not [name for name in reported if name.endswith(("runtime", "per_second"))]
