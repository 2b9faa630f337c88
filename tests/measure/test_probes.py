"""Probes: the reference against itself, what rounding may do, and what a check says."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from harness.compare.checks.finding import Verdict
from harness.compare.checks.pair import Pair
from harness.compare.checks.probes import (
    check_float32_probes,
    check_float32_stress,
    check_float64_probes,
    check_float64_stress,
)
from harness.measure import probes, worker
from harness.measure.adapters import reference
from harness.measure.adapters.task import Step, prepare
from harness.records.project import Project
from harness.records.record import Probes, VariantRecord
from harness.vocabulary.case import Case, Variant

SGD = "bce_logits-sgd_0.1"
TENSORS = ["outputs", "loss", "gradient of d.kernel", "update of d.kernel"]


def find(checkout: Project, case: str, name: str) -> tuple[Case, Variant]:
    """Return a case and one of its variants."""
    found = checkout.case(case)
    return found, next(v for v in found.variants if v.name == name)


def checkpoints(checkout: Project, case: Case, variant: Variant) -> Iterator[probes.Checkpoint]:
    """Return the checkpoints of a variant, on its case's data and initial weights."""
    return probes.checkpoints(case, variant, checkout.batches(case), checkout.weights(variant))


class Off(reference.Reference):
    """The reference with one tensor of its step altered."""

    def __init__(self, task: object, change: object) -> None:
        super().__init__(task)
        self.change = change

    def probe(self, weights: object, batch: object) -> Step:
        """Return the altered step."""
        return self.change(super().probe(weights, batch))


def scale_gradients(step: Step) -> Step:
    """Return the step with its gradients a millionth too large."""
    return replace(step, gradients={k: v * (1 + 1e-6) for k, v in step.gradients.items()})


@pytest.mark.parametrize(("case", "name"), [
    ("xor", "bce_sigmoid-sgd_0.01"), ("imbalanced_binary", "cce_softmax-adam_0.01"),
    ("masked_sequences", "lstm_native-sgd_0.3")])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_reference_stays_within_what_it_learned(checkout: Project, case: str, name: str,
                                                    precision: str) -> None:
    """Its own float64 steps are exact, its float32 steps within the allowance everywhere."""
    found, variant = find(checkout, case, name)
    expected = [(point, probes.expect(variant, point))
                for point in checkpoints(checkout, found, variant)]
    task = prepare(found, variant, precision, checkout.batches(found), checkout.weights(variant))
    measured = probes.measure(task, reference.build(task), expected)
    assert list(measured.errors) == [point.name for point, _ in expected]
    for point, errors in measured.errors.items():
        assert all(e <= a / 3 for e, a in zip(errors, measured.allowances[point], strict=True))
        if precision == "float64":
            assert max(errors) == 0


def test_checkpoints_are_of_the_trajectory_and_of_stress(checkout: Project) -> None:
    """Reference checkpoints first; scaled, imbalanced and padded ones where they make sense."""
    names = {case: [p.name for p in checkpoints(checkout, *find(checkout, case, name))]
             for case, name in (("xor", "bce_logits-sgd_0.01"),
                                ("masked_sequences", "lstm_native-sgd_0.3"),
                                ("imbalanced_binary", "bce_logits-sgd_0.1-scaled_30"))}
    steps = ["step_0", "step_1", "step_10", "step_100"]
    scaled = ["scaled_3", "scaled_10", "scaled_30", "scaled_100"]
    assert names == {"xor": [*steps, *scaled, "one_positive"],
                     "masked_sequences": [*steps, *scaled, "masked_row"],
                     "imbalanced_binary": [*steps, "one_positive"]}
    assert [p.name for p in checkpoints(checkout, *find(checkout, "xor", SGD))] == steps, \
        "another learning rate needs no stress of its own"


def test_a_gradient_that_is_off_shows_in_gradients_alone(checkout: Project) -> None:
    """A millionth is far beyond float64's allowance, and outputs, loss, updates stay right."""
    case, variant = find(checkout, "xor", SGD)
    point = next(checkpoints(checkout, case, variant))
    task = prepare(case, variant, "float64", checkout.batches(case), checkout.weights(variant))
    measured = probes.measure(task, Off(task, scale_gradients),
                              [(point, probes.expect(variant, point))])
    off = [tensor for tensor, error, limit in
           zip(measured.tensors, measured.errors["step_0"], measured.allowances["step_0"],
               strict=True) if error > limit]
    assert off == [t for t in measured.tensors if t.startswith("gradient of")]


