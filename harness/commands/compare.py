"""Commands that compare records and show what came out.

Outside half.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path

from harness import report as reporting
from harness.commands.tables import timeline as timeline_table
from harness.commands.tables import verdicts
from harness.commands.tables.history import render as render_history
from harness.commands.tables.native import render as render_native
from harness.commands.tables.terminal import show, tell_broken
from harness.compare import compare as comparing
from harness.compare import detection
from harness.compare import timeline as timelines
from harness.compare import upgrade as upgrades
from harness.compare.differ import Differ
from harness.environments import tox
from harness.environments.lineage import order
from harness.environments.names import labelled
from harness.errors import DIFFERENCE, FAILURE, MATCH, UsageError
from harness.escaping import say
from harness.files import write_text
from harness.history import history as kept
from harness.history.facts import case_facts
from harness.nightly import outputs
from harness.records.project import Project
from harness.report.verdicts import timeline_facts
from harness.store.store import Store


def compare(project: Project, options: argparse.Namespace) -> int:
    """Compare records, print the verdicts, and say by the exit code what came out."""
    names = _named(project, options)
    question = comparing.Question(names, options.against, tuple(options.case or ()),
                                  tuple(options.variant or ()))
    result = comparing.compare(project, question)
    with contextlib.ExitStack() as stack:  # whatever cannot be written, the rest is
        stack.callback(outputs.write_verdicts, result, options.json, options.junit,
                       options.markdown)
        _tell(project, options, question, names, result)
    return result.exit_code


def _tell(project: Project, options: argparse.Namespace, question: comparing.Question,
          names: tuple[str, ...], result: comparing.Report) -> None:
    """Show the verdicts, and between two versions that are named what changed on the way."""
    show(verdicts.render(result, options.all))


def upgrade(project: Project, options: argparse.Namespace) -> int:
    """Say what an upgrade changes, at which version and why, and whether it matters."""
    old, new = _ends(options.versions)
    found = upgrades.ask(project, old, new, options.case or (), options.variant or ())
    outputs.write_verdicts(found.report, options.json, None, None)
    show(timeline_table.upgrade(found, options.all))
    return found.report.exit_code


def timeline(project: Project, options: argparse.Namespace) -> int:
    """Show which stored versions behave the same, and what changed between them."""
    found = timelines.load(project, options.families, options.case, options.variant)
    with contextlib.ExitStack() as stack:
        if options.json:
            stack.callback(_write_json, options.json, timeline_facts(found))
        show(timeline_table.render(found, options.all))
    lines = [line for one in found for line in one.lines]
    if tell_broken(project.sound(options.case)[1]) or not all(line.is_readable for line in lines):
        return FAILURE
    return MATCH if all(line.is_explained for line in lines) else DIFFERENCE


def report(project: Project, options: argparse.Namespace) -> int:
    """Write the HTML report and the JSON it is made from."""
    result, differ = _reported(project, _named(project, options), options.label is not None)
    lineages = timelines.load_if_any(project, result.notes, differ)
    output = Path(options.output or project.root / "results" / "report.html")
    drawn = Path(options.picture) if options.picture else None
    reporting.write(result, project, output, lineages, drawn)
    say(f"report: {output}")
    return tell_broken(project.sound()[1])


def history(project: Project, options: argparse.Namespace) -> int:
    """Show what changed over many nights, and say by the exit code whether anything did."""
    case = project.selected([options.name])[0]
    facts = case_facts(kept.load(kept.path_of(project), case), case, options.nights,
                       options.environment, options.variant)
    with contextlib.ExitStack() as stack:
        if options.json:
            stack.callback(_write_json, options.json, facts)
        show(render_history(facts))
    return DIFFERENCE if facts["changed"] else MATCH


def faults(project: Project, options: argparse.Namespace) -> int:
    """Say which of the faults that were trained under were seen, and how."""
    if options.measure:
        tox.run_each(project.root, options.environments, "--faults")
    found = detection.detect(project, options.environments)
    show(detection.render(found))
    return MATCH if detection.is_proof(found) else DIFFERENCE


def native(project: Project, options: argparse.Namespace) -> int:
    """Show which share of native runs trained, everywhere they were measured."""
    if options.measure:
        tox.run_each(project.root, options.environments, "--native")
    show(render_native(Store(project), options.environments))
    return MATCH


def _ends(versions: list[str]) -> tuple[str, str]:
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
              is_label: bool) -> tuple[comparing.Report, Differ]:
    """Compare what a report is of: two named versions with each other, all else as always."""
    if len(names) != 2 or is_label:
        comparer = comparing.Comparer(Store(project), comparing.Question(names))
        return comparer.compare(), comparer.differ
    ordered = order(*names)
    if ordered is not None:
        found = upgrades.ask(project, *ordered)
        return found.report, found.differ
    question = comparing.Question(names[1:], names[0])
    comparer = comparing.Comparer(Store(project), question)
    return comparer.compare(), comparer.differ


def _named(project: Project, options: argparse.Namespace) -> tuple[str, ...]:
    """Return the environments that are asked for, by name or by a label."""
    if options.label and options.environments:
        raise UsageError("a label names its environments",
                         next_command=f"harness {options.command} --label {options.label}")
    names = labelled(project.root, options.label) if options.label else options.environments
    if options.label and not names:
        raise UsageError(f"the label {options.label!r} names no environment that is measured",
                         "tox.ini", next_command=f"harness {options.command} --label quick")
    return tuple(names)


def _write_json(path: str, facts: object) -> None:
    write_text(Path(path), json.dumps(facts, indent=1, allow_nan=False) + "\n")
