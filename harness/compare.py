"""Comparing: which records face each other, and what the checks say of them.

Outside half. A difference is a value; what keeps two records from being compared
is a comparison with a problem, so that everything else is still compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

from harness import environments, phase, waivers
from harness.differ import Differ
from harness.errors import DIFFERENCE, FAILURE, MATCH, HarnessError, MissingRecordError
from harness.finding import Comparison, Verdict, Waiver
from harness.holdings import Gaps
from harness.native_compare import NativeComparer
from harness.pair import Pair
from harness.project import Project
from harness.record import Record, VariantRecord
from harness.store import Store

REFERENCE = "reference"
KINDS = ("baseline", "previous", REFERENCE)
"""The three comparisons: has anything under the pin moved, what does the upgrade
change, is it right at all."""
ALL_KINDS = (*KINDS, "named")
"""Those, and the comparison with an environment that was asked for by name."""
FEW = 3
"""Of so many environments that are asked for by name it is said when they were recorded."""


@dataclass
class Report:
    """Everything that was compared, and what was not.

    Args:
        observed: by (case, environment), the record that was looked at.
        baselines: by (case, environment), the records it was compared with.
        notes: what was not measured or compared, and why.
        unused: waivers that matched nothing; only known after a full comparison.
    """

    comparisons: list[Comparison] = field(default_factory=list)
    observed: dict[tuple[str, str], Record] = field(default_factory=dict)
    baselines: dict[tuple[str, str], Record] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unused: list[Waiver] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 match, 1 a difference that is not waived, 3 something could not be compared."""
        if not any(not c.problem for c in self.comparisons):
            return FAILURE
        if any(c.problem for c in self.comparisons):
            return FAILURE
        return DIFFERENCE if any(c.open_findings for c in self.comparisons) else MATCH


