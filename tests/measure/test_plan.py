"""What a run is asked for, as pieces of work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.measure import plan
from harness.records import writing
from harness.records.project import Project
from harness.records.record import Record
from harness.vocabulary import faults


def test_the_longest_case_goes_first(project: Project, measured: Record) -> None:
    """What has no baseline yet leads, then the cases by the seconds that they took."""
    for case, seconds in (("xor", 9.0), ("masked_sequences", 30.0), ("imbalanced_binary", 2.0)):
        record = replace(measured, case=case, provenance={**measured.provenance,
                                                          "seconds": seconds})
        writing.write(record, project.baseline_path(case, "torch-2.13.0"))
    pieces = plan.cases(project, "torch-2.13.0", [], None)
    assert [piece.case for piece in pieces] == [
        "conv1d_stability", "dropout", "masked_sequences", "xor", "imbalanced_binary"]


def test_only_cases_with_a_selected_variant(project: Project) -> None:
    """Patterns go with the work, and leave out cases that they select nothing of."""
    (piece,) = plan.cases(project, "reference", [], ["cce_*"])
    assert (piece.case, piece.variants) == ("imbalanced_binary", ("cce_*",))


def test_all_variants_are_no_selection(project: Project) -> None:
    """Patterns that select a whole case leave a whole run."""
    assert {piece.variants for piece in plan.cases(project, "reference", [], ["*"])} == {()}


def test_a_case_that_does_not_load_is_work(project: Project) -> None:
    """Its worker will say why; the other cases are measured."""
    (project.root / "cases" / "broken.py").write_text("def (")
    assert {piece.case for piece in plan.cases(project, "reference", [], None)} == {
        "broken", *(case for case in project.case_names())}


def test_native_runs_are_one_piece_a_seed(project: Project) -> None:
    """Every variant and seed is a piece of its own; the case says how many seeds."""
    cases = project.cases()
    declared = next(case.native for case in cases if case.native)
    assert len(plan.native(cases, None)) == declared.seeds * len(declared.variants) >= 40
    assert [piece.seed for piece in plan.native(cases, range(2))] == [0, 0, 1, 1]
    some = plan.native(cases, range(2), ["mse*"])
    assert [(piece.variants, piece.seed) for piece in some] == [
        (("mse-adam_0.015",), 0), (("mse-adam_0.015",), 1)]
    for names, patterns in ((["xor"], None), (None, ["nothing"])):
        with pytest.raises(UsageError, match="no case here has native runs"):
            plan.native(project.cases(names), None, patterns)


def test_faults_of_a_framework() -> None:
    """Each fault it can have, and one native run where only that can show it."""
    pieces = plan.faulty("torch-2.13.0")
    injected = [piece.fault for piece in pieces if piece.seed is None]
    assert injected == [fault.name for fault in faults.expressible("torch")]
    assert [piece.fault for piece in pieces if piece.seed == 0] == [
        "glorot_for_he", "data_order_changed", "last_batch_dropped"]
    with pytest.raises(UsageError, match="no faults"):
        plan.faulty("reference")
