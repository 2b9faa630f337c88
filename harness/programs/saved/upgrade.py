"""The upgrade question, of cases and of saved programs.

Outside half.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from harness.compare import upgrade
from harness.compare.differ import Differ
from harness.compare.question import Question, Report
from harness.compare.timeline import Timeline
from harness.compare.upgrade import Upgrade
from harness.environments.lineage import ancestry
from harness.errors import HarnessError, UsageError
from harness.programs.saved import comparing, timeline
from harness.programs.saved.comparing import Chosen
from harness.records.environment import parse
from harness.records.project import Project
from harness.store import programs as stored
from harness.store.store import Store


def ask(project: Project, old: str, new: str, cases: Sequence[str] = (),
        variants: Sequence[str] = ()) -> Upgrade:
    """Return what an upgrade changes.

    Args:
        old, new: two environments of a lineage, the older one first.
        cases: names of cases and programs; empty for all.
        variants: shell patterns; empty for all.

    Raises:
        UsageError: an unknown name, the newer version first, or no way from one to the other.
        HarnessError: nothing was recorded of them.
    """
    chosen = Chosen.of(project, cases, variants)
    accepted = {name: stored.accepted(project, name) for name in chosen.programs}
    found = _of_cases(project, (old, new), chosen, variants)
    question = Question((new,), old, tuple(cases), tuple(variants), is_upgrade=True)
    comparing.extend(found.report, project, question, chosen.programs)
    if not found.report.comparisons:
        raise HarnessError("nothing was compared: a version has no runs of these programs",
                           f"{old}, {new}", ", ".join(chosen.programs), f"tox run -e {old},{new}")
    held = {version for versions in accepted.values() for version in versions}
    versions = _between((old, new), held | set(found.way.versions if found.way else ()))
    if not versions:
        return found
    way = found.way or Timeline(Store(project), parse(new).family, versions, [])
    timeline.extend(way, versions, accepted)
    found.report.comparisons = upgrade.explain(found.report.comparisons, way.lines)
    return dataclasses.replace(found, way=way)


def _of_cases(project: Project, ends: tuple[str, str], chosen: Chosen, variants: Sequence[str]
              ) -> Upgrade:
    """Return what the upgrade changes in cases; nothing where none was recorded of it."""
    none = Upgrade(Report(versions=ends), None, Differ(Store(project)))
    upgrade.require_upgrade(project, *ends)
    if not chosen.has_cases:
        return none
    try:
        return upgrade.ask(project, *ends, chosen.cases, variants)
    except UsageError:
        raise
    except HarnessError:
        if not chosen.programs:
            raise
        return none


def _between(ends: tuple[str, str], known: set[str]) -> list[str]:
    """Return the known versions from one to the other, in order; none where no way leads."""
    versions = ancestry(parse(ends[1]).family, known)
    if not all(end in versions for end in ends):
        return []
    return versions[versions.index(ends[0]):versions.index(ends[1]) + 1]
