"""Commands that keep records: baselines, other programs' and machines' records, pins.

Outside half.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness import acceptance, description, importer, listing, locking, shards
from harness import merge as merging
from harness.commands.terminal import show
from harness.errors import MATCH, UsageError, unknown
from harness.files import write_text
from harness.project import Project, select_variants
from harness.store import Store


def accept(project: Project, options: argparse.Namespace) -> int:
    """Show what a run would change, and promote it to a baseline."""
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
    for record in records:
        show(acceptance.render(record, acceptance.changes(store, record)))
    if options.dry_run:
        return MATCH
    store.accept(records, options.reason, natives)
    for path in [*(project.baseline_path(r.case, name) for r in records),
                 *(project.native_baseline_path(r.case, name) for r in natives)]:
        print(f"accepted: {path.relative_to(project.root)}")
    return MATCH


def describe(project: Project, options: argparse.Namespace) -> int:
    """Print what another program needs to train a variant, or write a file for each."""
    case = project.case(options.name)
    chosen = select_variants(case, options.variant)
    if not chosen:
        raise unknown("variant", " ".join(options.variant), [v.name for v in case.variants])
    if options.output is None and len(chosen) > 1:
        raise UsageError(
            "a description is of one variant: name it, or a folder for all", case.name,
            f"{len(chosen)} variants: {', '.join(variant.name for variant in chosen)}",
            f"harness describe {case.name} --variant {chosen[0].name}")
    for variant in chosen:
        text = description.dumps(description.describe(project, case, variant))
        if options.output is None:
            print(text, end="")
            continue
        path = Path(options.output) / f"{variant.name}.json"
        write_text(path, text)
        print(f"described: {path}")
    return MATCH


def import_(project: Project, options: argparse.Namespace) -> int:
    """Check records that another program made, and take them in as runs."""
    store = Store(project)
    for record in importer.load([Path(name) for name in options.files], project):
        path = store.put_run(record)
        print(f"imported: {path.relative_to(project.root)} ({len(record.variants)} variants)")
    return MATCH


def list_(project: Project, options: argparse.Namespace) -> int:
    """List cases, variants, environments, baselines and waivers; or a label's environments."""
    if options.label:
        listed = shards.labelled(project, options.label, options.shards)
        print(json.dumps(listed) if options.json else "\n".join(listed))
        return MATCH
    if options.json or options.shards is not None:
        raise UsageError("--shards and --json list the environments of a label",
                         next_command="harness list --label nightly --shards 4 --json")
    show(listing.render(project))
    return MATCH


def lock(project: Project, options: argparse.Namespace) -> int:
    """Resolve and write the constraints of environments."""
    for name in options.names or locking.OUTSIDE:
        print(f"locked: {locking.lock(project.root, name).relative_to(project.root)}")
    return MATCH


def merge(project: Project, options: argparse.Namespace) -> int:
    """Take in the runs that other machines measured."""
    merged = merging.merge(project, [Path(name) for name in options.shards], options.label)
    print("\n".join(merged.lines()))
    return merged.exit_code
