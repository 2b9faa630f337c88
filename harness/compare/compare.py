"""Comparing: which records face each other, and what the checks say of them.

Outside half. A difference is a value; what keeps two records from being compared
is a comparison with a problem, so that everything else is still compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from harness.compare import waivers
from harness.compare.checks import phase
from harness.compare.checks.finding import Comparison, Key, Verdict
from harness.compare.checks.pair import Pair
from harness.compare.checks.samples import NativeComparer
from harness.compare.differ import Differ
from harness.compare.evidence import Evidence
from harness.compare.gaps import Gaps
from harness.compare.question import ALL_KINDS, KINDS, Question, Report
from harness.compare.remarks import Remarks
from harness.environments import names
from harness.errors import HarnessError, MissingRecordError
from harness.records.environment import REFERENCE
from harness.records.project import Project, choose
from harness.records.record import Record, VariantRecord
from harness.store import machines
from harness.store.store import Store
from harness.words import is_asked

__all__ = ["ALL_KINDS", "KINDS", "REFERENCE", "Comparer", "Question", "Report", "compare"]


def compare(project: Project, question: Question) -> Report:
    """Compare what the question names.

    Raises:
        UsageError: an unknown name, or a selection that is empty.
        HarnessError: nothing has been measured.
    """
    return Comparer(Store(project), question).compare()


class Comparer:
    """One comparison run: loads records once, and collects the report."""

    def __init__(self, store: Store, question: Question) -> None:
        self.store = store
        self.question = question
        sound, self.broken = choose(store.project, question.cases, question.variants)
        self.cases = {case.name: case for case in sound}
        self.report = Report(versions=question.versions)
        self.pairs: dict[Key, Pair] = {}
        self.alone: dict[tuple[str, str], list[str]] = {}
        self.remarks = Remarks(self.report)
        self.native = NativeComparer(store, self.report.notes)
        self.differ = Differ(store)
        self.evidence = Evidence(store, self.differ)
        self.gaps = Gaps(store.pinned)
        for name in (*question.environments, question.against or REFERENCE):
            if name not in KINDS:
                store.require_known(name)

    def compare(self) -> Report:
        """Return the report."""
        for case in (*self.cases, *self.broken):
            for environment in self._observed(case):
                self._compare_environment(case, environment)
        self._tell_broken()
        if not self.report.comparisons:
            raise HarnessError("nothing was compared: nothing has been measured",
                               str(self.store.project.runs),
                               " ".join([*self.report.notes, *map(str, self.broken.values())]),
                               "tox run -m quick")
        for (environment, neighbours), cases in self.alone.items():
            self.remarks.note(f"{environment} has no baseline on {', '.join(cases)}: it is "
                              f"compared with its neighbours, {neighbours}")
        decided = self.native.decided(self.report.comparisons)
        for note, is_usual in self.gaps.notes():
            self.remarks.note(note, is_usual)
        covered = self._covered(decided)  # what is known does not tell the phase of what is not
        self.report.comparisons = sorted(phase.named(covered, self.pairs), key=lambda c: (
            c.case, names.sort_key(c.observed), c.variant, c.against))
        return self.report

    def _tell_broken(self) -> None:
        """Say of every case that does not load why it is compared nowhere."""
        compared = {c.observed for c in self.report.comparisons}
        for case, error in self.broken.items():
            if not any(c.case == case for c in self.report.comparisons):
                for name in sorted(compared, key=names.sort_key):
                    self._problem(case, "*", name, "baseline", name, error)

    def _observed(self, case: str) -> list[str]:
        """Return the environments to look at: as asked, or measured last and imported."""
        measured, accepted = self._measured(case), self.store.accepted(case)
        if self.question.environments:
            wanted = [name for name in self.question.environments
                      if not names.is_build(name) or name in measured]
            # another program need not hand in every case, unless it is asked for
            return [name for name in wanted
                    if self.question.cases or name in (*self.store.pinned, *measured, *accepted)]
        if not measured:
            return []
        for name in self._measured_at_all:
            if name not in measured:
                self.report.notes.append(f"{name} was not measured on {case}")
        imported = [name for name in accepted
                    if name not in self.store.pinned and name not in measured]
        return sorted([*measured, *imported], key=names.sort_key)

    @cached_property
    def _measured_at_all(self) -> list[str]:
        """Environments of the matrix that were measured on any case."""
        found = {name for case in self.cases for name in self._measured(case)}
        return [name for name in self.store.pinned if name in found]

    def _compare_environment(self, case: str, environment: str) -> None:
        try:
            if case in self.broken:
                raise self.broken[case]
            record, stored = self._load_observed(case, environment)
        except HarnessError as error:
            self._problem(case, "*", environment, "baseline", environment, error)
            return
        self.report.observed[case, environment] = record
        for against, baseline in self._sides(case, environment, stored):
            try:
                self._compare_records(record, against, self._baseline(case, baseline, record))
            except HarnessError as error:
                self._problem(case, "*", environment, against, baseline, error)

    def _load_observed(self, case: str, environment: str) -> tuple[Record, bool]:
        """Return the last run, or the baseline where nothing was run; and which it is."""
        if environment in self.store.measured_in_part(case):
            part, note = self.store.part(case, environment, self.question.variants)
            self.remarks.note(note)
            if part is not None:
                return part, False
        is_stored = self.question.is_upgrade and environment in self.store.accepted(case)
        if environment in self.store.measured(case) and not is_stored:
            record = self.store.run(case, environment)
            if asked := record.provenance.get("selection"):
                self.remarks.note(f"{environment} on {case} was asked for {' '.join(asked)} only")
            return record, False
        return self._baseline(case, environment), True

    def _baseline(self, case: str, environment: str, record: Record | None = None) -> Record:
        """Return a baseline; of the own environment that of the record's class of machine."""
        if (case, environment) not in self.report.baselines:
            is_own = record is not None and record.environment == environment
            is_run = self.question.versions is not None \
                and environment not in self.store.accepted(case) \
                and environment in self.store.measured(case)
            self.report.baselines[case, environment] = self.store.baseline_for(record) \
                if record is not None and is_own else (
                    self.store.run if is_run else self.store.baseline)(case, environment)
        return self.report.baselines[case, environment]

    def _sides(self, case: str, environment: str, stored: bool) -> list[tuple[str, str]]:
        """Return (kind, environment) of every baseline to compare with."""
        asked = self.question.against
        if asked is not None and asked not in KINDS:
            return [("previous" if self.question.is_upgrade else "named", asked)]
        accepted = self.store.accepted(case)
        before, after = names.previous(environment, accepted), None
        own = None if stored or names.is_build(environment) else environment
        if own is not None and own not in accepted and names.release(own) is not None:
            after = names.following(environment, accepted)
            neighbours = [name for name in (before, after) if name is not None]
            if neighbours:
                own = None
                self.alone.setdefault((environment, " and ".join(neighbours)), []).append(case)
        sides = {"baseline": own, "previous": before, "next": after,
                 REFERENCE: None if environment == REFERENCE else REFERENCE}
        if asked is not None:
            name = sides[asked]
            if name is None and len(self.question.environments) != 1:
                self.remarks.note(f"{environment} has no {asked} to compare with")
                return []
            if name is None:
                raise MissingRecordError(f"{environment} has no {asked} to compare with",
                                         f"case {case}")
            return [(asked, name)]
        return [(kind, name) for kind, name in sides.items() if name is not None]

    def _compare_records(self, record: Record, against: str, baseline: Record) -> None:
        machines.require_comparable(record, baseline)
        imported = baseline.environment not in self.store.pinned \
            or record.environment not in self.store.pinned
        for name in dict.fromkeys([*record.variants, *baseline.variants]):
            if not self._selected(name):
                continue
            if name not in record.variants or name not in baseline.variants:
                # another program need not express every variant; the same one must
                if not imported or against == "baseline":
                    self._missing(record, against, baseline, name, name not in record.variants)
                continue
            comparison = self._compare_variant(record, against, baseline, name)
            self.report.comparisons += [] if comparison is None else [comparison]

    def _selected(self, variant: str) -> bool:
        return is_asked(variant, self.question.variants or ("*",))

    def _measured(self, case: str) -> list[str]:
        """Return the environments that were run, in part where variants are asked for."""
        parts = self.store.measured_in_part(case) if self.question.variants else []
        return sorted({*self.store.measured(case), *parts}, key=names.sort_key)

    def _compare_variant(self, record: Record, against: str, baseline: Record,
                         name: str) -> Comparison | None:
        """Return the comparison of a variant; None where there is nothing to compare, as usual."""
        comparison = Comparison(record.case, name, record.environment, against,
                                baseline.environment)
        observed, other = (side.variants[name] for side in (record, baseline))
        if observed.error or other.error:
            return replace(comparison, problem=observed.error or f"baseline: {other.error}")
        if observed.unsupported or other.unsupported:
            return self._unsupported(comparison, observed, other)
        if not set(observed.trajectories) & set(other.trajectories):
            return replace(comparison, problem="no precision in common")
        try:
            return self._judge(comparison, record, baseline)
        except HarnessError as error:
            return replace(comparison, problem=str(error))

    def _judge(self, comparison: Comparison, record: Record, baseline: Record) -> Comparison:
        """Return a comparison with what the checks find; its native runs wait for all others."""
        name, against = comparison.variant, comparison.against
        looked = self.gaps.look(comparison, self.differ.pair(name, record, baseline))
        findings, *sides, evidence = self.evidence.findings(name, record, against, baseline)
        pair = self.differ.pair(name, *sides)
        self.gaps.note(comparison, pair)
        judged = self.native.add(
            self.cases[record.case], replace(looked, findings=tuple(findings), evidence=evidence),
            record.accepted is None or (against != "named" and not self.question.is_upgrade))
        self.pairs[comparison.key] = pair
        self.remarks.say_chaos(judged, pair)
        self.remarks.say_host(judged)
        return judged

    def _unsupported(self, comparison: Comparison, observed: VariantRecord,
                     other: VariantRecord) -> Comparison | None:
        """Return the problem that a variant is no longer supported; only note that it never was."""
        problem = f"unsupported: {observed.unsupported or other.unsupported}"
        # what a framework learns to express is no loss; what it forgets is one
        if comparison.against == REFERENCE or other.unsupported:
            name = comparison.observed if observed.unsupported else comparison.baseline
            self.remarks.note(f"{comparison.case} {comparison.variant}: {name} {problem}", True)
            return None
        return replace(comparison, problem=problem, problem_verdict=Verdict.MISSING)

    def _covered(self, comparisons: Sequence[Comparison]) -> list[Comparison]:
        """Return comparisons, what is known of them covered by its waivers."""
        listed = waivers.known(self.store.project)
        for note, is_usual in waivers.careless(listed):
            self.remarks.note(note, is_usual)
        covered = [waivers.cover(comparison, listed) for comparison in comparisons]
        if self.question.is_whole:
            self.report.unused = waivers.unused(listed, covered, self.store.known())
        return covered

    def _missing(self, record: Record, against: str, baseline: Record, name: str,
                 in_observed: bool) -> None:
        environment = record.environment if in_observed else baseline.environment
        problem = f"the run of {environment} has no such variant" if in_observed else (
            f"the baseline of {environment} has no such variant\n"
            f"  next:  harness accept {environment} {record.case} --reason TEXT")
        self.report.comparisons.append(Comparison(
            record.case, name, record.environment, against, baseline.environment,
            problem=problem, problem_verdict=Verdict.MISSING))

    def _problem(self, case: str, variant: str, observed: str, against: str, baseline: str,
                 error: HarnessError) -> None:
        missing = isinstance(error, MissingRecordError)
        self.report.comparisons.append(Comparison(
            case, variant, observed, against, baseline, problem=str(error),
            problem_verdict=Verdict.MISSING if missing else Verdict.ERROR))
