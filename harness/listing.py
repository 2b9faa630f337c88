"""What there is: cases, variants, environments, baselines, waivers.

Outside half.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table

from harness import waivers
from harness.project import Project
from harness.store import Store


def render(project: Project) -> RenderableType:
    """Return the tables of everything that has a name."""
    return Group(_cases(project), _environments(project), _waivers(project))


def _cases(project: Project) -> Table:
    table = Table("case", "variant", "initial weights", title="cases", title_justify="left")
    for case in project.cases():
        for index, variant in enumerate(case.variants):
            table.add_row("" if index else case.name, variant.name, variant.weights)
        table.add_section()
    return table


def _environments(project: Project) -> Table:
    store = Store(project)
    names = project.case_names()
    table = Table("environment", "pinned", *names, title="environments", title_justify="left")
    for environment in store.known():
        states = []
        for case in names:
            run = environment in store.measured(case)
            accepted = environment in store.accepted(case)
            states.append(" + ".join(word for word, held in
                                     (("baseline", accepted), ("run", run)) if held) or "-")
        table.add_row(environment, "yes" if environment in store.pinned else "no", *states)
    return table


def _waivers(project: Project) -> Table:
    table = Table("environment", "against", "case", "variant", "check", "at most", "reason",
                  title="waivers", title_justify="left")
    for w in waivers.load(project.root / "results" / "waivers.toml"):
        table.add_row(w.environment, w.against, w.case, w.variant, w.check, f"{w.at_most:g}",
                      w.reason)
    return table