def test_nan_is_infinitely_off_even_in_padding(checkout: Project) -> None:
    """What a model gives for padding does not matter, unless it is no number."""
    case, variant = find(checkout, "masked_sequences", "lstm_native-sgd_0.3")
    point = next(checkpoints(checkout, case, variant))
    expected = [(point, probes.expect(variant, point))]
    task = prepare(case, variant, "float32", checkout.batches(case), checkout.weights(variant))
    row, position = np.argwhere(point.batch.mask == 0)[0]

    def padded(value: float) -> float:
        def change(step: Step) -> Step:
            step.outputs[row, position, 0] = value
            return step
        return probes.measure(task, Off(task, change), expected).errors["step_0"][0]

    assert padded(1e3) < 1e-6
    assert padded(np.nan) == np.inf


def test_nothing_is_expected_where_the_reference_is_not_finite(checkout: Project) -> None:
    """Weights that overflow in float64 as well leave nothing to compare with."""
    case, variant = find(checkout, "xor", SGD)
    point = next(checkpoints(checkout, case, variant))
    broken = {name: np.full_like(value, np.inf) for name, value in point.weights.items()}
    assert probes.expect(variant, replace(point, weights=broken)) is None


@pytest.mark.parametrize(("empty", "kept"), [
    (1, ["step_0", "scaled_3", "scaled_10", "scaled_30", "scaled_100", "masked_row"]), (0, [])])
def test_a_batch_without_a_token_leaves_the_other_probes(checkout: Project, empty: int,
                                                         kept: list[str]) -> None:
    """The loss is not finite from that batch on; what comes before is measured all the same."""
    case, variant = find(checkout, "masked_sequences", "lstm_native-sgd_0.3")
    batches = checkout.batches(case)
    assert batches.mask is not None
    batches.mask[empty] = 0
    record = worker.measure_variant(checkout, reference, case, variant, batches,
                                    lambda *_, **__: None)
    assert record.error is None
    loss = np.asarray(record.trajectories["float64"].loss)
    assert np.isfinite(loss).tolist() == [step < empty for step in range(batches.steps)]
    assert [list(record.probes[p].errors) for p in ("float64", "float32")] == [kept, kept]


# -------------------------------------------------------------------- check
def pair_of(checkout: Project, observed: list[float], baseline: list[float],
            checkpoint: str = "step_10", precision: str = "float64") -> Pair:
    """Return two sides with one checkpoint, each error allowed to be 1e-6."""
    case, variant = find(checkout, "xor", SGD)
    sides = []
    for errors in (observed, baseline):
        record = VariantRecord("")
        record.probes[precision] = Probes(TENSORS, {checkpoint: errors}, {checkpoint: [1e-6] * 4})
        sides.append(record)
    return Pair(case, variant, *copy.deepcopy(sides), {})


@pytest.mark.parametrize(("observed", "phase"), [
    ([1e-3, 1e-3, 1e-3, 1e-3], "forward"), ([0, 1e-3, 1e-3, 1e-3], "loss"),
    ([0, 0, 1e-3, 1e-3], "gradient"), ([0, 0, 0, 1e-3], "update"),
    ([0, 0, 0, float("inf")], "update")])
def test_the_first_tensor_that_is_off_names_the_phase(checkout: Project, observed: list[float],
                                                      phase: str) -> None:
    """Outputs, loss, gradients and updates arise in this order."""
    finding = check_float64_probes(pair_of(checkout, observed, [0.0] * 4))[0]
    assert (finding.verdict, finding.phase, finding.step) == (Verdict.DRIFT, phase, 10)
    assert finding.tensor in TENSORS and finding.tensor in finding.sentence


def test_a_tiny_error_is_not_the_cause_of_a_large_one(checkout: Project) -> None:
    """Outputs off by 1e-5 and a loss off by 1 are two things; outputs off by 1e-2 are one."""
    for outputs, phase in ((1e-5, "loss"), (1e-2, "forward")):
        finding = check_float64_probes(pair_of(checkout, [outputs, 1, 1, 1], [0.0] * 4))[0]
        assert finding.phase == phase


def test_what_was_off_before_is_no_news(checkout: Project) -> None:
    """Both sides off alike are equivalent; coming right is said as such."""
    was = [0.0, 0.0, 0.3, 0.0]
    assert check_float64_probes(pair_of(checkout, was, was))[0].verdict is Verdict.IDENTICAL
    assert check_float64_probes(pair_of(checkout, [0, 0, 0.31, 0], was))[0].verdict \
        is Verdict.EQUIVALENT
    assert "comes right" in check_float64_probes(pair_of(checkout, [0.0] * 4, was))[0].sentence
    worse = check_float64_probes(pair_of(checkout, [0, 0, 0.9, 0], was))[0]
    assert (worse.verdict, worse.phase) == (Verdict.DRIFT, "gradient")


