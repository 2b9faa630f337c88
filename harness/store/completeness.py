"""Completeness: what a run must hold before it may stand for its environment.

Outside half. A part of a case, a run with errors, and one that lacks what was accepted before
become no baseline, and are not merged.
"""

from __future__ import annotations

from harness.environments import names
from harness.errors import HarnessError, UsageError
from harness.records.environment import REFERENCE
from harness.records.native_record import NativeRecord
from harness.records.record import Record
from harness.store import machines
from harness.store.reading import holdings
from harness.store.store import Store


def lacking(store: Store, record: Record) -> list[str]:
    """Return in words what a run lacks of what was accepted before, by variant.

    Of an environment of the matrix that has no baseline it is what the reference holds
    that counts; another program need not express everything.
    """
    try:
        return holdings.lacks(record, store.baseline_for(record))
    except HarnessError:  # there is none, or none that can be read
        if record.environment not in store.pinned:
            return []
    try:
        return holdings.lacks(record, store.baseline(record.case, REFERENCE))
    except HarnessError:
        return []


def require(store: Store, record: Record) -> None:
    """Refuse a run that cannot become a baseline.

    Raises:
        UsageError: it is of a build that changes every night.
        HarnessError: it is a part, holds errors, or would make the baseline hold less.
    """
    where, again = f"{record.case} {record.environment}", f"tox run -e {record.environment}"
    if names.is_build(record.environment):
        raise UsageError("a build that changes every night has no baseline", where,
                         next_command=f"harness compare {record.environment} --against previous")
    if "selection" in record.provenance:
        raise HarnessError("a run of selected variants cannot become a baseline", where,
                           str(record.provenance["selection"]), again)
    if switched := _switched(store, record):
        raise HarnessError("a run under other settings than the pinned ones cannot replace a "
                           "baseline", where, " ".join(switched),
                           " ".join(["unset", *(one.partition("=")[0] for one in switched)])
                           + f"; {again} -- --again")
    broken = [name for name, variant in record.variants.items() if variant.error is not None]
    if broken or not record.variants:
        raise HarnessError("a run with errors cannot become a baseline", where,
                           ", ".join(broken) or "no variant", again)
    if found := lacking(store, record):
        raise HarnessError("a run that lacks what was accepted before cannot become a baseline",
                           where, holdings.listed(found), again)


def _switched(store: Store, record: Record) -> tuple[str, ...]:
    """Return the switches of a run whose place is that of a baseline without them."""
    try:
        before = store.baselines.read(store.baselines.path_for(record))
    except HarnessError:  # there is none, or none that can be read
        return ()
    mine, theirs = (machines.machine_class(one.provenance, one.environment)
                    for one in (record, before))
    return () if mine == theirs else mine.switches


def require_native(store: Store, native: NativeRecord) -> None:
    """Refuse native runs of fewer variants than were accepted before.

    Raises:
        HarnessError: one is lacking.
    """
    try:
        before = store.native(native.case, native.environment, False).runs
    except HarnessError:  # there are none, or none that can be read
        return
    if lost := [name for name in before if name not in native.runs]:
        raise HarnessError("native runs that lack what was accepted before cannot become a "
                           "baseline", f"{native.case} {native.environment}",
                           ", ".join(lost), f"tox run -e {native.environment} -- --native")
