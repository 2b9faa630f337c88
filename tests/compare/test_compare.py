"""From records to verdicts: what agrees, what differs, where it begins, who is to blame."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.compare.checks.finding import Verdict
from harness.compare.compare import Question, Report, compare
from harness.errors import HarnessError, UsageError
from harness.records import writing
from harness.records.project import Project
from harness.records.record import Probes, Record, Trajectory
from harness.store.store import Store

SGD, ADAM = "bce_sigmoid-sgd_0.1", "bce_sigmoid-adam_0.01"
Change = Callable[[Record], None]


def place(project: Project, record: Record, environment: str, folder: Path) -> None:
    """Write a record under another environment's name."""
    record = dataclasses.replace(record, environment=environment)
    writing.write(record, folder / record.case / f"{environment}.json")


def outcome(project: Project, measured: Record, change: Change | None = None,
            **question: object) -> Report:
    """Compare an altered run of torch with its own unaltered baseline."""
    observed = copy.deepcopy(measured)
    if change:
        change(observed)
    place(project, measured, "reference", project.baselines)
    place(project, measured, "torch-2.13.0", project.baselines)
    place(project, observed, "torch-2.13.0", project.runs)
    asked = {"environments": ("torch-2.13.0",), "against": "baseline",
             "cases": ("imbalanced_binary",), **question}
    return compare(project, Question(**asked))  # type: ignore[arg-type]


def only(report: Report, variant: str) -> object:
    """Return the one comparison of a variant."""
    return next(c for c in report.comparisons if c.variant == variant)


def scaled(precision: str, curve: str, start: int, factor: float) -> Change:
    """Return a change that multiplies a curve of the SGD variant from a step on."""
    def change(record: Record) -> None:
        values = getattr(record.variants[SGD].trajectories[precision], curve)
        values[start:] = [value * factor for value in values[start:]]
    return change


def test_the_same_record_is_identical(project: Project, measured: Record) -> None:
    """A run that equals its baseline matches, with exit code 0."""
    report = outcome(project, measured)
    assert {c.verdict for c in report.comparisons} == {Verdict.IDENTICAL}
    assert (len(report.comparisons), report.exit_code) == (2, 0)


@pytest.mark.parametrize(("factor", "verdict", "code"), [
    (1 + 1e-13, Verdict.IDENTICAL, 0),
    (1 + 1e-10, Verdict.EQUIVALENT, 0),
    (1 + 1e-6, Verdict.DRIFT, 1),
    (1 + 1e-2, Verdict.DRIFT, 1),
])
def test_float64_sees_a_millionth(project: Project, measured: Record, factor: float,
                                  verdict: Verdict, code: int) -> None:
    """The float64 loss decides at 1e-12, 1e-9 and 1e-4."""
    report = outcome(project, measured, scaled("float64", "loss", 7, factor))
    assert only(report, SGD).verdict is verdict
    assert only(report, ADAM).verdict is Verdict.IDENTICAL
    assert report.exit_code == code


def test_behaviour_and_implementation_are_told_apart(project: Project,
                                                     measured: Record) -> None:
    """Up to 1e-4 another implementation is said, above it another behaviour."""
    for factor, words in ((1 + 1e-6, "implementation changed"), (1.01, "behaviour changed")):
        finding = only(outcome(project, measured, scaled("float64", "loss", 7, factor)), SGD).worst
        assert words in finding.sentence
        assert finding.step == 7


def test_float32_rounding_is_no_difference(project: Project, measured: Record) -> None:
    """One or two last bits of a float32 loss are equivalent; 1e-5 is drift."""
    def one_ulp(record: Record) -> None:
        loss = record.variants[SGD].trajectories["float32"].loss
        loss[:] = [float(np.nextafter(np.float32(v), np.float32(9))) for v in loss]

    assert only(outcome(project, measured, one_ulp), SGD).verdict is Verdict.EQUIVALENT
    report = outcome(project, measured, scaled("float32", "loss", 3, 1 + 1e-5))
    assert only(report, SGD).verdict is Verdict.DRIFT
    assert only(report, SGD).worst.required > 1


@pytest.mark.parametrize(("curve", "phase"), [("gradient_norm", "gradient"),
                                              ("update_norm", "update")])
