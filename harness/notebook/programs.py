"""Saved programs in a notebook: what their runs left, as pandas has it.

Outside half.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.errors import UsageError, unknown
from harness.programs.judging.harm import curve
from harness.programs.saved import kept
from harness.programs.saved.comparing import VARIANT
from harness.programs.saved.kept import Kept
from harness.programs.traces.trace import EVALUATION, REPORTED
from harness.records.project import Project

QUANTITY = "loss"
"""What a program has one number of at every step."""


def read(project: Project, program: str, environment: str) -> Kept:
    """Return what a program's last runs left, or its baseline's where there are none.

    Raises:
        MissingRecordError: there is neither.
    """
    path = project.program_run_path(program, environment)
    return kept.read(path if path.exists() else project.program_baseline_path(program, environment))


def loss(project: Project, program: str, variant: str, environment: str,
         quantity: str) -> pd.Series[float]:
    """Return the loss of a program, indexed by step, named after the environment.

    Raises:
        UsageError: there is no such variant or quantity, or the program has no loss.
        MissingRecordError: it was not measured.
    """
    if variant != VARIANT:
        raise unknown("variant", variant, [VARIANT], f"program {program}")
    if quantity != QUANTITY:
        raise unknown("quantity", quantity, [QUANTITY], f"program {program}")
    found = curve(read(project, program, environment).trace())
    if found is None:
        raise UsageError(f"{environment} has no loss of {program}")
    return pd.Series(found.values, pd.Index(found.steps.astype(int), name="step"),
                     name=environment)


def figures(project: Project, program: str, environment: str) -> pd.DataFrame:
    """Return the figures that a program evaluates and reports, indexed by step.

    Of several that have one name in a step the last one counts.
    """
    trace = read(project, program, environment).trace()
    at = np.flatnonzero(np.isin(trace.channel, (EVALUATION, REPORTED)) & (trace.size == 0))
    table = pd.DataFrame({"step": trace.step[at], "value": trace.sketch[at, 0],
                          "name": [trace.header.names[name] for name in trace.name[at]]})
    return table.pivot_table("value", "step", "name", aggfunc="last").rename_axis(columns=None)
