"""Remarks: what a report notes beside its verdicts, each once.

Outside half.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.compare.checks.finding import Comparison
from harness.compare.checks.pair import Pair
from harness.compare.question import Report


@dataclass
class Remarks:
    """Adds to the notes of a report."""

    report: Report
    _chaotic: set[tuple[str, str, str]] = field(default_factory=set)

    def note(self, note: str, is_usual: bool = False) -> None:
        """Say something once.

        Args:
            is_usual: it holds whatever was measured.
        """
        if note not in self.report.notes:
            self.report.notes.append(note)
        self.report.usual |= {note} if is_usual else set()

    def say_chaos(self, comparison: Comparison, pair: Pair) -> None:
        """Say where a trajectory tells nothing, instead of allowing anything."""
        for precision, others in (("float32", "float64 and probes"), ("float64", "probes")):
            key = comparison.case, comparison.variant, precision
            if key in self._chaotic or not pair.trajectories(precision):
                continue
            self._chaotic.add(key)
            step = pair.chaotic_from(precision)
            if step is not None:
                self.note(f"{comparison.case} {comparison.variant}: {precision} trajectory is "
                          f"chaotic from step {step} on; {others} decide", True)

    def say_host(self, comparison: Comparison) -> None:
        """Say what belongs to the class of machine that it was measured on.

        Of stored records alone that is so whatever was measured.
        """
        record = self.report.observed.get((comparison.case, comparison.observed))
        is_stored = record is not None and record.accepted is not None
        for why in dict.fromkeys(f.host for f in comparison.findings if f.host):
            self.note(f"host-dependent: {comparison.case} {comparison.variant} under "
                      f"{comparison.observed}: {why}", is_stored)
