"""The timeline: versions in groups that behave the same, and the changes between them.

Outside half; stored baselines alone. A version belongs to a group if it neither differs from the
version before it nor from the first of the group: many small steps do not pass for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness.compare import waivers
from harness.compare.checks import phase
from harness.compare.checks.finding import Comparison, Finding, Verdict
from harness.compare.differ import Differ
from harness.environments.lineage import ancestry, lineages
from harness.errors import HarnessError, MissingRecordError, unknown
from harness.records.environment import parse
from harness.records.project import Project, choose
from harness.records.record import Record
from harness.store.store import Store
from harness.words import is_asked

ROWS = ("float64", "float32", None)
"""A line for each precision, and one (None) for what a seed gives."""
LOOKBACK = 5  # earlier groups among which the one is looked for that a change goes back to


@dataclass
class Group:
    """Consecutive versions that behave the same.

    Args:
        verdict: identical if all are so to the first, else equivalent.
        like: first version of the earlier group that this one goes back to.
    """

    versions: list[str]
    verdict: Verdict = Verdict.IDENTICAL
    like: str | None = None


@dataclass
class Change:
    """Where one group ends and the next begins.

    Args:
        comparison: of the first version that differs with the last that does not.
        is_creeping: whether only the first of the group, not the last, differs.
    """

    precision: str | None
    comparison: Comparison
    is_creeping: bool

    @property
    def findings(self) -> list[Finding]:
        """What differs, in this precision."""
        return [f for f in self.comparison.findings
                if f.verdict.is_difference and f.precision == self.precision]

    @property
    def is_explained(self) -> bool:
        """Whether waivers cover all of it."""
        return all(f.waiver is not None for f in self.findings)


@dataclass
class Line:
    """One variant of a case, in one precision, through the versions of a family.

    Args:
        absent: why a version is on no group: not measured, unsupported, an error.
    """

    family: str
    case: str
    variant: str
    precision: str | None
    groups: list[Group] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def is_explained(self) -> bool:
        """Whether waivers cover all that changed."""
        return all(change.is_explained for change in self.changes)

    @property
    def is_readable(self) -> bool:
        """Whether no version's record is damaged, or of a training that raised an error."""
        return not any(reason.startswith("error") for reason in self.absent.values())


def load(project: Project, families: Sequence[str] = (), cases: Sequence[str] | None = None,
         variants: Sequence[str] | None = None, differ: Differ | None = None) -> list[Timeline]:
    """Return the timelines of families, or of all that have one, of the cases that load.

    Args:
        differ: one that has compared records of this project already.

    Raises:
        UsageError: an unknown family, or a selection without any variant.
        HarnessError: nothing was accepted yet, or no case loads.
    """
    store, names = Store(project), [case.name for case in choose(project, cases, variants)[0]]
    known = lineages({name for case in names for name in store.accepted(case)})
    for family in families:
        if family not in known:
            raise unknown("family with two versions or more", family, sorted(known))
    differ = differ or Differ(store)
    found = [Timeline(store, family, known[family], names, variants, differ)
             for family in families or known]
    if not any(timeline.lines for timeline in found):
        raise HarnessError("there is nothing to show", " ".join([*names, *(variants or ())]),
                           next_command="harness list")
    return found


def between(project: Project, ends: Sequence[str], cases: Sequence[str],
            variants: Sequence[str], differ: Differ | None = None) -> Timeline | None:
    """Return the timeline from one version to another, or None where no way leads.

    Args:
        ends: two environments, in any order.
        differ: one that has compared records of this project already.
    """
    store, names = Store(project), [case.name for case in choose(project, cases, variants)[0]]
    known = {name for case in names for name in store.accepted(case)}
    for family in {parse(end).family for end in ends}:
        way = ancestry(family, known)
        if all(end in way for end in ends):
            first, last = sorted(way.index(end) for end in ends)
            return Timeline(store, family, way[first:last + 1], names, variants, differ)
    return None