def test_float32_says_nothing_where_both_sides_are_off(checkout: Project) -> None:
    """Amplified rounding comes out as any multiple; what is new in float32 is still seen."""
    for baseline, verdict in (([0, 0, 0.01, 0], Verdict.EQUIVALENT),
                              ([0, 0, 1e-8, 0], Verdict.DRIFT)):
        pair = pair_of(checkout, [0, 0, 1.0, 0], baseline, "scaled_10", "float32")
        assert check_float32_stress(pair)[0].verdict is verdict


def test_stress_has_a_check_of_its_own(checkout: Project) -> None:
    """A waiver for saturated weights must not cover a checkpoint of the trajectory."""
    pair = pair_of(checkout, [0, 1.0, 1.0, 1.0], [0.0] * 4, "scaled_30")
    assert check_float64_probes(pair) == [] and check_float32_stress(pair) == []
    finding = check_float64_stress(pair)[0]
    assert (finding.check, finding.phase, finding.checkpoint) == ("float64_stress", "loss",
                                                                  "scaled_30")


def test_updates_under_stress_are_not_judged(checkout: Project) -> None:
    """What Adam makes of a saturated gradient's rounding is no finding."""
    pair = pair_of(checkout, [0, 0, 0, 1.0], [0.0] * 4, "scaled_30")
    assert check_float64_stress(pair)[0].verdict <= Verdict.EQUIVALENT


def test_a_record_without_probes_is_not_judged(checkout: Project) -> None:
    """Curves of another program have no probes, and nothing is said of them."""
    pair = pair_of(checkout, [1.0] * 4, [0.0] * 4)
    pair.baseline.probes.clear()
    assert check_float64_probes(pair) == []


@pytest.mark.parametrize(("precision", "factor", "is_seen"), [
    ("float64", 1e-11, True), ("float64", 1e-12, False),
    ("float32", 3e-6, True), ("float32", 1e-6, False)])
def test_how_small_a_factor_on_a_gradient_is_seen(checkout: Project, precision: str,
                                                  factor: float, is_seen: bool) -> None:
    """The limits of detection, at the reference's own checkpoints of XOR."""
    case, variant = find(checkout, "xor", "bce_sigmoid-sgd_0.01")
    batches, weights = checkout.batches(case), checkout.weights(variant)
    task = prepare(case, variant, precision, batches, weights)
    expected = [(c, probes.expect(variant, c)) for c in checkpoints(checkout, case, variant)]
    right = probes.measure(task, reference.build(task), expected)
    wrong = copy.deepcopy(right)
    for checkpoint, expectation in expected:
        for place, (name, value) in enumerate(expectation.tensors.items()):
            if name.startswith("gradient of "):
                wrong.errors[checkpoint.name][place] += \
                    factor * float(np.linalg.norm(value)) / expectation.scales[name]
    sides = [VariantRecord("", probes={precision: side}) for side in (wrong, right)]
    check = check_float64_probes if precision == "float64" else check_float32_probes
    finding, = check(Pair(case, variant, *sides, {}))
    assert finding.verdict.is_difference is is_seen
    assert not is_seen or finding.phase == "gradient"


@pytest.mark.parametrize(("checkpoint", "error", "verdict"), [
    ("step_0", 2e-2, Verdict.DRIFT), ("step_0", 2e-3, Verdict.EQUIVALENT),
    ("scaled_30", 2e-2, Verdict.EQUIVALENT), ("scaled_30", 10.0, Verdict.DRIFT),
    ("scaled_30", np.inf, Verdict.DRIFT)])
def test_float32_where_both_are_off(checkout: Project, checkpoint: str, error: float,
                                    verdict: Verdict) -> None:
    """A defect that is known does not hide another one: its size is bounded."""
    case, variant = find(checkout, "xor", SGD)

    def side(wrong: float) -> VariantRecord:
        return VariantRecord("", probes={"float32": Probes(
            TENSORS, {checkpoint: [0.0, 0.0, wrong, 0.0]}, {checkpoint: [1e-6] * 4})})

    check = check_float32_probes if checkpoint.startswith("step_") else check_float32_stress
    found, = check(Pair(case, variant, side(error), side(1e-3), {}))
    assert found.verdict is verdict