@dataclass(frozen=True)
class Question:
    """What to compare.

    Args:
        environments: observed; empty for everything measured last and imported.
        against: ``baseline``, ``previous``, ``reference``, an environment, or all three.
        cases: names; empty for all.
        variants: shell patterns; empty for all.
    """

    environments: tuple[str, ...] = ()
    against: str | None = None
    cases: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether it leaves out no case, no variant and no side."""
        return not (self.against or self.cases or self.variants)


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
        self.cases = {case.name: case for case in store.project.cases(list(question.cases))}
        self.report = Report()
        self.compared: list[tuple[Comparison, Pair]] = []
        self.asked_for_chaos: set[tuple[str, str, str]] = set()
        self.native = NativeComparer(store, self.report.notes)
        self.differ = Differ(store)
        self.gaps = Gaps(store.pinned)
        for name in (*question.environments, question.against or REFERENCE):
            if name not in KINDS:
                store.require_known(name)

    def compare(self) -> Report:
        """Return the report."""
        for case in self.cases:
            for environment in self._observed(case):
                self._compare_environment(case, environment)
        if not self.report.comparisons:
            raise HarnessError("nothing was compared: nothing has been measured",
                               str(self.store.project.runs), " ".join(self.report.notes),
                               "tox run -m quick")
        self.native.finish()
        self.report.notes += self.gaps.notes()
        phase.name(self.compared)
        self._waive()
        self.report.comparisons.sort(key=lambda c: (
            c.case, environments.sort_key(c.observed), c.variant, c.against))
        return self.report

    def _observed(self, case: str) -> list[str]:
        """Return the environments to look at: as asked, or measured last and imported."""
        measured, accepted = self.store.measured(case), self.store.accepted(case)
        if self.question.environments:
            wanted = [name for name in self.question.environments
                      if not environments.is_build(name) or name in measured]
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
        return sorted([*measured, *imported], key=environments.sort_key)

    @cached_property
    def _measured_at_all(self) -> list[str]:
        """Environments of the matrix that were measured on any case."""
        found = {name for case in self.cases for name in self.store.measured(case)}
        return [name for name in self.store.pinned if name in found]

    def _compare_environment(self, case: str, environment: str) -> None:
        try:
            record, stored = self._load_observed(case, environment)
        except HarnessError as error:
            self._problem(case, "*", environment, "baseline", environment, error)
            return
        self.report.observed[case, environment] = record
        if asked := record.provenance.get("selection"):
            self._note(f"{environment} on {case} was asked for {' '.join(asked)} only")
        if 0 < len(self.question.environments) <= FEW:
            kind = "its baseline, recorded" if stored else "its last run, of"
            self.report.notes.append(f"{environment} on {case} is {kind} "
                                     f"{record.provenance.get('recorded', 'at an unknown time')}")
        for against, baseline in self._sides(case, environment, stored):
            try:
                self._compare_records(record, against, self._baseline(case, baseline))
            except HarnessError as error:
                self._problem(case, "*", environment, against, baseline, error)

    def _load_observed(self, case: str, environment: str) -> tuple[Record, bool]:
        """Return the last run, or the baseline where nothing was run; and which it is."""
        if environment in self.store.measured(case):
            return self.store.run(case, environment), False
        return self._baseline(case, environment), True

    def _baseline(self, case: str, environment: str) -> Record:
        if (case, environment) not in self.report.baselines:
            self.report.baselines[case, environment] = self.store.baseline(case, environment)
        return self.report.baselines[case, environment]

    def _sides(self, case: str, environment: str, stored: bool) -> list[tuple[str, str]]:
        """Return (kind, environment) of every baseline to compare with."""
        asked = self.question.against
        if asked is not None and asked not in KINDS:
            return [("named", asked)]
        before = environments.previous(environment, self.store.accepted(case))
        own = None if stored or environments.is_build(environment) else environment
        sides = {"baseline": own, "previous": before,
                 REFERENCE: None if environment == REFERENCE else REFERENCE}
        if asked is not None:
            name = sides[asked]
            if name is None and len(self.question.environments) > 1:
                self._note(f"{environment} has no {asked} to compare with")
                return []
            if name is None:
                raise MissingRecordError(f"{environment} has no {asked} to compare with",
                                         f"case {case}")
            return [(asked, name)]
        return [(kind, name) for kind, name in sides.items() if name is not None]

    def _compare_records(self, record: Record, against: str, baseline: Record) -> None:
        names = dict.fromkeys([*record.variants, *baseline.variants])
        imported = baseline.environment not in self.store.pinned \
            or record.environment not in self.store.pinned
        for name in names:
            if not self._selected(name):
                continue
            if name not in record.variants or name not in baseline.variants:
                # another program need not express every variant; the same one must
                if not imported or against == "baseline":
                    self._missing(record, against, baseline, name, name not in record.variants)
                continue
            self._compare_variant(record, against, baseline, name)

    def _selected(self, variant: str) -> bool:
        asked = self.question.variants
        return not asked or any(fnmatchcase(variant, pattern) for pattern in asked)

    def _compare_variant(self, record: Record, against: str, baseline: Record,
                         name: str) -> None:
        comparison = Comparison(record.case, name, record.environment, against,
                                baseline.environment)
        self.report.comparisons.append(comparison)
        try:
            if self._is_comparable(comparison, record, baseline):
                pair = self.differ.pair(name, record, baseline)
                self.gaps.look(comparison, pair)
                comparison.findings = list(self.differ.findings(name, record, baseline))
                self.native.add(self.cases[record.case], comparison)
                self.compared.append((comparison, pair))
                self._say_chaos(*self.compared[-1])
        except HarnessError as error:
            comparison.problem = str(error)

    def _is_comparable(self, comparison: Comparison, record: Record, baseline: Record) -> bool:
        """Return whether both sides trained; if not, say which did not, and why."""
        observed, other = (side.variants[comparison.variant] for side in (record, baseline))
        if observed.error or other.error:
            comparison.problem = observed.error or f"baseline: {other.error}"
        elif observed.unsupported or other.unsupported:
            self._unsupported(comparison, observed, other)
        elif not set(observed.trajectories) & set(other.trajectories):
            comparison.problem = "no precision in common"
        else:
            return True
        return False

    def _say_chaos(self, comparison: Comparison, pair: Pair) -> None:
        """Say once where a trajectory tells nothing, instead of allowing anything."""
        for precision, others in (("float32", "float64 and probes"), ("float64", "probes")):
            key = comparison.case, comparison.variant, precision
            if key in self.asked_for_chaos or not pair.trajectories(precision):
                continue
            self.asked_for_chaos.add(key)
            step = pair.chaotic_from(precision)
            if step is not None:
                self._note(f"{comparison.case} {comparison.variant}: {precision} trajectory is "
                           f"chaotic from step {step} on; {others} decide")

    def _note(self, note: str) -> None:
        """Say something once."""
        if note not in self.report.notes:
            self.report.notes.append(note)

    def _unsupported(self, comparison: Comparison, observed: VariantRecord,
                     other: VariantRecord) -> None:
        """Say that a variant is unsupported; a problem if it was supported before."""
        comparison.problem = f"unsupported: {observed.unsupported or other.unsupported}"
        comparison.problem_verdict = Verdict.MISSING
        # what a framework learns to express is no loss; what it forgets is one
        expected = comparison.against == REFERENCE or other.unsupported
        if expected:
            self.report.comparisons.pop()  # it is the last one
            name = comparison.observed if observed.unsupported else comparison.baseline
            self._note(f"{comparison.case} {comparison.variant}: {name} {comparison.problem}")

    def _waive(self) -> None:
        listed = waivers.load(self.store.project.root / "results" / "waivers.toml")
        for comparison in self.report.comparisons:
            waivers.cover(comparison, listed)
        if self.question.is_whole:
            self.report.unused = waivers.unused(listed, self.report.comparisons,
                                                self.store.known())

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