def test_the_curve_that_leaves_first_names_the_phase(project: Project, measured: Record,
                                                     curve: str, phase: str) -> None:
    """A gradient comes before its update, and both before the next step's loss."""
    def change(record: Record) -> None:
        scaled("float64", curve, 5, 1.001)(record)
        scaled("float64", "loss", 6, 1.001)(record)

    assert only(outcome(project, measured, change), SGD).worst.phase == phase


@pytest.mark.parametrize(("sibling", "phase"), [(ADAM, "forward"),
                                                ("bce_logits-sgd_0.1", "loss")])
def test_the_loss_at_step_0_comes_before_any_gradient(project: Project, measured: Record,
                                                      sibling: str, phase: str) -> None:
    """If another loss path on the same weights agrees, it is the loss and not the model."""
    base = copy.deepcopy(measured)
    base.variants[sibling] = base.variants.pop(ADAM)
    report = outcome(project, base, scaled("float64", "loss", 0, 1.001))
    assert only(report, SGD).worst.phase == phase


def test_without_norms_the_siblings_name_the_phase(project: Project, measured: Record) -> None:
    """Only losses recorded: if the same path agrees under Adam, it is SGD's update."""
    base = copy.deepcopy(measured)
    for variant in base.variants.values():
        for trajectory in variant.trajectories.values():
            trajectory.gradient_norm = trajectory.update_norm = None
    report = outcome(project, base, scaled("float64", "loss", 1, 1.1))
    assert only(report, SGD).worst.phase == "update"
    both = outcome(project, base, lambda record: [
        t.loss.__setitem__(slice(1, None), [v * 1.1 for v in t.loss[1:]])
        for v in record.variants.values() for t in v.trajectories.values()])
    assert only(both, SGD).worst.phase is None
    assert "nothing recorded can tell" in only(both, SGD).worst.sentence


def test_what_is_waived_does_not_name_the_phase_of_what_is_not(project: Project,
                                                               measured: Record) -> None:
    """A waived probe of the update says nothing of a gradient that is off on its own."""
    base = copy.deepcopy(measured)
    base.variants[SGD].probes["float64"] = Probes(
        ["outputs", "update of dense_0.kernel"], {"step_0": [0.0, 0.0]},
        {"step_0": [1e-9, 1e-9]})

    def change(record: Record) -> None:
        record.variants[SGD].probes["float64"].errors["step_0"][1] = 0.3
        scaled("float64", "gradient_norm", 5, 1.1)(record)

    def phase_of_the_curve() -> str | None:
        found = only(outcome(project, base, change), SGD).findings
        return next(f.phase for f in found if f.check == "float64_trajectory")

    assert phase_of_the_curve() == "update"
    (project.root / "results" / "waivers.toml").write_text(
        '[[waiver]]\nenvironment = "*"\nagainst = "*"\ncase = "*"\nvariant = "*"\n'
        'check = "float64_probes"\nat_most = 1\nreason = "known"\nupstream = ""\ndate = ""\n')
    assert phase_of_the_curve() == "gradient"


def test_a_broken_promise_is_a_regression_whatever_the_numbers(project: Project,
                                                               measured: Record) -> None:
    """Recall that collapses is a regression, and its return an improvement."""
    def collapse(record: Record) -> None:
        for trajectory in record.variants[SGD].trajectories.values():
            trajectory.metrics["recall"][-1] = 0.0

    report = outcome(project, measured, collapse)
    assert only(report, SGD).verdict is Verdict.REGRESSION
    assert "recall 0 ends below 0.5" in only(report, SGD).worst.sentence
    broken = copy.deepcopy(measured)
    collapse(broken)
    back = outcome(project, broken, lambda r: r.variants.update(copy.deepcopy(measured.variants)))
    assert (only(back, SGD).verdict, back.exit_code) == (Verdict.IMPROVEMENT, 1)


def test_nan_is_a_result(project: Project, measured: Record) -> None:
    """A loss that turns NaN is a regression at its step, not a crash."""
    def nan(record: Record) -> None:
        trajectory: Trajectory = record.variants[SGD].trajectories["float32"]
        trajectory.loss[20:] = [float("nan")] * len(trajectory.loss[20:])

    worst = only(outcome(project, measured, nan), SGD)
    assert worst.verdict is Verdict.REGRESSION
    assert any(f.step == 20 and f.deviation == np.inf for f in worst.findings)


