"""Commands that compare records and show what came out.

Outside half.
"""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Sequence
from json import dumps
from pathlib import Path

from harness import report as reporting
from harness.commands.parameters import AtLeastOne, Format, Here
from harness.commands.tables import timeline as timeline_table
from harness.commands.tables import verdicts
from harness.commands.tables.found import render as found_page
from harness.commands.tables.history import render as render_history
from harness.commands.tables.native import render as render_native
from harness.commands.tables.terminal import show, tell_broken, tell_table
from harness.compare import compare as comparing
from harness.compare import detection, waivers
from harness.compare import timeline as timelines
from harness.compare.differ import Differ
from harness.compare.question import Report
from harness.environments import tox
from harness.environments.lineage import order
from harness.environments.names import labelled
from harness.errors import DIFFERENCE, FAILURE, MATCH, UsageError
from harness.escaping import say
from harness.files import write_text
from harness.history import history as kept
from harness.history.facts import case_facts
from harness.history.facts import collect as trends
from harness.programs.saved import comparing as programs
from harness.programs.saved import timeline as tracing
from harness.programs.saved import upgrade as upgrading
from harness.records.project import Project
from harness.report.verdicts import timeline_facts
from harness.store.store import Store


def compare(*environments: str, here: Here, against: str | None = None, label: str | None = None,
            case: Sequence[str] = (), variant: Sequence[str] = (), json: Path | None = None,
            junit: Path | None = None, markdown: Path | None = None,
            format: Format | None = None, all: bool = False) -> int:
    """Compare records, print the verdicts, and say by the exit code what came out.

    Args:
        environments: names such as torch-2.13.0; everything measured last, if none is named.
        against: baseline, previous, reference or an environment; the first three, if not given.
        label: compare the environments of this label of tox.ini.
        case: only this case; can be given more than once.
        variant: only variants that match this pattern; can be given more than once.
        json: write the verdicts there as well.
        junit: write them there as JUnit XML.
        markdown: write a summary there in Markdown.
        format: print a table of all verdicts instead: csv, json or parquet.
        all: show what agrees, too.
    """
    project = here.project()
    names = _named(project, environments, label, "compare")
    result = programs.compare(project, comparing.Question(names, against, tuple(case),
                                                          tuple(variant)))
    with contextlib.ExitStack() as stack:  # whatever cannot be written, the rest is
        stack.callback(_write_verdicts, result, json, junit, markdown)
        if format:
            tell_table(format, lambda frames: frames.verdicts(result.comparisons))
        else:
            show(verdicts.render(result, all))
    return result.exit_code


def upgrade(*versions: str, here: Here, case: Sequence[str] = (), variant: Sequence[str] = (),
            json: Path | None = None, all: bool = False) -> int:
    """Say what an upgrade changes, at which version and why, and whether it matters.

    Args:
        versions: FAMILY OLD NEW, such as torch 2.3.1 2.14.1; or two environments, such as
            tensorflow-2.15.1 keras-3.0.5.
        case: only this case; can be given more than once.
        variant: only variants that match this pattern; can be given more than once.
        json: write the verdicts there as well.
        all: show every variant and verdict, too.
    """
    old, new = _ends(versions)
    found = upgrading.ask(here.project(), old, new, tuple(case), tuple(variant))
    _write_verdicts(found.report, json, None, None)
    show(timeline_table.upgrade(found, all))
    return found.report.exit_code


def _write_verdicts(report: Report, *files: Path | None) -> None:
    """Write verdicts into the files that are named: JSON, JUnit XML, Markdown."""
    if any(files):
        from harness.nightly import outputs  # Jinja, and all that a night needs

        outputs.write_verdicts(report, *files)


def timeline(*families: str, here: Here, case: Sequence[str] = (), variant: Sequence[str] = (),
             json: Path | None = None, markdown: Path | None = None,
             format: Format | None = None, all: bool = False) -> int:
    """Show which stored versions behave the same, and what changed between them.

    Args:
        families: such as torch; all of them, if none is named.
        case: only this case; can be given more than once.
        variant: only variants that match this pattern; can be given more than once.
        json: write the timeline there as well.
        markdown: write there what changed, and what always differs, as a page in Markdown.
        format: print a table of all changes instead: csv, json or parquet.
        all: show what never changed, too.
    """
    project = here.project()
    found = tracing.load(project, families, tuple(case), tuple(variant))
    with contextlib.ExitStack() as stack:
        if json:
            stack.callback(_write_json, json, timeline_facts(found))
        if markdown:
            stack.callback(write_text, markdown, found_page(found, waivers.known(project)))
        if format:
            tell_table(format, lambda frames: frames.changes(found))
        else:
            show(timeline_table.render(found, all))
    lines = [line for one in found for line in one.lines]
    cases = [name for name in case if name not in project.program_names()]
    broken = {} if case and not cases else project.sound(cases)[1]
    if tell_broken(broken) or not builtins.all(line.is_readable for line in lines):
        return FAILURE
    return MATCH if builtins.all(line.is_explained for line in lines) else DIFFERENCE


