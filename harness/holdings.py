"""What a record holds, so that what it does not hold is never taken for agreement.

Outside half. A check has nothing to say of what one side did not measure. Whatever the baseline
holds and the run lacks is missing, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import RecordError
from harness.finding import Comparison, Verdict
from harness.pair import Pair
from harness.record import CURVES, Record, VariantRecord

Holding = tuple[str, str]
"""What is held, and the detail of it."""
DETAILS = 4
"""How many details are listed; the rest is counted."""
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

    def look(self, comparison: Comparison, pair: Pair) -> None:
        """Name what the run lacks of what the other side holds: that is missing."""
        if pair.observed.key is not None and pair.observed.key == pair.baseline.key:
            return
        mine, theirs = pair.of_both("held", held)
        sides = {comparison.observed, comparison.baseline}
        if theirs - mine and (comparison.against == "baseline" or sides <= self.pinned):
            comparison.problem = (f"{comparison.observed} lacks what {comparison.side} holds: "
                                  f"{words(theirs - mine)}\n"
                                  f"  next:  tox run -e {comparison.observed}")
            comparison.problem_verdict = Verdict.MISSING
        else:
            self.note(comparison, pair)

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
        return [(f"not looked at, since one side does not have it: {what} ({_few(who)})",
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


def held(variant: VariantRecord) -> frozenset[Holding]:
    """Return everything that was measured of a variant; of one that was not, nothing."""
    found: set[Holding] = set()
    for precision, trajectory in variant.trajectories.items():
        found |= {(f"{precision} trajectory", name.replace("_", " ")) for name in CURVES
                  if getattr(trajectory, name) is not None}
        for kind, table in (("metrics", trajectory.metrics),
                            ("reported metrics", trajectory.reported or {})):
            found |= {(f"{precision} {kind}", f"{name} at {step:g}") for name in table
                      for step in table["step"]}
    for precision, probes in variant.probes.items():
        found |= {(f"{precision} probes", name) for name in (*probes.errors, *probes.tensors)}
    for precision, figures in variant.invariances.items():
        found |= {(f"{precision} invariances", claim) for claim in figures}
    for precision, drops in variant.drops.items():
        found |= {(f"{precision} dropout", "in training mode")} if drops.count else set()
    if variant.fingerprint is not None:
        found |= {("fingerprint", f"epoch {number}")
                  for number in range(1, 1 + len(variant.fingerprint.order))}
        found |= {("fingerprint", name) for name in variant.fingerprint.weights}
    return frozenset(found)


def words(lacking: Iterable[Holding]) -> str:
    """Return what is lacking in words, details of the same kind together."""
    kinds: dict[str, list[str]] = {}
    for kind, detail in sorted(lacking):
        kinds.setdefault(kind, []).append(detail)
    return "; ".join(f"{kind} ({_few(details)})" for kind, details in kinds.items())


def lacks(record: Record, baseline: Record) -> list[str]:
    """Return in words what a record lacks of what its baseline holds, by variant."""
    found = []
    for name, before in baseline.variants.items():
        if name not in record.variants:
            found.append(f"{name}: not measured")
            continue
        mine = record.variants[name]
        if mine.key is not None and mine.key == before.key:
            continue
        could = before.error is None and before.unsupported is None
        if could and mine.error is None and mine.unsupported is None:
            missing = held(before) - held(mine)
            found += [f"{name}: {words(missing)}"] if missing else []
    return found


def listed(lacking: list[str]) -> str:
    """Return what is lacking in one line, by variant."""
    return "; ".join(lacking[:DETAILS]) + \
        (f"; and {len(lacking) - DETAILS} more" if len(lacking) > DETAILS else "")


def _few(details: list[str]) -> str:
    more = f" and {len(details) - DETAILS} more" if len(details) > DETAILS else ""
    return ", ".join(details[:DETAILS]) + more
