"""Two environments compared, as an object that shows itself.

Outside half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.compare.checks.finding import Comparison, tally
from harness.compare.question import Report
from harness.notebook import frames
from harness.programs.saved.comparing import VARIANT as PROGRAM

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = Callable[[str, str, Sequence[str], str], pd.DataFrame]
"""Returns the losses of a case and variant in several environments, in a precision."""

SHOWN = ["case", "variant", "against", "verdict", "phase", "step", "tensor", "deviation", "reason"]
"""Columns that a notebook shows of what differs."""


class Compared:
    """What a comparison found.

    Args:
        curves: how to get at them.
        report: everything that was compared.
    """

    def __init__(self, curves: Curves, report: Report) -> None:
        self._curves = curves
        self.report = report

    @property
    def comparisons(self) -> Sequence[Comparison]:
        """Every case and variant against every side."""
        return self.report.comparisons

    @property
    def matches(self) -> bool:
        """Whether everything could be compared, and nothing differs that no waiver covers."""
        return self.report.exit_code == 0

    @property
    def verdicts(self) -> pd.DataFrame:
        """A row for each comparison, with the finding that stands for it."""
        return frames.verdicts(self.comparisons)

    @property
    def findings(self) -> pd.DataFrame:
        """A row for each finding."""
        return frames.findings(self.comparisons)

    @property
    def differences(self) -> pd.DataFrame:
        """The rows of ``verdicts`` that differ, what is waived last."""
        chosen = [c for c in self.comparisons if c.verdict.is_difference or c.problem]
        return frames.verdicts(sorted(chosen, key=lambda c: c.rank, reverse=True))

    def plot(self, case: str | None = None, variant: str | None = None,
             precision: str = "float64") -> Axes:
        """Draw the loss of both sides, by default where they differ most.

        Args:
            case, variant: which; the worst difference's, or the first, if not given.
            precision: float64 or float32; a program has its own.
        """
        chosen = [c for c in self.comparisons
                  if case in (None, c.case) and variant in (None, c.variant)]
        if not chosen:
            raise KeyError(f"nothing was compared of {case} {variant}")
        shown = max(chosen, key=lambda c: c.rank)
        sides = dict.fromkeys((shown.baseline, shown.observed))
        table = self._curves(shown.case, shown.variant, list(sides), precision)
        own = "" if shown.variant == PROGRAM else f", {precision}"
        axes: Axes = table.plot(title=f"{shown.case} {shown.variant}{own}", ylabel="loss")
        return axes

    def __repr__(self) -> str:
        counts = tally(self.comparisons)
        waived = sum(c.is_waived for c in self.comparisons)
        words = [f"{count} {verdict.word}" for verdict, count in sorted(counts.items())]
        words += [f"{waived} different, waived"] if waived else []
        return f"{len(self.comparisons)} compared: {', '.join(words) or 'nothing'}"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the counts, and what differs."""
        table: Any = self.differences[SHOWN].dropna(axis="columns", how="all")
        return f"<p>{self!r}</p>{table.to_html(index=False, na_rep='')}"
