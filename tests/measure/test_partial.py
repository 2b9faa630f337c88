"""A run of selected variants: taken into the whole run, or apart from it, never in its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.commands.cli import main
from harness.measure import native_runs, partial
from harness.records import writing
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import NativeRun, Record
from harness.records.writing import variant_text
from harness.store.reading import records
from tests.kit.nights import ACCEPTED, ADAM, CASE, SGD, changed, put

NEW = ACCEPTED[2]
BEFORE, LATER, LAST = (f"2026-01-0{day}T02:00:00Z" for day in (1, 2, 3))


def of_time(record: Record, recorded: str, **others: Any) -> Record:
    """Return the record as one that was recorded at a time."""
    return replace(record, provenance={**record.provenance, "recorded": recorded, **others})


def select(record: Record, *names: str) -> Record:
    """Return the record as one of a run of selected variants."""
    return replace(record, variants={name: record.variants[name] for name in names},
                   provenance={**record.provenance, "selection": [*names]})


def leave(project: Project, whole: Record | None, part: Record) -> str | None:
    """Leave a whole run, and settle a partial one beside it."""
    if whole is not None:
        put(project, whole)
    writing.write(part, project.partial_path(part.case, part.environment))
    return partial.settle(project, part.case, part.environment)


def harness(project: Project, *arguments: str) -> int:
    """Run a command in a project."""
    return main(["--root", str(project.root), *arguments])


def test_a_part_of_the_same_origin_is_taken_in(matrix: Project, measured: Record) -> None:
    """Only its variants are replaced, and the whole run says when each of them was measured."""
    whole, part = of_time(measured, BEFORE), of_time(changed(measured, NEW), LATER)
    assert leave(matrix, replace(whole, environment=NEW), select(part, SGD)) is None
    found = records.read(matrix.run_path(CASE, NEW))
    assert [*found.variants] == [*measured.variants]
    expected = {**measured.variants, SGD: part.variants[SGD]}
    assert {name: variant_text(one) for name, one in found.variants.items()} == {
        name: variant_text(one) for name, one in expected.items()}
    assert found.provenance["recorded"] == BEFORE
    assert found.provenance["renewed"] == {SGD: LATER}
    assert "selection" not in found.provenance
    assert not matrix.partial_path(CASE, NEW).exists()


@pytest.mark.parametrize("change", [
    lambda p: p.update(packages={"torch": "2.14.0"}), lambda p: p.update(inputs={"machine": "x"}),
    lambda p: p.update(variables={"TF_ENABLE_ONEDNN_OPTS": "1"}),
    lambda p: p.update(settings={"threads": 2}), lambda p: p.update(errors=[SGD])])
def test_any_other_part_stays_apart(matrix: Project, measured: Record,
                                    change: Callable[[dict[str, Any]], None]) -> None:
    """Other packages, code or settings, and errors: the whole run stays as it is, to the byte."""
    whole = replace(of_time(measured, BEFORE), environment=NEW)
    part = select(of_time(whole, LATER), SGD)
    change(part.provenance)
    put(matrix, whole)
    before = matrix.run_path(CASE, NEW).read_bytes()
    said = leave(matrix, None, part)
    assert said is not None and str(matrix.partial_path(CASE, NEW)) in said
    assert f"harness compare {NEW} --case {CASE} --variant" in said
    assert matrix.run_path(CASE, NEW).read_bytes() == before
    assert matrix.partial_path(CASE, NEW).exists()


def test_a_red_case_stays_red(matrix: Project, measured: Record,
                              capsys: pytest.CaptureFixture[str]) -> None:
    """A difference in one variant is not hidden by measuring another one again."""
    red, green = changed(measured, NEW), replace(measured, environment=NEW)
    others = [name for name in measured.variants if name != SGD]
    for origin in ({}, {"packages": {"torch": "another"}}):
        leave(matrix, red, select(of_time(green, LATER, **origin), *others))
        assert harness(matrix, "compare", NEW) == 1
        assert SGD in capsys.readouterr().out
        if origin:
            assert harness(matrix, "compare", NEW, "--variant", SGD) == 1
            assert harness(matrix, "compare", NEW, "--variant", others[0]) == 0
            said = f"the run of {others[0]} alone, {LATER}, is looked at"
            assert said in " ".join(capsys.readouterr().out.split())


def test_a_part_is_no_whole(matrix: Project, measured: Record,
                            capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing else was measured, a partial run answers for its own variants alone."""
    leave(matrix, None, select(replace(measured, environment=NEW), SGD))
    assert harness(matrix, "compare") == 3
    assert harness(matrix, "compare", "--variant", SGD) == 0
    capsys.readouterr()
    harness(matrix, "compare", NEW)
    assert "is not looked at; --variant asks for it" in capsys.readouterr().out
    assert harness(matrix, "accept", NEW, "--reason", "x") == 2


