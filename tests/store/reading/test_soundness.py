"""What cannot be true is refused, and no run excuses itself by its own allowances."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.compare.checks.finding import Verdict
from harness.compare.compare import Question, compare
from harness.errors import HarnessError
from harness.records.project import Project
from harness.records.record import CURVES, NativeRun, Probes, Record, VariantRecord
from harness.store.reading import soundness
from harness.store.store import Store
from tests.kit.stored import CASE, TORCH, VARIANT, furnish, put

Change = Callable[[VariantRecord], object]


@pytest.fixture(scope="module")
def variant(checkout: Project) -> VariantRecord:
    """Return a real variant that holds everything."""
    return Store(checkout).baseline(CASE, TORCH).variants[VARIANT]


def check(checkout: Project, variant: VariantRecord, change: Change) -> None:
    """Check a variant that was changed."""
    case = checkout.case(CASE)
    changed = copy.deepcopy(variant)
    change(changed)
    soundness.check(case, next(v for v in case.variants if v.name == VARIANT),
                    len(variant.trajectories["float64"].loss), changed, "here")


def of_curve(name: str, value: float) -> Change:
    """Return a change of one number of a float32 curve."""
    def change(variant: VariantRecord) -> None:
        trajectory = variant.trajectories["float32"]
        setattr(trajectory, name, [*list(getattr(trajectory, name))[:-1], value])
    return change


def of_probes(part: str, value: float) -> Change:
    """Return a change of one number of the float64 probes."""
    def change(variant: VariantRecord) -> None:
        getattr(variant.probes["float64"], part)["step_1"][2] = value
    return change


def of_metrics(name: str, index: int, value: float) -> Change:
    """Return a change of one number of the metrics."""
    def change(variant: VariantRecord) -> None:
        variant.trajectories["float64"].metrics[name][index] = value  # type: ignore[index]
    return change


def renamed(variant: VariantRecord, old: str, new: str) -> None:
    """Give a checkpoint another name."""
    for part in ("errors", "allowances"):
        found = getattr(variant.probes["float32"], part)
        found[new] = found.pop(old)


UNSOUND: dict[str, tuple[Change, str]] = {
    "a loss beyond float32": (of_curve("loss", 1e39), "fit its precision"),
    "a negative norm": (of_curve("gradient_norm", -1.0), "negative"),
    "an infinite norm below 0": (of_curve("update_norm", -math.inf), "negative"),
    "an error that is NaN": (of_probes("errors", math.nan), "NaN"),
    "a negative error": (of_probes("errors", -1e-9), "negative"),
    "an allowance of 0": (of_probes("allowances", 0.0), "more than 0"),
    "an allowance that is NaN": (of_probes("allowances", math.nan), "more than 0"),
    "a negative allowance": (of_probes("allowances", -1.0), "more than 0"),
    "a metric above 1": (of_metrics("accuracy", 0, 1.5), "between 0 and 1"),
    "a metric that is NaN": (of_metrics("accuracy", 0, math.nan), "between 0 and 1"),
    "a negative step": (of_metrics("step", 0, -1), "ascend"),
    "a step between two": (of_metrics("step", 1, 0.5), "ascend"),
    "a step after the end": (of_metrics("step", -1, 10**6), "ascend"),
    "a last step before the end": (lambda v: [column.pop() for column in  # type: ignore[union-attr]
                                              v.trajectories["float64"].metrics.values()],
                                   "end with the training"),
    "a column too short": (lambda v: v.trajectories["float64"].metrics["accuracy"].pop(),  # type: ignore
                           "ascend"),
    "a step that is none": (lambda v: setattr(v.trajectories["float32"], "nonfinite_from", 10**9),
                            "nonfinite_from"),
    "a checkpoint after the end": (lambda v: renamed(v, "step_1", "step_1000000"), "checkpoints"),
    "a checkpoint with another name": (lambda v: renamed(v, "step_1", "step_x"), "checkpoints"),
    "a tensor of another model": (lambda v: v.probes["float32"].tensors.__setitem__(2, "x"),
                                  "tensors"),
    "tensors in another order": (lambda v: v.probes["float32"].tensors.reverse(), "tensors"),
    "no tensor": (lambda v: v.probes.update(float32=Probes([], {"step_0": []}, {"step_0": []})),
                  "tensors"),
    "an invariance that nobody promised": (
        lambda v: v.invariances.update(float32={"padding_gradient": 0.0}), "promises"),
    "a hash that is none": (lambda v: setattr(v, "weights_sha256", "x"), "SHA-256"),
    "a fingerprint's hash": (lambda v: setattr(v.fingerprint, "order_sha256", "0" * 63 + "g"),
                             "SHA-256"),
    "a seed below 0": (lambda v: setattr(v.fingerprint, "seed", -1), "seed"),
    "an epoch without an order": (lambda v: v.fingerprint.order.pop(), "epoch"),  # type: ignore
    "a weight without a count": (
        lambda v: v.fingerprint.weights.update(x=[0.0, 1.0, 0.0]), "count"),  # type: ignore
    "an error that says nothing": (lambda v: setattr(v, "error", ""), "say something"),
    "an envelope that falls": (
        lambda v: setattr(v.trajectories["float32"], "envelope",
                          {name: [1.0, 0.5] for name in CURVES}),
        "running maximum"),
    "an envelope of one curve": (
        lambda v: setattr(v.trajectories["float32"], "envelope", {"loss": [0.0]}), "every curve"),
}


@pytest.mark.parametrize("case", UNSOUND.values(), ids=UNSOUND)
def test_what_cannot_be_true_is_refused(checkout: Project, variant: VariantRecord,
                                        case: tuple[Change, str]) -> None:
    """Each is named, with what was found."""
    with pytest.raises(HarnessError, match=case[1]):
        check(checkout, variant, case[0])


def test_what_is_real_is_sound(checkout: Project) -> None:
    """Baselines of every family can be true: with NaN losses, infinite errors, other programs."""
    store = Store(checkout)
    for case, names in {"masked_sequences": ("torch-1.12.1", "keras-3.0.5"),
                        "xor": ("axon-0.6.1",), CASE: ("reference", "tensorflow-2.4.4")}.items():
        for name in names:
            store.check(store.baseline(case, name), name)


@pytest.mark.parametrize(("change", "words"), [
    ({"data_sha256": "0" * 63}, "SHA-256"), ({"recorded": "yesterday"}, "a time"),
    ({"recorded": "2026-11-21T00:00:00"}, "a time"), ({"seconds": -1.0}, "duration")])
def test_a_provenance_that_cannot_be_is_refused(change: dict[str, object], words: str) -> None:
    """Digests, times and durations are what they are called."""
    with pytest.raises(HarnessError, match=words):
        soundness.check_provenance({"data_sha256": "0" * 64, **change}, None, "here")


@pytest.mark.parametrize("runs", [
    [NativeRun(0, 0.1, None, 1.0, False)], [NativeRun(0, -0.1, None, 1.0, True)],
    [NativeRun(0, 0.1, None, 1.5, True)], [NativeRun(1, 0.1, None, 1.0, True)] * 2,
    [NativeRun(-1, 0.1, None, 1.0, True)]])
def test_native_runs_that_cannot_be_are_refused(checkout: Project, runs: list[NativeRun]) -> None:
    """Whether a run trained follows from its metric; seeds ascend."""
    with pytest.raises(HarnessError, match="cannot be true"):
        soundness.check_native(checkout.case(CASE), {VARIANT: runs}, "here")


@pytest.mark.parametrize("allowance", [math.inf, 1e308, 1.0])
def test_a_run_does_not_excuse_itself(checkout: Project, tmp_path: Path, allowance: float) -> None:
    """A wrong gradient is seen, whatever the run says that it may be off by."""
    project = furnish(checkout, tmp_path)

    def change(record: Record) -> None:
        probes = record.variants[VARIANT].probes["float32"]
        probes.errors["step_1"][2] = 100 * probes.allowances["step_1"][2]
        probes.allowances["step_1"][2] = allowance

    put(project, change)
    found = compare(project, Question((TORCH,), "baseline", (CASE,), (VARIANT,))).comparisons
    assert [c.verdict for c in found] == [Verdict.DRIFT]


def test_the_bound_is_the_references(variant: VariantRecord, checkout: Project) -> None:
    """What a machine may learn at its own checkpoint stays; more is cut."""
    reference = Store(checkout).baseline(CASE, "reference").variants[VARIANT]
    assert soundness.bound(variant, reference) is variant
    assert soundness.bound(variant, None) is variant
    wide = copy.deepcopy(variant)
    wide.probes["float32"].allowances["step_0"][0] *= 50
    known = reference.probes["float32"].allowances["step_0"][0]
    bounded = soundness.bound(wide, reference).probes["float32"].allowances["step_0"]
    assert bounded[0] == soundness.WIDEST * known
    assert bounded[1:] == variant.probes["float32"].allowances["step_0"][1:]