class Timeline:
    """Lines of every case and variant, through the versions of one family.

    Args:
        versions: in order.
        cases: names.
        variants: shell patterns; None for all.
    """

    def __init__(self, store: Store, family: str, versions: Sequence[str],
                 cases: Sequence[str], variants: Sequence[str] | None = None,
                 differ: Differ | None = None) -> None:
        self.store, self.family, self.versions = store, family, versions
        self.differ = differ or Differ(store)
        self.lines: list[Line] = []
        self._compared: dict[tuple[str, str, str, str], Comparison] = {}
        self._absences: dict[tuple[str, str, str], str] = {}
        for case in cases:
            records = self._records(case)
            names = dict.fromkeys(name for record in records for name in record.variants)
            for name in names:
                if not variants or is_asked(name, variants):
                    self._walk(case, name, records)
        self._explain()

    def _records(self, case: str) -> list[Record]:
        accepted = set(self.store.accepted(case))
        return [self.store.baseline(case, version) for version in self.versions
                if version in accepted]  # not kept: a large matrix would fill the memory

    def _walk(self, case: str, name: str, records: Sequence[Record]) -> None:
        """Add the variant's lines."""
        lines = [Line(self.family, case, name, precision) for precision in ROWS]
        present: dict[str, Record] = {}
        before: str | None = None
        for record in records:
            key = record.key(name) if name in record.variants else None
            reason = "" if key is not None and key == before else self._absence(record, name)
            for line in lines:
                if reason:
                    line.absent[record.environment] = reason
                elif key is not None and key == before:
                    line.groups[-1].versions.append(record.environment)
                else:
                    self._continue(line, name, record, present)
            if not reason:
                present[record.environment], before = record, key
        self.lines += [line for line in lines if _is_measured(line, list(present.values()))]

    def _continue(self, line: Line, name: str, record: Record,
                  present: dict[str, Record]) -> None:
        """Add a version to a line: to its last group, or as the first of a new one."""
        if not present:
            line.groups.append(Group([record.environment]))
            return
        group, before = line.groups[-1], next(reversed(present.values()))
        first = present[group.versions[0]]
        worst = {}
        for baseline in (before, first):
            comparison = self._compare(name, record, baseline)
            worst[baseline.environment] = _worst(comparison, line.precision)
            if worst[baseline.environment].is_difference:
                line.changes.append(Change(line.precision, comparison, baseline is not before))
                line.groups.append(Group([record.environment],
                                         like=self._like(line, name, record, present)))
                return
        group.versions.append(record.environment)
        group.verdict = max(group.verdict, worst[first.environment])

    def _like(self, line: Line, name: str, record: Record,
              present: dict[str, Record]) -> str | None:
        """Return the first version of an earlier group that a version behaves like."""
        for group in line.groups[-2:-2 - LOOKBACK:-1]:
            first = present[group.versions[0]]
            found = self.differ.findings(name, record, first)
            if not any(f.verdict.is_difference and f.precision == line.precision for f in found):
                return first.environment
        return None

    def _compare(self, name: str, observed: Record, baseline: Record) -> Comparison:
        key = observed.case, name, observed.environment, baseline.environment
        if key not in self._compared:
            comparison = Comparison(observed.case, name, observed.environment, "previous",
                                    baseline.environment)
            try:
                found = tuple(self.differ.findings(name, observed, baseline))
                comparison = replace(comparison, findings=found)
            except HarnessError as error:
                comparison = replace(comparison, problem=str(error))
            self._compared[key] = comparison
        return self._compared[key]

    def _absence(self, record: Record, name: str) -> str:
        """Return why a record says nothing of a variant; empty if it does."""
        if name not in record.variants:
            return "not measured"
        key = record.case, name, record.key(name) or record.environment
        if key not in self._absences:
            variant = record.variants[name]
            self._absences[key] = f"error: {variant.error.splitlines()[0]}" if variant.error else \
                f"unsupported: {variant.unsupported}" if variant.unsupported else ""
        return self._absences[key]

    def _explain(self) -> None:
        """Find the waiver and the phase of every change, from all variants of its two versions."""
        listed = waivers.known(self.store.project)
        versions = dict.fromkeys((change.comparison.observed, change.comparison.baseline)
                                 for line in self.lines for change in line.changes)
        variants = dict.fromkeys((line.case, line.variant) for line in self.lines)
        compared, pairs = [], {}
        for observed, baseline in versions:
            for case, name in variants:
                sides = [self._side(case, name, version) for version in (observed, baseline)]
                if sides[0] is not None and sides[1] is not None:
                    comparison = self._compare(name, sides[0], sides[1])
                    if not comparison.problem:
                        compared.append(waivers.cover(comparison, listed))
                        pairs[comparison.key] = self.differ.pair(name, sides[0], sides[1])
        known = {comparison.key: comparison for comparison in phase.named(compared, pairs)}
        for line in self.lines:
            line.changes = [replace(c, comparison=known[c.comparison.key]) for c in line.changes]

    def _side(self, case: str, name: str, version: str) -> Record | None:
        """Return a version's record, if it trained the variant."""
        try:
            record = self.differ.baseline(case, version)
        except MissingRecordError:
            return None
        return None if self._absence(record, name) else record


def _is_measured(line: Line, present: Sequence[Record]) -> bool:
    """Return whether any version measured what the line is of."""
    if not present:
        return bool(line.absent) and line.precision == ROWS[0]
    distinct = {record.key(line.variant) or id(record): record for record in present}
    variants = [record.variants[line.variant] for record in distinct.values()]
    if line.precision is None:
        return any(variant.fingerprint is not None or variant.drops for variant in variants)
    return any(line.precision in variant.trajectories for variant in variants)


def _worst(comparison: Comparison, precision: str | None) -> Verdict:
    if comparison.problem:
        return comparison.problem_verdict
    return max((f.verdict for f in comparison.findings if f.precision == precision),
               default=Verdict.IDENTICAL)
