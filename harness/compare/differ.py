"""The differ: what the checks say of one variant of two records, asked once.

Outside half. Versions that agree to the bit share their content; two records with the same
keys are the same records, whatever they are called, and are never checked twice.
"""

from __future__ import annotations

from functools import cache

from harness.compare import gaps
from harness.compare.checks.finding import Finding, Verdict
from harness.compare.checks.pair import Memory, Pair, envelopes
from harness.compare.checks.trajectories import CHECKS
from harness.errors import MissingRecordError
from harness.records.environment import REFERENCE
from harness.records.record import Record, VariantRecord
from harness.store import machines
from harness.store.store import Store
from harness.vocabulary.case import Variant

SAME = (Finding("record", Verdict.IDENTICAL, "the records are the same to the bit"),)
"""What there is to say of two records with the same key."""


class Differ:
    """Checks pairs of records of one project, and remembers by content what came out."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._found: dict[tuple[str, ...], tuple[Finding, ...]] = {}
        self._memories: dict[tuple[str, str, str], Memory] = {}
        self.case = cache(store.project.case)
        self.baseline = cache(store.baseline)
        self.variant = cache(self._variant)
        self.reference = cache(self._reference)

    def findings(self, name: str, observed: Record, baseline: Record) -> tuple[Finding, ...]:
        """Return what every check finds in a variant that both records have.

        Raises:
            HarnessError: there is nothing to learn an allowance from, or the probes are of
                other tensors.
        """
        keys = [observed.key(name), baseline.key(name)]
        if keys[0] is not None and keys[0] == keys[1]:
            return SAME
        known = (observed.case, name, *map(str, keys), machines.other_class(observed, baseline))
        if None in keys or known not in self._found:
            pair = self.pair(name, observed, baseline)
            gaps.require_same_tensors(pair)
            found = tuple(finding for check in CHECKS for finding in check(pair))
            if None in keys:
                return found
            self._found[known] = found
        return self._found[known]

    def pair(self, name: str, observed: Record, baseline: Record) -> Pair:
        """Return both sides of a variant, decoded, with the envelopes of the reference."""
        case, reference = observed.case, self.reference(observed.case, name)
        return Pair(self.case(case), self.variant(case, name),
                    observed.variants[name], baseline.variants[name],
                    envelopes(reference) if reference else {}, reference,
                    machines.other_class(observed, baseline),
                    (self._memory(case, name, observed.key(name)),
                     self._memory(case, name, baseline.key(name)),
                     self._memory(case, name, "envelopes")))

    def _memory(self, case: str, name: str, key: str | None) -> Memory:
        """Return the memory of a stored content; a new one of what has no key."""
        return {} if key is None else self._memories.setdefault((case, name, key), {})

    def _variant(self, case: str, name: str) -> Variant:
        """Return a variant as its case declares it."""
        return next(v for v in self.case(case).variants if v.name == name)

    def _reference(self, case: str, variant: str) -> VariantRecord | None:
        """Return the reference's accepted record of a variant, or None where there is none."""
        try:
            return self.baseline(case, REFERENCE).variants.get(variant)
        except MissingRecordError:
            return None