def test_a_variant_that_is_gone_is_missing(project: Project, measured: Record) -> None:
    """What the baseline has and the run lacks is named, and cannot pass."""
    report = outcome(project, measured, lambda record: record.variants.pop(ADAM))
    assert (only(report, ADAM).verdict, report.exit_code) == (Verdict.MISSING, 3)


def test_an_error_in_one_variant_leaves_the_others(project: Project, measured: Record) -> None:
    """A variant that raised is an error; its sibling still has a verdict."""
    def fail(record: Record) -> None:
        record.variants[ADAM] = dataclasses.replace(record.variants[ADAM], trajectories={},
                                                    error="RuntimeError: no kernel")

    report = outcome(project, measured, fail)
    assert only(report, ADAM).verdict is Verdict.ERROR
    assert only(report, SGD).verdict is Verdict.IDENTICAL
    assert report.exit_code == 3


def test_unsupported_is_said_not_skipped(project: Project, measured: Record) -> None:
    """Unsupported against the reference is a note; newly unsupported is missing."""
    def unsupported(record: Record) -> None:
        record.variants[ADAM] = dataclasses.replace(record.variants[ADAM], trajectories={},
                                                    unsupported="no Adam here")

    report = outcome(project, measured, unsupported, against="reference")
    assert any("no Adam here" in note for note in report.notes)
    assert report.exit_code == 0
    report = outcome(project, measured, unsupported)
    assert (only(report, ADAM).verdict, report.exit_code) == (Verdict.MISSING, 3)


def test_selection_by_pattern(project: Project, measured: Record) -> None:
    """--variant compares what matches; a pattern that matches nothing is an error."""
    report = outcome(project, measured, variants=("*adam*",))
    assert [c.variant for c in report.comparisons] == [ADAM]
    with pytest.raises(HarnessError, match="no variant matches"):
        outcome(project, measured, variants=("nope*",))


def test_another_program_need_not_hand_in_every_case(project: Project,
                                                     measured: Record) -> None:
    """Without a record of xor it is compared on the other case, unless xor is asked for."""
    place(project, measured, "reference", project.baselines)
    place(project, measured, "stranger-1.0", project.baselines)
    assert compare(project, Question(("stranger-1.0",))).exit_code == 0
    assert compare(project, Question(("stranger-1.0",), cases=("xor",))).exit_code == 3


@pytest.mark.parametrize(("stored", "sides"), [
    (("torch-2.6.0", "torch-2.7.1"), {("previous", "torch-2.6.0"), ("next", "torch-2.7.1")}),
    (("torch-2.6.0",), {("previous", "torch-2.6.0")}),
    (("torch-2.7.1",), {("next", "torch-2.7.1")}),
])
@pytest.mark.parametrize(("change", "code"), [(None, 0), (1.01, 1)])
def test_a_release_without_a_baseline_is_compared_with_its_neighbours(
        project: Project, measured: Record, stored: tuple[str, ...],
        sides: set[tuple[str, str]], change: float | None, code: int) -> None:
    """An unlisted release is noted, and the exit code is what was found."""
    observed = copy.deepcopy(measured)
    if change:
        scaled("float64", "loss", 7, change)(observed)
    for name in ("reference", *stored):
        place(project, measured, name, project.baselines)
    place(project, observed, "torch-2.7.0", project.runs)
    report = compare(project, Question())
    assert {(c.against, c.baseline) for c in report.comparisons} \
        == {*sides, ("reference", "reference")}
    assert report.exit_code == code
    note, = report.notes
    assert note.startswith("torch-2.7.0 has no baseline on imbalanced_binary")
    assert all(name in note for name in stored)


def test_a_release_without_neighbours_has_no_verdict(project: Project, measured: Record) -> None:
    """With nothing but the reference it is not known what may have moved."""
    place(project, measured, "reference", project.baselines)
    place(project, measured, "torch-2.7.0", project.runs)
    assert compare(project, Question()).exit_code == 3


