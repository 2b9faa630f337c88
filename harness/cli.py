"""The ``harness`` command: one function per command.

The only module that prints or exits. It runs in both halves, so it imports the
outside half (compare, report, Rich) inside the commands that need it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable

from harness.arguments import build_parser
from harness.errors import DIFFERENCE, FAILURE, MATCH, USAGE, HarnessError, UsageError
from harness.project import Project, find_root


def run(project: Project, options: argparse.Namespace) -> int:
    """Measure cases in this environment, or train under the catalogue's faults."""
    from harness import native_runs, orders

    project = Project(project.root, options.runs and Path(options.runs).resolve())
    if options.native:
        pieces = orders.native(project.cases(options.cases), options.seeds)
    elif options.faults:
        pieces = orders.faulty(options.environment)
    else:
        pieces = orders.cases(project, options.environment, options.cases, options.variant)
    probing: Counter[str] = Counter()

    def report(event: dict[str, Any]) -> None:
        if event["event"] == "probed":
            probing[event["case"]] += event["seconds"]
        if event["event"] in ("imported", "recorded"):
            spent = probing.pop(event.get("case", ""), 0)
            probes = f", probes {spent:.1f} s of it" if spent else ""
            print(f"{options.environment}  {_told(event)} in {event['seconds']:.1f} s{probes}",
                  flush=True)

    failures = native_runs.run(project, options.environment, pieces, options.timeout, report,
                               options.jobs)
    for work, message in failures.items():
        print(f"{options.environment}  {work} failed: {message}", file=sys.stderr)
    return FAILURE if failures else MATCH


def _told(event: dict[str, Any]) -> str:
    """Return in words what a worker has done."""
    if event["event"] == "imported":
        return "imported"
    case = event["case"] + (f" under {event['fault']}" if event["fault"] else "")
    if "native" in event:
        run = event["native"]
        return (f"{case}: {event['variant']} seed {run['seed']} "
                f"{'trained' if run['trained'] else 'did not train'}")
    extra = f", {event['unsupported']} unsupported" if event["unsupported"] else ""
    extra += f", {event['errors']} with errors" if event["errors"] else ""
    return f"{case}: {event['variants']} variants{extra}"


def compare(project: Project, options: argparse.Namespace) -> int:
    """Compare records, print the verdicts, and say by the exit code what came out."""
    from rich.console import Console

    from harness import compare as comparing
    from harness import table
    from harness.facts import verdict_facts

    question = comparing.Question(tuple(options.environments), options.against,
                                  tuple(options.case or ()), tuple(options.variant or ()))
    result = comparing.compare(project, question)
    if options.json:
        _write_json(Path(options.json), verdict_facts(result))
    console = Console(width=None if sys.stdout.isatty() else 160, soft_wrap=False)
    console.print(table.render(result, options.all))
    return result.exit_code


def report(project: Project, options: argparse.Namespace) -> int:
    """Write the HTML report and the JSON it is made from."""
    from harness import compare as comparing
    from harness import report as reporting

    result = comparing.compare(project, comparing.Question())
    output = Path(options.output or project.root / "results" / "report.html")
    reporting.write(result, project, output)
    print(f"report: {output}")
    return MATCH


def faults(project: Project, options: argparse.Namespace) -> int:
    """Say which of the faults that were trained under were seen, and how."""
    from rich.console import Console

    from harness import detection, execution

    if options.measure:
        execution.run_each(project.root, options.environments, "--faults")
    found = detection.detect(project, options.environments)
    console = Console(width=None if sys.stdout.isatty() else 160, soft_wrap=False)
    console.print(detection.render(found))
    return MATCH if detection.is_proof(found) else DIFFERENCE


def native(project: Project, options: argparse.Namespace) -> int:
    """Show which share of native runs trained, everywhere they were measured."""
    from rich.console import Console

    from harness import execution
    from harness.native_table import render
    from harness.store import Store

    if options.measure:
        execution.run_each(project.root, options.environments, "--native")
    Console(width=None if sys.stdout.isatty() else 160).print(
        render(Store(project), options.environments))
    return MATCH


def accept(project: Project, options: argparse.Namespace) -> int:
    """Show what a run would change, and promote it to a baseline."""
    from rich.console import Console

    from harness.acceptance import changes, render
    from harness.store import Store

    store = Store(project)
    store.require_known(options.environment)
    name = options.environment
    cases = [case.name for case in project.cases(options.cases)]
    natives = [store.native(case, name, True) for case in cases
               if project.native_run_path(case, name).exists()]
    native_cases = {record.case for record in natives}
    records = [store.run(case, name) for case in cases if project.run_path(case, name).exists()
               or (options.cases and case not in native_cases)]
    if not records and not natives:
        raise UsageError(f"{name} has no run to accept", next_command=f"tox run -e {name}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    for record in records:
        console.print(render(record, changes(store, record)))
    if options.dry_run:
        return MATCH
    store.accept(records, options.reason, natives)
    for path in [*(project.baseline_path(r.case, name) for r in records),
                 *(project.native_baseline_path(r.case, name) for r in natives)]:
        console.print(f"accepted: {path.relative_to(project.root)}", highlight=False)
    return MATCH


def import_(project: Project, options: argparse.Namespace) -> int:
    """Check records that another program made, and take them in as runs."""
    from harness.importer import load
    from harness.store import Store

    store = Store(project)
    for record in load([Path(name) for name in options.files], project):
        path = store.put_run(record)
        print(f"imported: {path.relative_to(project.root)} ({len(record.variants)} variants)")
    return MATCH


def list_(project: Project, options: argparse.Namespace) -> int:
    """List cases, variants, environments, baselines and waivers."""
    from rich.console import Console

    from harness.listing import render

    Console(width=None if sys.stdout.isatty() else 160).print(render(project))
    return MATCH


def lock(project: Project, options: argparse.Namespace) -> int:
    """Resolve and write the constraints of environments."""
    from harness import locking

    for name in options.names or locking.OUTSIDE:
        print(f"locked: {locking.lock(project.root, name).relative_to(project.root)}")
    return MATCH


def _write_json(path: Path, facts: Any) -> None:
    from harness.files import write_text

    write_text(path, json.dumps(facts, indent=1, allow_nan=False) + "\n")


COMMANDS: dict[str, Callable[[Project, argparse.Namespace], int]] = {
    "run": run, "compare": compare, "report": report, "faults": faults, "native": native,
    "accept": accept, "import": import_, "list": list_, "lock": lock}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        project = Project((options.root or find_root(Path.cwd())).resolve())
        return COMMANDS[options.command](project, options)
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        if options.command == "run":
            raise
        print(f"harness: {error}; this command needs the outside half: pip install .",
              file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("harness: interrupted", file=sys.stderr)
        return FAILURE
