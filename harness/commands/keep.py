"""Commands that keep records: baselines, other programs' and machines' records, pins.

Outside half.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from harness.commands import acceptance, approval
from harness.commands.tables import listing
from harness.commands.tables.terminal import show, tell_broken
from harness.environments import lockfiles
from harness.errors import MATCH, UsageError, unknown
from harness.escaping import say
from harness.files import write_text
from harness.measure.adapters import description
from harness.records.project import Project, select_variants
from harness.store import merge as merging
from harness.store import shards
from harness.store.reading import importer
from harness.store.store import Store


def accept(project: Project, options: argparse.Namespace) -> int:
    """Show what a run would change and why, and promote it to a baseline; or take that back."""
    store, name = Store(project), options.environment
    if options.undo:
        return _take_back(store, options)
    if name is None or not options.reason:
        raise UsageError("accepting needs an environment and a reason",
                         next_command="harness accept ENV --reason 'why it is right'")
    store.require_known(name)
    cases = project.selected(options.cases)
    natives = [store.native(case, name, True) for case in cases
               if project.native_run_path(case, name).exists()]
    native_cases = {record.case for record in natives}
    records = [store.run(case, name) for case in cases if project.run_path(case, name).exists()
               or (options.cases and case not in native_cases)]
    if not records and not natives:
        raise UsageError(f"{name} has no run to accept", next_command=f"tox run -e {name}")
    for record in records:
        show(acceptance.render(record, acceptance.changes(store, record)))
    found = approval.examine(store, name, records, natives)
    show(approval.render(found))
    if options.dry_run:
        return MATCH
    details = approval.require(found, name, options.reason, options.harm, options.together)
    paths = [store.baselines.path_for(record) for record in records]
    store.accept(records, "; ".join(options.reason), natives, details)
    for path in [*paths,
                 *(project.native_baseline_path(r.case, name) for r in natives)]:
        say(f"accepted: {path.relative_to(project.root)}")
    return MATCH


def _take_back(store: Store, options: argparse.Namespace) -> int:
    """Take the last accept back."""
    if options.environment or options.reason or options.dry_run:
        raise UsageError("--undo takes back the last accept, whatever it was", "harness accept",
                         next_command="harness accept --undo")
    what, paths = store.take_back()
    say(f"taken back: {what}")
    for path in paths:
        if path.suffix == ".json":
            say(f"as before: {path.relative_to(store.project.root)}")
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
            say(text.rstrip("\n"))
            continue
        path = Path(options.output) / f"{variant.name}.json"
        write_text(path, text)
        say(f"described: {path}")
    return MATCH


def import_(project: Project, options: argparse.Namespace) -> int:
    """Check records that another program made, and take them in as runs."""
    store = Store(project)
    records = importer.load([Path(name) for name in options.files], project)
    for record in records:  # all of them before the first is taken in
        store.check(record, f"imported {record.case} {record.environment}")
    for record in records:
        path = store.put_run(record)
        say(f"imported: {path.relative_to(project.root)} ({len(record.variants)} variants)")
    return MATCH


def list_(project: Project, options: argparse.Namespace) -> int:
    """List cases, variants, environments, baselines and waivers; or a label's environments."""
    if options.label:
        listed = shards.labelled(project, options.label, options.shards)
        say(json.dumps(listed) if options.json else "\n".join(listed))
        return MATCH
    if options.json or options.shards is not None:
        raise UsageError("--shards and --json list the environments of a label",
                         next_command="harness list --label nightly --shards 4 --json")
    cases, broken = project.sound()
    show(listing.render(project, cases))
    return tell_broken(broken)


def lock(project: Project, options: argparse.Namespace) -> int:
    """Resolve and write the constraints of environments."""
    for name in options.names or lockfiles.OUTSIDE:
        say(f"locked: {lockfiles.lock(project.root, name).relative_to(project.root)}")
    return MATCH


def merge(project: Project, options: argparse.Namespace) -> int:
    """Take in the runs that other machines measured."""
    merged = merging.merge(project, [Path(name) for name in options.shards], options.label)
    say("\n".join(merged.lines()))
    return merged.exit_code