def test_a_waiver_between_two_versions_holds_for_the_next_one(project: Project,
                                                              measured: Record) -> None:
    """What changed at 2.7.1 is explained from 2.7.0, too, which has no baseline."""
    waiver = "\n".join(["[[waiver]]", 'environment = "torch-*"', 'against = "previous"',
                        'case = "*"', 'variant = "*"', 'check = "*"', "at_most = 1",
                        'reason = "r"', 'upstream = "u"', 'date = "2026-11-21"',
                        'from_version = "2.7.1"'])
    (project.root / "results" / "waivers.toml").write_text(waiver)
    newer = copy.deepcopy(measured)
    scaled("float64", "loss", 7, 1.01)(newer)
    place(project, newer, "torch-2.7.1", project.baselines)
    place(project, measured, "torch-2.6.0", project.baselines)
    place(project, measured, "reference", project.baselines)
    place(project, measured, "torch-2.7.0", project.runs)
    report = compare(project, Question())
    assert (report.exit_code, sum(c.is_waived for c in report.comparisons)) == (0, 1)


def test_a_side_that_one_lacks_does_not_stop_the_others(project: Project,
                                                        measured: Record) -> None:
    """Everything measured against the previous version: the reference has none, torch has."""
    for name in ("reference", "torch-2.12.1"):
        place(project, measured, name, project.baselines)
    for name in ("reference", "torch-2.13.0"):
        place(project, measured, name, project.runs)
    report = compare(project, Question(against="previous"))
    assert {c.observed for c in report.comparisons} == {"torch-2.13.0"}
    assert any("reference has no previous" in note for note in report.notes)


def test_nothing_measured_fails(project: Project) -> None:
    """A matrix in which nothing ran is an error, never a match."""
    with pytest.raises(HarnessError, match="nothing was compared"):
        compare(project, Question())


@pytest.mark.parametrize("question", [
    Question(environments=("torch-9.9",)), Question(against="torch-9.9"),
    Question(cases=("mnist",))])
def test_unknown_names_list_the_known(project: Project, question: Question) -> None:
    """An unknown environment or case is wrong use, and the known ones are listed."""
    with pytest.raises(UsageError, match="unknown") as error:
        compare(project, question)
    assert "known:" in str(error.value)


def test_real_axon_releases(checkout: Project) -> None:
    """Axon 0.6.1 breaks bce_sigmoid in its gradient, which a probe at step 0 names."""
    report = compare(checkout, Question(("axon-0.6.1",), "axon-0.6.0"))
    probed = 0
    for comparison in report.comparisons:
        off = [f for f in comparison.findings if f.verdict > Verdict.EQUIVALENT]
        if not comparison.variant.startswith("bce_sigmoid"):
            # it hides the logits of a softmax as well, which shows where that saturates
            assert all(f.check.endswith("_stress") for f in off)
            assert not off or comparison.variant == "cce_softmax-sgd_0.1"
            continue
        assert comparison.verdict is Verdict.REGRESSION
        curve = next(f for f in off if f.check == "float32_trajectory")
        if comparison.variant.endswith("scaled_30"):
            assert curve.phase == "gradient"  # the loss is off as well, by a rounding
            continue
        assert (curve.step, curve.phase) == (1, "gradient")
        for probe in (f for f in off if f.check.endswith("_probes")):
            probed += 1
            assert (probe.step, probe.phase) == (0, "gradient")
            assert probe.tensor in ("gradient of dense_1.bias", "gradient of dense_1.kernel")
    assert probed >= 8
    assert report.exit_code == 1


def test_what_to_type_where_there_is_no_baseline(project: Project, measured: Record) -> None:
    """What was measured can be accepted; what was not must be measured first."""
    store = Store(project)
    with pytest.raises(HarnessError, match=r"tox run -e torch-2\.13\.0 -- imb"):
        store.baseline("imbalanced_binary", "torch-2.13.0")
    place(project, measured, "torch-2.13.0", project.runs)
    with pytest.raises(HarnessError, match=r"harness accept torch-2\.13\.0 imb"):
        store.baseline("imbalanced_binary", "torch-2.13.0")


def test_a_release_that_nobody_measured_can_be_measured(project: Project) -> None:
    """Any release of a framework is an environment; what is none is looked up."""
    for name, command in (("torch-2.7.0", "tox run -e torch-2.7.0"), ("torhc", "harness list")):
        with pytest.raises(UsageError) as told:
            Store(project).require_known(name)
        assert told.value.next_command == command
