"""What there is: cases, variants, environments, baselines, waivers.

Outside half.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.compare import waivers
from harness.records.project import Project
from harness.store import programs as stored
from harness.store.store import Store
from harness.vocabulary.case import Case
from harness.vocabulary.program import load


def render(project: Project, cases: Sequence[Case]) -> RenderableType:
    """Return the tables of everything that has a name."""
    return Group(_cases(cases), *_programs(project), _environments(project), _waivers(project))


def _cases(cases: Sequence[Case]) -> Table:
    table = Table("case", "variant", "initial weights", title="cases", title_justify="left")
    for case in cases:
        for index, variant in enumerate(case.variants):
            _add_row(table, "" if index else case.name, variant.name, variant.weights)
        table.add_section()
    return table


def _programs(project: Project) -> list[Table]:
    """Return the table of users' programs, if there is any."""
    table = Table("program", "words", "folder", "environments", "baselines", title="programs",
                  title_justify="left")
    for name in project.program_names():
        found = load(project.program_path(name))
        _add_row(table, name, shlex.join(found.words), found.folder,
                 " ".join(found.environments),
                 " ".join(stored.accepted(project, name)) or "-")
    return [table] if table.rows else []


def _environments(project: Project) -> Table:
    store = Store(project)
    held = {name: (store.measured(name), store.accepted(name)) for name in project.case_names()}
    held |= {name: (stored.measured(project, name), stored.accepted(project, name))
             for name in project.program_names()}
    table = Table("environment", "pinned", *held, title="environments", title_justify="left")
    for environment in store.known():
        states = []
        for measured, accepted_in in held.values():
            run, accepted = environment in measured, environment in accepted_in
            states.append(" + ".join(word for word, is_there in
                                     (("baseline", accepted), ("run", run)) if is_there) or "-")
        _add_row(table, environment, "yes" if environment in store.pinned else "no", *states)
    return table


def _waivers(project: Project) -> Table:
    table = Table("environment", "against", "case", "variant", "check", "at most", "reason",
                  title="waivers", title_justify="left")
    for w in waivers.known(project):
        _add_row(table, w.environment, w.against, w.case, w.variant, w.check, f"{w.at_most:g}",
                 w.reason)
    return table


def _add_row(table: Table, *cells: str) -> None:
    """Add a row of text as it is: what somebody wrote is no markup of Rich's."""
    table.add_row(*map(Text, cells))
