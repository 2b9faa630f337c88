"""The timeline of saved programs: which accepted versions of a family behave the same.

Outside half. A program is a line of its family's timeline, beside the variants of cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from harness.compare import timeline as timelines
from harness.compare import waivers
from harness.compare.checks.finding import Comparison, Verdict
from harness.compare.timeline import Change, Group, Line, Timeline
from harness.environments.lineage import lineages
from harness.errors import HarnessError
from harness.programs.saved import comparing
from harness.programs.saved.comparing import VARIANT
from harness.programs.saved.kept import Kept, read
from harness.records.project import Project
from harness.store.store import Store


def load(project: Project, families: Sequence[str], cases: Sequence[str],
         variants: Sequence[str]) -> list[Timeline]:
    """Return the timelines of families, of cases and of saved programs.

    Raises:
        UsageError: an unknown family or case, or a selection without any variant.
        HarnessError: nothing was accepted yet, or nothing that is asked for can be read.
    """
    known = project.program_names()
    asked = [name for name in cases if name in known]
    others = [name for name in cases if name not in known]
    found = [] if asked and not others else \
        timelines.load(project, families, others, list(variants))
    if variants and VARIANT not in variants:
        return found
    programs = asked or ([] if others else known)
    accepted = {name: comparing.known(project, name, False) for name in programs}
    ways = lineages({version for versions in accepted.values() for version in versions})
    for family, versions in ways.items():
        if families and family not in families:
            continue
        timeline = next((one for one in found if one.family == family), None)
        if timeline is None:
            timeline = Timeline(Store(project), family, versions, [])
            found.append(timeline)
        timeline.lines += [_line(project, family, name, [
            version for version in versions if version in accepted[name]]) for name in programs]
    if not any(timeline.lines for timeline in found):
        raise HarnessError("there is nothing to show", " ".join(cases),
                           "a timeline has two accepted versions or more", "harness list")
    return found


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
            judgement = comparing.judge(kept(version), kept(baseline))
            comparison = replace(comparison, findings=tuple(comparing.findings(judgement)))
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
