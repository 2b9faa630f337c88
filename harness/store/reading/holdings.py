"""What a record holds, so that what it does not hold is never taken for agreement.

Outside half. A check has nothing to say of what one side did not measure. Whatever the baseline
holds and the run lacks is missing, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.records.record import CURVES, Record, VariantRecord
from harness.words import few

Holding = tuple[str, str]
"""What is held, and the detail of it."""
DETAILS = 4
"""How many details are listed; the rest is counted."""


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
    return "; ".join(f"{kind} ({few(details, DETAILS)})" for kind, details in kinds.items())


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
    return few(lacking, DETAILS, "; ")
