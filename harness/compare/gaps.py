"""Gaps: what one side of a comparison holds and the other lacks, found and named.

Outside half.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.compare.checks.finding import Comparison, Verdict
from harness.compare.checks.pair import Pair
from harness.errors import RecordError
from harness.store.reading.holdings import DETAILS, held, words
from harness.words import few

FRAMEWORKS_OWN = {"float64 reported metrics", "float32 reported metrics", "fingerprint"}
"""What only a framework has, and no reference."""


class Gaps:
    """What the checks of a comparison run could not look at.

    Args:
        pinned: environments of the matrix; a record of another program need not hold everything
            that others hold, only what its own baseline does.
    """

    def __init__(self, pinned: Iterable[str]) -> None:
        self.pinned = set(pinned)
        self.unseen: dict[str, list[str]] = {}

    def look(self, comparison: Comparison, pair: Pair) -> Comparison:
        """Return a comparison; what the run lacks of what the other side holds is a problem."""
        if pair.observed.key is not None and pair.observed.key == pair.baseline.key:
            return comparison
        mine, theirs = pair.of_both("held", held)
        sides = {comparison.observed, comparison.baseline}
        if theirs - mine and (comparison.against == "baseline" or sides <= self.pinned):
            return replace(comparison, problem_verdict=Verdict.MISSING, problem=(
                f"{comparison.observed} lacks what {comparison.side} holds: "
                f"{words(theirs - mine)}\n  next:  tox run -e {comparison.observed}"))
        self.note(comparison, pair)
        return comparison

    def note(self, comparison: Comparison, pair: Pair) -> None:
        """Take in what only one side has, as nothing that the run lacks.

        Args:
            pair: of the records that tell, which need not be the run's own.
        """
        mine, theirs = pair.of_both("held", held)
        if unseen := {kind for kind, _ in mine} ^ {kind for kind, _ in theirs}:
            unseen -= FRAMEWORKS_OWN if comparison.against == "reference" else set()
            who = self.unseen.setdefault(", ".join(sorted(unseen)), [])
            who += [] if comparison.observed in who else [comparison.observed]

    def notes(self) -> list[tuple[str, bool]]:
        """Return what was not looked at, in words, and whether it is of other programs alone."""
        return [(f"not looked at, since one side does not have it: {what} ({few(who, DETAILS)})",
                 not set(who) & set(self.pinned)) for what, who in self.unseen.items() if what]


def require_same_tensors(pair: Pair) -> None:
    """Refuse probes that cannot face each other.

    Raises:
        RecordError: they are of other tensors.
    """
    for precision, probes in pair.observed.probes.items():
        other = pair.baseline.probes.get(precision)
        if other is not None and other.tensors != probes.tensors:
            raise RecordError(f"{precision} probes of both sides are of other tensors",
                              f"{pair.case.name} {pair.variant.name}",
                              f"{len(probes.tensors)} against {len(other.tensors)}",
                              "measure both with the same harness")