def report(*environments: str, here: Here, label: str | None = None, output: Path | None = None,
           picture: Path | None = None) -> int:
    """Write the HTML report and the JSON it is made from.

    Args:
        environments: only these, by their baselines where they were not measured; of two, what
            changes from one to the other.
        label: the environments of this label of tox.ini.
        output: the page; results/report.html, if not given.
        picture: draw a small picture there, PNG or SVG.
    """
    project = here.project()
    result, differ, way = _reported(project, _named(project, environments, label, "report"),
                                    label is not None)
    lineages = tracing.load_if_any(project, result.notes, differ)
    output = output or project.root / "results" / "report.html"
    reporting.write(result, project, output, lineages, picture, way, trend=trends(project))
    say(f"report: {output}")
    return tell_broken(project.sound()[1])


def history(case: str, /, *, here: Here, environment: str | None = None,
            variant: Sequence[str] = (), nights: AtLeastOne = 100,
            json: Path | None = None, format: Format | None = None) -> int:
    """Show what changed over many nights, slowly or at once.

    Args:
        case: whose history.
        environment: only of this one.
        variant: only variants that match this pattern; can be given more than once.
        nights: how many of the last ones to look at; 100, if not given.
        json: write what changed there as well.
        format: print a table of every night of what changed instead: csv, json or parquet.
    """
    project = here.project()
    name = case if case in project.program_names() else project.selected([case])[0]
    facts = case_facts(kept.load(kept.path_of(project), name), name, nights, environment,
                       list(variant))
    with contextlib.ExitStack() as stack:
        if json:
            stack.callback(_write_json, json, facts)
        if format:
            tell_table(format, lambda frames: frames.series(facts))
        else:
            show(render_history(facts))
    return DIFFERENCE if facts["changed"] else MATCH


def faults(*environments: str, here: Here, measure: bool = False) -> int:
    """Say which of the faults that were trained under were seen, and how.

    Args:
        environments: names such as torch-2.13.0; all that were trained, if none is named.
        measure: train under them first, through tox.
    """
    project = here.project()
    if measure:
        tox.run_each(project.root, environments, "--faults")
    found = detection.detect(project, environments)
    show(detection.render(found))
    return MATCH if detection.is_proof(found) else DIFFERENCE


def native(*environments: str, here: Here, measure: bool = False) -> int:
    """Show which share of native runs trained, everywhere they were measured.

    Args:
        environments: names such as torch-2.13.0; all of them, if none is named.
        measure: train first, through tox.
    """
    project = here.project()
    if measure:
        tox.run_each(project.root, environments, "--native")
    show(render_native(Store(project), environments))
    return MATCH


def _ends(versions: Sequence[str]) -> tuple[str, str]:
    """Return the two environments of an upgrade, from a family and versions or from names."""
    example = "harness upgrade torch 2.3.1 2.14.1"
    if len(versions) == 3:
        family, *ends = versions
        versions = [f"{family}-{end}" for end in ends]
    if len(versions) != 2 or "-" not in versions[0]:
        raise UsageError("an upgrade has an old version and a new one", " ".join(versions),
                         next_command=example)
    return versions[0], versions[1]


def _reported(project: Project, names: tuple[str, ...],
              is_label: bool) -> tuple[comparing.Report, Differ, timelines.Timeline | None]:
    """Compare what a report is of: two named versions with each other, all else as always."""
    if len(names) != 2 or is_label:
        return *programs.answer(project, comparing.Question(names)), None
    ordered = order(*names)
    if ordered is not None:
        found = upgrading.ask(project, *ordered)
        return found.report, found.differ, found.way
    return *programs.answer(project, comparing.Question(names[1:], names[0])), None


def _named(project: Project, environments: Sequence[str], label: str | None,
           command: str) -> tuple[str, ...]:
    """Return the environments that are asked for, by name or by a label."""
    if label and environments:
        raise UsageError("a label names its environments",
                         next_command=f"harness {command} --label {label}")
    names = labelled(project.root, label) if label else environments
    if label and not names:
        raise UsageError(f"the label {label!r} names no environment that is measured",
                         "tox.ini", next_command=f"harness {command} --label quick")
    return tuple(names)


def _write_json(path: Path, facts: object) -> None:
    write_text(path, dumps(facts, indent=1, allow_nan=False) + "\n")
