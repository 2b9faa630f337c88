"""What accepting a run would change, shown before it is done.

Outside half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.compare.checks.pair import deviation
from harness.errors import MissingRecordError
from harness.records.record import Record
from harness.store.store import Store

SIZES = (0.0, 1e-12, 1e-9, 1e-6, 1e-4, 1e-2, np.inf)
"""Upper bounds of the classes in which steps are counted."""


@dataclass(frozen=True)
class Change:
    """How one curve of losses would change.

    Args:
        mean: signed mean relative change of the loss.
        steps: number of steps by size of deviation, one for each of ``SIZES``.
    """

    variant: str
    precision: str
    mean: float
    steps: tuple[int, ...]


def changes(store: Store, record: Record) -> list[Change] | None:
    """Return how the baseline would change, or None where there is none yet."""
    try:
        baseline = store.baseline(record.case, record.environment)
    except MissingRecordError:
        return None
    found = []
    for name, observed in record.variants.items():
        accepted = baseline.variants.get(name)
        for precision, trajectory in observed.trajectories.items():
            if accepted and precision in accepted.trajectories:
                before = accepted.trajectories[precision].loss
                found.append(_change(name, precision, trajectory.loss, before))
    return found


def render(record: Record, found: list[Change] | None) -> RenderableType:
    """Return the changes as a table; curves that stay the same are only counted."""
    title = f"{record.case} {record.environment}"
    if found is None:
        return Text(f"{title}: first baseline, {len(record.variants)} variants")
    changed = [change for change in found if any(change.steps[1:])]
    text = Text(f"{title}: {len(changed)} of {len(found)} loss curves change")
    if not changed:
        return text
    table = Table("variant", "precision", "mean change",
                  *(f"<= {size:g}" for size in SIZES[:-1]), f"> {SIZES[-2]:g}")
    for change in changed:
        table.add_row(escape(change.variant), change.precision, f"{change.mean:+.2e}",
                      *map(str, change.steps))
    return Group(text, table)


def _change(variant: str, precision: str, observed: Sequence[float],
            baseline: Sequence[float]) -> Change:
    sizes = deviation(observed, baseline, precision)
    classes = np.searchsorted(SIZES, sizes)
    o, b = np.asarray(observed, np.float64), np.asarray(baseline, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(o == b, 0, (o - b) / np.abs(b))
    finite = relative[np.isfinite(relative)]
    return Change(variant, precision, float(finite.mean()) if finite.size else float("nan"),
                  tuple(np.bincount(classes, minlength=len(SIZES)).tolist()))
