"""Commands that compare records and show what came out.

Outside half.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness import compare as comparing
from harness import detection, execution, outputs, table, timeline_table
from harness import history as kept
from harness import report as reporting
from harness import timeline as timelines
from harness.commands.terminal import show
from harness.environments import labelled
from harness.errors import DIFFERENCE, FAILURE, MATCH, UsageError
from harness.escaping import say
from harness.files import write_text
from harness.history_table import render as render_history
from harness.native_table import render as render_native
from harness.project import Project
from harness.report.trend import case_facts
from harness.store import Store
from harness.timeline_facts import timeline_facts


def compare(project: Project, options: argparse.Namespace) -> int:
    """Compare records, print the verdicts, and say by the exit code what came out."""
    names = _named(project, options)
    question = comparing.Question(names, options.against, tuple(options.case or ()),
                                  tuple(options.variant or ()))
    result = comparing.compare(project, question)
    outputs.write_verdicts(result, options.json, options.junit, options.markdown)
    show(table.render(result, options.all))
    if len(names) == 1 and options.against not in (None, *comparing.KINDS):
        way = timelines.between(project, (*names, options.against), question.cases,
                                question.variants)
        if way is not None:
            show(timeline_table.way(way))
    return result.exit_code


def timeline(project: Project, options: argparse.Namespace) -> int:
    """Show which stored versions behave the same, and what changed between them."""
    found = timelines.load(project, options.families, options.case, options.variant)
    if options.json:
        _write_json(options.json, timeline_facts(found))
    show(timeline_table.render(found, options.all))
    lines = [line for one in found for line in one.lines]
    if not all(line.is_readable for line in lines):
        return FAILURE
    return MATCH if all(line.is_explained for line in lines) else DIFFERENCE


def report(project: Project, options: argparse.Namespace) -> int:
    """Write the HTML report and the JSON it is made from."""
    comparer = comparing.Comparer(Store(project), comparing.Question(_named(project, options)))
    result = comparer.compare()
    lineages = timelines.load_if_any(project, result.notes, comparer.differ)
    output = Path(options.output or project.root / "results" / "report.html")
    drawn = Path(options.picture) if options.picture else None
    reporting.write(result, project, output, lineages, drawn)
    say(f"report: {output}")
    return MATCH


def history(project: Project, options: argparse.Namespace) -> int:
    """Show what changed over many nights, and say by the exit code whether anything did."""
    case = project.case(options.name).name
    facts = case_facts(kept.load(kept.path_of(project), case), case, options.nights,
                       options.environment, options.variant)
    if options.json:
        _write_json(options.json, facts)
    show(render_history(facts))
    return DIFFERENCE if facts["changed"] else MATCH


def faults(project: Project, options: argparse.Namespace) -> int:
    """Say which of the faults that were trained under were seen, and how."""
    if options.measure:
        execution.run_each(project.root, options.environments, "--faults")
    found = detection.detect(project, options.environments)
    show(detection.render(found))
    return MATCH if detection.is_proof(found) else DIFFERENCE


def native(project: Project, options: argparse.Namespace) -> int:
    """Show which share of native runs trained, everywhere they were measured."""
    if options.measure:
        execution.run_each(project.root, options.environments, "--native")
    show(render_native(Store(project), options.environments))
    return MATCH


def _named(project: Project, options: argparse.Namespace) -> tuple[str, ...]:
    """Return the environments that are asked for, by name or by a label."""
    if options.label and options.environments:
        raise UsageError("a label names its environments",
                         next_command=f"harness {options.command} --label {options.label}")
    return tuple(labelled(project.root, options.label) if options.label
                 else options.environments)


def _write_json(path: str, facts: object) -> None:
    write_text(Path(path), json.dumps(facts, indent=1, allow_nan=False) + "\n")
