"""The evidence: which two records tell whether a version changed, and what is the machine's.

Outside half. Versions are best compared by what one machine recorded. So a run that agrees
with its own baseline takes the verdict of the stored baselines against *previous*; and what
differs from a baseline of another class of machine is weighed by a neighbouring version that
was measured on this machine, where there is one.
"""

from __future__ import annotations

from functools import cache

from harness.compare.checks import hosts
from harness.compare.checks.finding import Finding
from harness.compare.differ import Differ
from harness.environments import names
from harness.errors import HarnessError
from harness.records.record import Record
from harness.store import machines
from harness.store.reading import holdings
from harness.store.store import Store

STORED = "by the stored baselines, with the first of which the run agrees"
DIRECT = "by the run itself, since it differs from its own baseline"
BESIDE = "by the runs of both on this machine, since the baseline is another class's"


class Evidence:
    """Finds the records that tell, and what the checks say of them."""

    def __init__(self, store: Store, differ: Differ) -> None:
        self.store = store
        self.beside = Store(store.project.without_fault())
        """Where neighbours are: a version under the same fault would excuse it."""
        self.differ = differ
        self.baseline = cache(self._baseline)
        self.run = cache(self._run)

    def findings(self, name: str, record: Record, against: str,
                 baseline: Record) -> tuple[list[Finding], Record, Record, str]:
        """Return what is found of a variant, the two records that tell, and why it is these.

        Args:
            name: of a variant that both records have.
            record: what is observed.
            against: ``baseline``, ``previous``, ``reference`` or ``named``.

        Raises:
            HarnessError: there is nothing to learn an allowance from.
        """
        observed, why = record, ""
        if against == "previous":
            observed, baseline, why = self._of_upgrade(name, record, baseline)
        found = list(self.differ.findings(name, observed, baseline))
        if against == "baseline":
            found = self._weighed(name, record, baseline, found)
        return found, observed, baseline, why

    def agrees(self, name: str, record: Record, own: Record) -> bool:
        """Return whether a run agrees with its own baseline, without the help of a waiver."""
        if name not in own.variants or not _is_trained(record, name) or not _is_trained(own, name):
            return False
        if holdings.held(own.variants[name]) - holdings.held(record.variants[name]):
            return False  # the checks have nothing to say of what was not measured
        found = list(self.differ.findings(name, record, own))
        return not any(f.verdict.is_difference for f in self._weighed(name, record, own, found))

    def _of_upgrade(self, name: str, record: Record,
                    baseline: Record) -> tuple[Record, Record, str]:
        """Return the records that tell what an upgrade changes."""
        own = self.baseline(record.case, record.environment)
        if own is not None and record.accepted is None:
            if not self.agrees(name, record, self.store.baseline_for(record)):
                return record, baseline, DIRECT
            stored = self.baseline(record.case, baseline.environment)
            return own, stored or baseline, STORED
        neighbour = self.run(record.case, baseline.environment)
        if own is None and machines.other_class(record, baseline) and neighbour is not None \
                and name in neighbour.variants and not machines.other_class(record, neighbour):
            return record, neighbour, BESIDE
        return record, baseline, ""

    def _weighed(self, name: str, record: Record, own: Record,
                 found: list[Finding]) -> list[Finding]:
        """Return findings against the own baseline, what is the machine's excused."""
        if not any(f.verdict.is_difference for f in found) \
                or not machines.other_class(record, own):
            return found
        for version in self._neighbours(record):
            beside = self.run(record.case, version)
            stored = self.baseline(record.case, version)
            if beside is None or stored is None or machines.other_class(record, beside) \
                    or not all(_is_trained(one, name) for one in (beside, stored)) \
                    or _lacks(beside, record, name) or _lacks(stored, own, name):
                continue
            return hosts.shown_by_neighbour(
                found, self.differ.findings(name, record, beside),
                self.differ.findings(name, own, stored), version)
        return found

    def _neighbours(self, record: Record) -> list[str]:
        """Return the versions before this one that were measured here, the nearest first."""
        known, found = self.beside.measured(record.case), []
        version = names.previous(record.environment, known)
        while version is not None:
            found.append(version)
            version = names.previous(version, known)
        return found

    def _baseline(self, case: str, environment: str) -> Record | None:
        try:
            return self.store.baseline(case, environment)
        except HarnessError:
            return None

    def _run(self, case: str, environment: str) -> Record | None:
        try:
            return self.beside.run(case, environment)
        except HarnessError:
            return None


def _is_trained(record: Record, name: str) -> bool:
    """Return whether a record has a variant's trajectories."""
    return name in record.variants and bool(record.variants[name].trajectories)


def _lacks(record: Record, other: Record, name: str) -> bool:
    """Return whether a record lacks what another holds, so that it cannot show the same."""
    return bool(holdings.held(other.variants[name]) - holdings.held(record.variants[name]))
