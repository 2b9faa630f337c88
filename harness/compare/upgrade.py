"""The upgrade question: what changes from one version to another, from the stored records.

Outside half. The two versions are compared with each other; the way between them tells at which
version each change came, and why.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from harness.compare import timeline
from harness.compare.checks.finding import Comparison, Finding
from harness.compare.compare import Comparer, Question, Report
from harness.compare.differ import Differ
from harness.compare.timeline import Line, Timeline
from harness.environments.lineage import order
from harness.errors import UsageError
from harness.records.project import Project
from harness.store.store import Store


@dataclass(frozen=True)
class Upgrade:
    """An upgrade's answer.

    Args:
        report: the new version, observed, against the old one.
        way: the timeline from the old version to the new one; None where one of them has no
            baseline, so that no way leads there.
        differ: what compared them.
    """

    report: Report
    way: Timeline | None
    differ: Differ


def ask(project: Project, old: str, new: str, cases: Sequence[str] = (),
        variants: Sequence[str] = ()) -> Upgrade:
    """Return what an upgrade changes.

    Args:
        old, new: two environments of a lineage, the older one first.
        cases: names; empty for all.
        variants: shell patterns; empty for all.

    Raises:
        UsageError: an unknown name, the newer version first, or no way from one to the other.
        HarnessError: nothing was recorded of them.
    """
    require_upgrade(project, old, new)
    store = Store(project)
    question = Question((new,), old, tuple(cases), tuple(variants), is_upgrade=True)
    comparer = Comparer(store, question)
    report = comparer.compare()
    way = timeline.between(project, (old, new), cases, variants, comparer.differ)
    if way is not None:
        report.comparisons = explain(report.comparisons, way.lines)
    return Upgrade(report, way, comparer.differ)


def require_upgrade(project: Project, old: str, new: str) -> None:
    """Refuse two environments of which the first does not lead to the second.

    Raises:
        UsageError: it says why.
    """
    for name in (old, new):
        Store(project).require_known(name)
    if old == new or order(old, new) != (old, new):
        raise _refused(old, new)


def _refused(old: str, new: str) -> UsageError:
    if old == new:
        return UsageError(f"{old} is one version, an upgrade has two",
                          next_command="harness upgrade torch 2.3.1 2.14.1")
    if order(old, new):
        return UsageError(f"{new} is older than {old}: the old version comes first",
                          next_command=f"harness upgrade {new} {old}")
    return UsageError(f"no upgrade leads from {old} to {new}",
                      next_command=f"harness compare {new} --against {old}")


def explain(comparisons: Sequence[Comparison], lines: Sequence[Line]) -> list[Comparison]:
    """Return comparisons, covered by the waivers of all changes on the way together."""
    known = {(line.case, line.variant, line.precision): line for line in lines}
    return [dataclasses.replace(c, findings=tuple(
        _explained(f, known.get((c.case, c.variant, f.precision))) for f in c.findings))
        for c in comparisons]


def _explained(finding: Finding, line: Line | None) -> Finding:
    if not finding.verdict.is_difference or finding.waiver or line is None:
        return finding
    if not line.changes or not line.is_explained:
        return finding
    waivers = list(dict.fromkeys(f.waiver for change in line.changes for f in change.findings
                                 if f.waiver is not None))
    if (finding.deviation or 0.0) > sum(waiver.at_most for waiver in waivers):
        return finding
    return dataclasses.replace(finding, waiver=waivers[0])
