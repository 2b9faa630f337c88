"""Native runs compared: as distributions, all tests of a comparison corrected together.

Outside half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness.compare.checks.finding import Comparison, Finding, Key, Verdict
from harness.compare.checks.significance import (
    LEVEL,
    Decision,
    Test,
    compare_losses,
    compare_shares,
    decide,
)
from harness.errors import HarnessError, MissingRecordError
from harness.records.native_record import NativeRecord
from harness.records.record import NativeRun
from harness.store.store import Store
from harness.vocabulary.case import Case


@dataclass(frozen=True)
class Pending:
    """One test that waits for all others."""

    key: Key
    test: Test
    observed: list[NativeRun]
    baseline: list[NativeRun]
    of_shares: bool


@dataclass
class NativeComparer:
    """Collects the tests of one comparison run, and decides them at its end.

    Args:
        notes: takes in what could not be tested, and why.
    """

    store: Store
    notes: list[str]
    pending: list[Pending] = field(default_factory=list)
    loaded: dict[tuple[str, str, bool], NativeRecord | HarnessError | None] = \
        field(default_factory=dict)

    def add(self, case: Case, comparison: Comparison, is_run: bool) -> Comparison:
        """Take in a variant's comparison, if both sides have native runs of it.

        Args:
            is_run: whether the observed side is what was measured last, not what was accepted.

        Returns:
            The comparison, with a problem if the native runs have one and it had none.
        """
        if case.native is None or comparison.variant not in case.native.variants:
            return comparison
        try:
            observed = self._load(case.name, comparison.observed, is_run)
            baseline = self._load(case.name, comparison.baseline, False)
        except HarnessError as error:
            return replace(comparison, problem=comparison.problem or str(error))
        if observed is None or baseline is None:
            return comparison
        sides = [record.runs.get(comparison.variant) for record in (observed, baseline)]
        if sides[1] and not sides[0] and not comparison.problem:
            return replace(comparison, problem_verdict=Verdict.MISSING, problem=(
                f"the native runs of {comparison.observed} lack this variant, "
                f"which {comparison.side} has\n"
                f"  next:  tox run -e {comparison.observed} -- --native"))
        if sides[0] and sides[1]:
            mine, theirs = sides[0], sides[1]
            losses = compare_losses([r.final_loss for r in mine], [r.final_loss for r in theirs])
            shares = compare_shares([r.trained for r in mine], [r.trained for r in theirs])
            self.pending.append(Pending(comparison.key, losses, mine, theirs, False))
            self.pending.append(Pending(comparison.key, shares, mine, theirs, True))
        return comparison

    def decided(self, comparisons: Sequence[Comparison]) -> list[Comparison]:
        """Return comparisons, each with what all tests together say of it."""
        found: dict[Key, tuple[Finding, ...]] = defaultdict(tuple)
        decisions = decide([p.test for p in self.pending]) if self.pending else []
        for pending, decision in zip(self.pending, decisions, strict=True):
            if decision.needed is None:
                found[pending.key] += (_finding(pending, decision),)
            else:
                self._note(pending, decision.needed)
        return [replace(c, findings=(*c.findings, *found[c.key])) if c.key in found else c
                for c in comparisons]

    def _load(self, case: str, environment: str, is_run: bool) -> NativeRecord | None:
        """Return the last runs where there are some, otherwise the accepted ones, or None.

        Raises:
            HarnessError: they cannot be read.
        """
        key = case, environment, is_run
        if key not in self.loaded:
            try:
                self.loaded[key] = self.store.native(case, environment, is_run)
            except HarnessError as error:
                self.loaded[key] = None if isinstance(error, MissingRecordError) else error
        found = self.loaded[key]
        if isinstance(found, HarnessError):
            raise found
        return found

    def _note(self, pending: Pending, needed: int) -> None:
        case, variant, *_ = pending.key
        note = (f"{case} {variant}: "
                f"{len(pending.observed)} native runs against {len(pending.baseline)} cannot reach "
                f"the level {LEVEL:g} in {len(self.pending)} tests; {needed} of each can")
        if note not in self.notes:
            self.notes.append(note)


def _finding(pending: Pending, decision: Decision) -> Finding:
    words = _shares(pending) if pending.of_shares else _losses(pending)
    assert decision.corrected is not None
    sentence = f"native runs: {words}, p = {decision.corrected:.2g} after correction"
    if not decision.significant:
        return Finding("native_runs", Verdict.EQUIVALENT, sentence)
    verdict = Verdict.DRIFT if not pending.of_shares \
        else Verdict.IMPROVEMENT if pending.test.effect > 0 else Verdict.REGRESSION
    return Finding("native_runs", verdict, sentence, observed=pending.test.effect)


def _shares(pending: Pending) -> str:
    mine, theirs = (f"{sum(r.trained for r in side)} of {len(side)}"
                    for side in (pending.observed, pending.baseline))
    return f"{mine} trained, baseline {theirs}"


def _losses(pending: Pending) -> str:
    return (f"a final loss is larger than the baseline's in {100 * pending.test.effect:.0f} % "
            f"of pairs")