def native(seeds: list[int], recorded: str = LAST, loss: float = 1.0,
           **others: Any) -> NativeRecord:
    """Return native runs of two variants."""
    runs = {name: [NativeRun(seed, loss, None, 0.5, True) for seed in seeds]
            for name in (SGD, ADAM)}
    return NativeRecord(CASE, NEW, {"recorded": recorded, "data_sha256": "0" * 64, **others}, runs)


def test_fewer_seeds_do_not_replace_more(matrix: Project) -> None:
    """Native runs of some seeds go into those of all, if their origin is the same."""
    path = matrix.native_run_path(CASE, NEW)
    assert native_runs.settle(matrix, native([0, 1, 2], BEFORE)) is None
    assert native_runs.settle(matrix, native([1], LATER, 2.0)) is None
    found = records.native_runs(path)
    assert [(run.seed, run.final_loss) for run in found.runs[SGD]] == [(0, 1), (1, 2), (2, 1)]
    assert (found.provenance["recorded"], found.provenance["renewed"]) == (BEFORE, LATER)
    before = path.read_bytes()
    said = native_runs.settle(matrix, native([1], LATER, 3.0, packages={"torch": "another"}))
    assert said is not None and "packages differ" in said and "--native --again" in said
    assert path.read_bytes() == before
    assert records.native_runs(matrix.native_partial_path(CASE, NEW)).runs[SGD][0].final_loss == 3
    whole = native([0, 1, 2, 3], LAST, 4.0, packages={"torch": "another"})
    assert native_runs.settle(matrix, whole) is None
    assert records.native_runs(path) == whole
    assert not matrix.native_partial_path(CASE, NEW).exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "[" * 100_000, '{"a": NaN}'])
def test_native_runs_that_cannot_be_joined_are_replaced(matrix: Project, text: str) -> None:
    """What cannot be read is nothing that could be lost, and no traceback."""
    path = matrix.native_run_path(CASE, NEW)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert native_runs.settle(matrix, native([0, 1])) is None
    assert len(records.native_runs(path).runs[SGD]) == 2


def test_a_part_beside_a_damaged_whole_stays_apart(matrix: Project, measured: Record) -> None:
    """A whole run that is cut off is not written anew from what is left of it."""
    put(matrix, replace(measured, environment=NEW))
    path = matrix.run_path(CASE, NEW)
    path.write_text(path.read_text()[:-20])
    before = path.read_bytes()
    said = leave(matrix, None, select(replace(measured, environment=NEW), SGD))
    assert said is not None and "cannot be read" in said
    assert path.read_bytes() == before


def test_a_selection_that_its_record_declares_hides_nothing(matrix: Project,
                                                            measured: Record) -> None:
    """What a record says of its own selection does not keep the rest from being missing."""
    put(matrix, select(replace(measured, environment=NEW), SGD))
    assert harness(matrix, "compare", NEW) == 3


def test_errors_end_when_their_variants_are_measured(matrix: Project, measured: Record) -> None:
    """The whole run has failed no longer when what raised an error has been measured."""
    whole = replace(of_time(measured, BEFORE, errors=[SGD]), environment=NEW)
    broken = replace(whole.variants[SGD], error="RuntimeError: no kernel", trajectories={})
    whole = replace(whole, variants={**whole.variants, SGD: broken})
    matrix.failure_path(CASE, NEW).parent.mkdir(parents=True)
    matrix.failure_path(CASE, NEW).write_text("1 variants raised an error")
    part = select(of_time(replace(measured, environment=NEW), LATER), SGD)
    assert leave(matrix, whole, part) is None
    head = json.loads(matrix.run_path(CASE, NEW).read_text())["provenance"]
    assert "errors" not in head
    assert not matrix.failure_path(CASE, NEW).exists()
