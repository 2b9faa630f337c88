"""What a record holds: it cannot choose its own comparison by holding less, or by saying so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.compare.checks.finding import Verdict
from harness.compare.compare import Question, Report, compare
from harness.errors import HarnessError
from harness.records import native_record
from harness.records.project import Project
from harness.records.record import Fingerprint, Record
from harness.store.accepting import accept
from harness.store.store import Store
from tests.kit.stored import CASE, TORCH, VARIANT, furnish, put


@pytest.fixture
def stored(checkout: Project, tmp_path: Path) -> Project:
    """Return a project with real baselines and no run."""
    return furnish(checkout, tmp_path)


def compared(project: Project) -> Report:
    """Return the comparison of the run with everything."""
    return compare(project, Question((TORCH,)))


def select(record: Record) -> None:
    """Say that only one variant was asked for, and hold no other."""
    record.provenance["selection"] = ["mse-adam*"]
    record.variants = {VARIANT: record.variants[VARIANT]}


def keep_one(record: Record) -> None:
    """Hold one variant of four."""
    record.variants = {VARIANT: record.variants[VARIANT]}


def drop_checkpoint(record: Record) -> None:
    """Hold no probe of a checkpoint."""
    for part in ("errors", "allowances"):
        getattr(record.variants[VARIANT].probes["float32"], part).pop("step_10")


def drop_norm(record: Record) -> None:
    """Hold no gradient norm."""
    record.variants[VARIANT].trajectories["float64"].gradient_norm = None


def drop_metric(record: Record) -> None:
    """Hold no metric but the step."""
    record.variants[VARIANT].trajectories["float32"].metrics = {}


LESS = {
    "selection": (select, "has no such variant"),
    "no variant": (lambda r: r.variants.clear(), "has no such variant"),
    "one of four variants": (keep_one, "has no such variant"),
    "no float64": (lambda r: r.variants[VARIANT].trajectories.pop("float64"),
                   "float64 trajectory (gradient norm, loss, update norm)"),
    "no probes": (lambda r: r.variants[VARIANT].probes.clear(), "float64 probes"),
    "no checkpoint": (drop_checkpoint, "float32 probes (step_10)"),
    "no norm": (drop_norm, "float64 trajectory (gradient norm)"),
    "no metric": (drop_metric, "float32 metrics"),
    "no fingerprint": (lambda r: setattr(r.variants[VARIANT], "fingerprint", None), "fingerprint"),
}


@pytest.mark.parametrize("change", LESS.values(), ids=LESS)
def test_what_the_baseline_holds_and_the_run_lacks_is_missing(
        stored: Project, change: tuple[Callable[[Record], object], str]) -> None:
    """It is named, the exit code is 3, and nothing of it can be accepted."""
    put(stored, change[0])
    report = compared(stored)
    missing = [c for c in report.comparisons if c.verdict is Verdict.MISSING]
    assert report.exit_code == 3
    assert {c.against for c in missing} == {"baseline", "previous", "reference"} \
        or change[1] == "fingerprint"  # a reference has none
    assert any(change[1] in c.problem for c in missing)
    with pytest.raises(HarnessError, match="cannot become a baseline"):
        accept(Store(stored), [Store(stored).run(CASE, TORCH)], "why not")


def test_the_same_is_a_match(stored: Project) -> None:
    """A run that holds what the baseline does agrees, and can be accepted."""
    put(stored)
    report = compared(stored)
    assert not [c.problem for c in report.comparisons if c.problem]
    assert not [c for c in report.comparisons if c.against == "baseline" and c.open_findings]
    accept(Store(stored), [Store(stored).run(CASE, TORCH)], "measured again")


def test_a_selection_is_said(stored: Project) -> None:
    """What a run was asked for is a note, and nothing else."""
    put(stored, select)
    assert f"{TORCH} on {CASE} was asked for mse-adam* only" in compared(stored).notes


def test_what_no_check_looked_at_is_said(stored: Project) -> None:
    """A program that is not of the matrix may hold less than others, and that is noted."""
    record = put(stored, lambda r: [v.trajectories.pop("float64") for v in r.variants.values()])
    record.environment = "axon-1.0"
    for variant in record.variants.values():
        variant.probes.clear()
        variant.fingerprint = None
    Store(stored).put_run(record)
    report = compare(stored, Question(("axon-1.0",), "reference"))
    assert not [c.problem for c in report.comparisons if c.problem]
    note = next(note for note in report.notes if note.startswith("not looked at"))
    assert all(words in note for words in ("axon-1.0", "float64 trajectory", "float32 probes"))


def test_a_first_baseline_must_hold_what_the_reference_does(stored: Project) -> None:
    """An environment of the matrix without a baseline cannot have a part of one."""
    record = put(stored, keep_one)
    record.environment = "torch-2.14.1"
    with pytest.raises(HarnessError, match="not measured"):
        accept(Store(stored), [record], "first")


def test_probes_of_other_tensors_cannot_face_each_other(stored: Project) -> None:
    """One tensor more or less is said, and is no traceback."""
    def shorten(record: Record) -> None:
        probes = record.variants[VARIANT].probes["float32"]
        probes.tensors.pop()
        for part in (probes.errors, probes.allowances):
            for numbers in part.values():
                numbers.pop()

    put(stored, shorten)
    problems = [c.problem for c in compared(stored).comparisons if c.variant == VARIANT]
    assert all("of other tensors" in problem for problem in problems)


def test_native_runs_that_lack_a_variant_are_missing(stored: Project) -> None:
    """A run's native record must hold every variant that the baseline's does."""
    put(stored)
    record = Store(stored).native(CASE, TORCH, False)
    del record.runs[VARIANT]
    native_record.write(record, stored.native_run_path(CASE, TORCH))
    own = [c for c in compared(stored).comparisons if c.variant == VARIANT]
    assert any("lack this variant" in c.problem for c in own)
    with pytest.raises(HarnessError, match="native runs that lack"):
        accept(Store(stored), [Store(stored).run(CASE, TORCH)], "why not", [record])


def test_native_runs_that_cannot_be_read_are_a_problem(stored: Project) -> None:
    """They are that variant's problem: exit code 3, and no note beside a match."""
    put(stored)
    stored.native_run_path(CASE, TORCH).parent.mkdir(parents=True)
    stored.native_run_path(CASE, TORCH).write_text("{")
    report = compared(stored)
    assert report.exit_code == 3
    assert any("not JSON" in c.problem for c in report.comparisons if c.variant == VARIANT)


def test_the_schema_knows_every_field() -> None:
    """A field that the inside half writes can be read."""
    import dataclasses

    import msgspec

    from harness.records.record import Drops, NativeRun, Probes, Trajectory, VariantRecord
    from harness.store.reading import schema

    for ours, theirs in ((Fingerprint, schema.Fingerprint), (Probes, schema.Probes),
                         (Trajectory, schema.Trajectory), (NativeRun, schema.Native),
                         (Drops, schema.Drops),
                         (VariantRecord, schema.Variant)):
        names = {field.name for field in dataclasses.fields(ours)} - {"key"}
        assert names == {field.name for field in msgspec.structs.fields(theirs)}


def test_a_night_with_a_part_of_a_case_is_red(stored: Project) -> None:
    """A selection among tonight's runs ends the night with 3."""
    from harness.nightly import job
    from harness.records import manifest

    put(stored, select)
    manifest.end(stored, TORCH, [stored.run_path(CASE, TORCH)], "tonight")
    night = job.run(stored, [TORCH], "tonight", measure=lambda *_: None)
    assert night.exit_code == 3
    assert main(["--root", str(stored.root), "compare", TORCH]) == 3
