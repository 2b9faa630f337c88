"""Commands that keep records: baselines, other programs' and machines' records, pins.

Outside half.
"""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps
from pathlib import Path

from harness.commands import approval
from harness.commands.parameters import Here
from harness.commands.tables import acceptance, listing
from harness.commands.tables.terminal import show, tell_broken
from harness.environments import lockfiles
from harness.errors import MATCH, UsageError, unknown
from harness.escaping import say
from harness.files import write_text
from harness.measure.adapters import description
from harness.programs.saved import accepting
from harness.programs.showing import wording
from harness.records.project import Project, select_variants
from harness.store import accepting as storing
from harness.store import merge as merging
from harness.store import shards as sharding
from harness.store.reading import importer
from harness.store.store import Store
from harness.words import counted


def accept(environment: str | None = None, /, *cases: str, here: Here, reason: Sequence[str] = (),
           harm: str | None = None, together: str | None = None, dry_run: bool = False,
           undo: bool = False) -> int:
    """Show what a run would change and why, and promote it to a baseline; or take that back.

    Args:
        environment: whose run.
        cases: only these; all that were measured, if none is named.
        reason: why it is right; once for each cause that is shown, in their order.
        harm: of a regression, whom it harms, and why it is right all the same.
        together: why pins, case and harness, changed at once, cannot be told apart.
        dry_run: only show what it would change, and why.
        undo: take the last accept back.
    """
    project = here.project()
    store, name = Store(project), environment
    if undo:
        return _take_back(store, bool(environment or reason or dry_run))
    if name is None or not reason:
        raise UsageError("accepting needs an environment and a reason",
                         next_command="harness accept ENV --reason 'why it is right'")
    store.require_known(name)
    known = project.program_names()
    programs = [case for case in cases if case in known] if cases \
        else accepting.whole(project, name)
    cases_asked = tuple(case for case in cases if case not in known)
    chosen = project.selected(cases_asked) if cases_asked or not cases else []
    natives = [store.native(case, name, True) for case in chosen
               if project.native_run_path(case, name).exists()]
    native_cases = {record.case for record in natives}
    records = [store.run(case, name) for case in chosen if project.run_path(case, name).exists()
               or (cases and case not in native_cases)]
    if not records and not natives and not programs:
        raise UsageError(f"{name} has no run to accept", next_command=f"tox run -e {name}")
    for record in records:
        show(acceptance.render(record, acceptance.changes(store, record)))
    for program in programs:
        _show_program(project, program, name)
    found = approval.examine(store, name, records, natives, programs)
    show(approval.render(found))
    if dry_run:
        return MATCH
    details = approval.require(found, name, list(reason), harm, together)
    whole = dict(accepting.prepare(project, program, name, {
        "reason": "; ".join(reason), **details[program]}) for program in programs)
    paths = [store.baselines.path_for(record) for record in records]
    storing.accept(store, records, "; ".join(reason), natives, details, whole)
    for path in [*paths, *whole,
                 *(project.native_baseline_path(r.case, name) for r in natives)]:
        say(f"accepted: {path.relative_to(project.root)}")
    return MATCH


def _show_program(project: Project, program: str, environment: str) -> None:
    """Show what accepting the runs of a saved program would change."""
    found = accepting.change(project, program, environment)
    say("\n".join(wording.terminal(found, (f"{environment} on {program}", "its baseline")))
        if found else f"{environment} on {program}: its first baseline")


def _take_back(store: Store, is_more_asked: bool) -> int:
    """Take the last accept back."""
    if is_more_asked:
        raise UsageError("--undo takes back the last accept, whatever it was", "harness accept",
                         next_command="harness accept --undo")
    what, paths = storing.take_back(store)
    say(f"taken back: {what}")
    for path in paths:
        if path.suffix in (".json", ".zip"):
            say(f"as before: {path.relative_to(store.project.root)}")
    return MATCH


def describe(case: str, /, *, here: Here, variant: Sequence[str] = (),
             output: Path | None = None) -> int:
    """Print what another program needs to train a variant, or write a file for each.

    Args:
        case: which.
        variant: only variants that match this pattern; can be given more than once.
        output: write a file for every variant into this folder.
    """
    project = here.project()
    declared = project.case(case)
    chosen = select_variants(declared, list(variant))
    if not chosen:
        raise unknown("variant", " ".join(variant), [v.name for v in declared.variants])
    if output is None and len(chosen) > 1:
        raise UsageError(
            "a description is of one variant: name it, or a folder for all", declared.name,
            f"{len(chosen)} variants: {', '.join(v.name for v in chosen)}",
            f"harness describe {declared.name} --variant {chosen[0].name}")
    for one in chosen:
        text = description.dumps(description.describe(project, declared, one))
        if output is None:
            say(text.rstrip("\n"))
            continue
        path = output / f"{one.name}.json"
        write_text(path, text)
        say(f"described: {path}")
    return MATCH


def import_(*files: Path, here: Here) -> int:
    """Check records that another program made, and take them in as runs.

    Args:
        files: the records, JSON.
    """
    if not files:
        raise UsageError("importing needs a file", next_command="harness import FILE...")
    project = here.project()
    store = Store(project)
    records = importer.load(list(files), project)
    for record in records:  # all of them before the first is taken in
        store.check(record, f"imported {record.case} {record.environment}")
    for record in records:
        path = store.put_run(record)
        number = counted(len(record.variants), 'variant')
        say(f"imported: {path.relative_to(project.root)} ({number})")
    return MATCH


def list_(*, here: Here, label: str | None = None, shards: int | None = None,
          json: bool = False) -> int:
    """List cases, variants, environments, baselines and waivers; or a label's environments.

    Args:
        label: only the environments of this label of tox.ini.
        shards: those in so many groups that take about as long, apart by commas.
        json: as a JSON array.
    """
    project = here.project()
    if label:
        listed = sharding.labelled(project, label, shards)
        say(dumps(listed) if json else "\n".join(listed))
        return MATCH
    if json or shards is not None:
        raise UsageError("--shards and --json list the environments of a label",
                         next_command="harness list --label nightly --shards 4 --json")
    cases, broken = project.sound()
    show(listing.render(project, cases))
    return tell_broken(broken)


def lock(*environments: str, here: Here) -> int:
    """Resolve and write the pins of environments.

    Args:
        environments: names such as torch-2.13.0; the outside half's, if none is named.
    """
    root = here.root
    for name in environments or lockfiles.OUTSIDE:
        say(f"locked: {lockfiles.lock(root, name).relative_to(root)}")
    return MATCH


def merge(*shards: Path, here: Here, label: str | None = None) -> int:
    """Take in the runs that other machines measured.

    Args:
        shards: copies of another results/runs, or their zips.
        label: name the environments of this label of tox.ini that are missing.
    """
    if not shards:
        raise UsageError("merging needs a folder of runs", next_command="harness merge DIR...")
    merged = merging.merge(here.project(), list(shards), label)
    say("\n".join(merged.lines()))
    return merged.exit_code
