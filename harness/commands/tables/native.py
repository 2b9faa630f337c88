"""The share of native runs that trained, as a table.

Outside half. Builds a renderable and prints nothing.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from harness.compare.checks.significance import CONFIDENCE, share_trained
from harness.errors import MissingRecordError, UsageError
from harness.records.record import NativeRun
from harness.store.store import Store


def render(store: Store, environments: Sequence[str] = ()) -> Table:
    """Return one row for every case, native variant and environment measured.

    Raises:
        UsageError: none was.
    """
    table = Table("case", "variant", "environment", "trained",
                  f"share, {100 * CONFIDENCE:.0f} % interval", "final loss: median, range",
                  header_style="bold", pad_edge=False)
    for name in environments:
        store.require_known(name)
    for case in store.project.sound()[0]:
        for variant in case.native.variants if case.native else ():
            for environment in environments or store.known():
                try:
                    runs = store.native(case.name, environment, True).runs.get(variant)
                except MissingRecordError:
                    continue
                if runs:
                    table.add_row(*map(escape, (case.name, variant, environment)), *_figures(runs))
    if not table.row_count:
        raise UsageError("no native runs", next_command="tox run -e native")
    return table


def _figures(runs: list[NativeRun]) -> tuple[str, str, str]:
    share = share_trained([run.trained for run in runs])
    losses = sorted(run.final_loss if math.isfinite(run.final_loss) else math.inf for run in runs)
    return (f"{sum(run.trained for run in runs)} of {len(runs)}",
            f"{share.share:.2f} ({share.low:.2f} to {share.high:.2f})",
            f"{statistics.median(losses):.3g}, {losses[0]:.3g} to {losses[-1]:.3g}")
