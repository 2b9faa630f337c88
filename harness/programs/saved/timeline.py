"""The timeline of saved programs: which accepted versions of a family behave the same.

Outside half. A program is a line of its family's timeline, beside the variants of cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from harness.compare import timeline as timelines
from harness.compare import waivers
from harness.compare.checks.finding import Comparison, Verdict
from harness.compare.differ import Differ
from harness.compare.timeline import Change, Group, Line, Timeline
from harness.environments.lineage import lineages
from harness.errors import HarnessError
from harness.programs.saved.comparing import VARIANT, Chosen
from harness.programs.saved.judged import findings, judge
from harness.programs.saved.kept import Kept, read
from harness.records.project import Project
from harness.store import programs as stored
from harness.store.store import Store


def load(project: Project, families: Sequence[str] = (), cases: Sequence[str] = (),
         variants: Sequence[str] = (), differ: Differ | None = None) -> list[Timeline]:
    """Return the timelines of families, of cases and of saved programs.

    Args:
        differ: one that has compared records of this project already.

    Raises:
        UsageError: an unknown family or case, or a selection without any variant.
        HarnessError: nothing was accepted yet, or nothing that is asked for can be read.
    """
    chosen = Chosen.of(project, cases, variants)
    accepted = {name: stored.accepted(project, name) for name in chosen.programs}
    ways = lineages({version for versions in accepted.values() for version in versions})
    found = _of_cases(project, families, chosen, variants, differ, ways) \
        if chosen.has_cases else []
    for family in ways:
        if families and family not in families:
            continue
        timeline = next((one for one in found if one.family == family), None)
        if timeline is None:
            timeline = Timeline(Store(project), family, ways[family], [], differ=differ)
            found.append(timeline)
        extend(timeline, lineages({*timeline.versions, *ways[family]})[family], accepted)
    if not any(timeline.lines for timeline in found):
        raise HarnessError("there is nothing to show", " ".join(cases),
                           "a timeline has two accepted versions or more", "harness list")
    return found


def load_if_any(project: Project, notes: list[str], differ: Differ | None = None
                ) -> list[Timeline]:
    """Return the timelines of everything accepted; what keeps them away becomes a note.

    Args:
        differ: one that has compared records of this project already.
    """
    try:
        return load(project, differ=differ)
    except HarnessError as error:  # a project that has accepted nothing has a report, too
        notes.append(f"no timeline: {error}")
        return []


def extend(timeline: Timeline, versions: Sequence[str],
           accepted: Mapping[str, Sequence[str]]) -> None:
    """Add lines of programs to a timeline.

    Args:
        versions: of the timeline from then on, in order.
        accepted: the versions that have a baseline, by program.
    """
    timeline.versions = versions
    for name, known in accepted.items():
        line = _line(timeline.store.project, timeline.family, name,
                     [version for version in versions if version in known])
        timeline.lines += [line] if line.groups or line.absent else []


def _of_cases(project: Project, families: Sequence[str], chosen: Chosen, variants: Sequence[str],
              differ: Differ | None, ways: Mapping[str, Sequence[str]]) -> list[Timeline]:
    """Return the timelines of cases; none where only programs have what is asked for."""
    known = lineages({version for case in project.case_names()
                      for version in Store(project).accepted(case)})
    wanted = [family for family in families if family in known or family not in ways]
    if (families and not wanted) or (not known and ways):
        return []
    return timelines.load(project, wanted, chosen.cases, list(variants), differ)


def _line(project: Project, family: str, name: str, versions: Sequence[str]) -> Line:
    """Return a program's line through the accepted versions of a family."""
    line = Line(family, name, VARIANT, None)
    listed = waivers.known(project)

    @cache
    def kept(version: str) -> Kept:
        return read(project.program_baseline_path(name, version))

    before: str | None = None
    for version in versions:
        try:
            kept(version).trace()
        except HarnessError as error:
            line.absent[version] = f"error: {error.what}"
            continue
        if before is None:
            line.groups.append(Group([version]))
        else:
            _continue(line, kept, version, before)
        before = version
    line.changes = [replace(change, comparison=waivers.cover(change.comparison, listed))
                    for change in line.changes]
    return line


def _continue(line: Line, kept: Callable[[str], Kept], version: str, before: str) -> None:
    """Add a version to the last group, or as the first of a new one."""
    group = line.groups[-1]
    verdict = Verdict.IDENTICAL
    for baseline in dict.fromkeys([before, group.versions[0]]):
        comparison = Comparison(line.case, VARIANT, version, "previous", baseline)
        try:
            found = findings(judge(kept(version), kept(baseline)))
            comparison = replace(comparison, findings=tuple(found))
        except HarnessError as error:
            line.absent[version] = f"error: {error.what}"
            return
        verdict = comparison.verdict
        if verdict.is_difference:
            line.changes.append(Change(None, comparison, baseline != before))
            line.groups.append(Group([version]))
            return
    group.versions.append(version)
    group.verdict = max(group.verdict, verdict)
