"""The contract every adapter keeps, held in the environment of its framework.

Needs pytest, NumPy and the framework that HARNESS_ENVIRONMENT names, with or without
"contract-" before it; Python 3.8 up.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from harness.errors import UnsupportedError, WorkerError
from harness.measure import invariances, probes, worker
from harness.measure.adapters import reference as numpy_adapter
from harness.measure.adapters import task as tasks
from harness.measure.adapters.loading import load
from harness.records import provenance, writing
from harness.records.environment import require
from harness.records.project import Project
from harness.records.record import CURVES, Record, Trajectory, VariantRecord
from harness.vocabulary.case import PRECISIONS
from harness.vocabulary.layers import Dense, Lambda
from harness.vocabulary.metrics import evaluation_steps
from harness.vocabulary.optimizers import SGD, Adam, AdamW, ClipNorm, ClipValue, StepDecay

ENVIRONMENT = os.environ["HARNESS_ENVIRONMENT"].replace("contract-", "", 1)
FAMILY = require(ENVIRONMENT).framework
ADAPTER = load(ENVIRONMENT)
PROJECT = Project(Path(__file__).resolve().parents[2])
STEPS, METRIC_EVERY, DECAY_EVERY = 30, 8, 10
ORDERLY = 5
"""Steps in which even a chaotic case has not yet amplified a rounding to 1e-9."""
CASES = {}
for _case in PROJECT.cases():
    CASES[_case.name] = replace(_case, metric_every=METRIC_EVERY, variants=tuple(
        replace(v, optimizer=SGD(replace(v.optimizer.learning_rate, every=DECAY_EVERY)))
        if isinstance(v.optimizer.learning_rate, StepDecay) else v for v in _case.variants))
ALL = [(case.name, v.name) for case in CASES.values() for v in case.variants]
SGDS = [(case.name, v.name) for case in CASES.values() for v in case.variants
        if isinstance(v.optimizer, SGD) and not (v.optimizer.momentum or v.optimizer.weight_decay)]
every_variant = pytest.mark.parametrize(("case", "variant"), ALL)
each_precision = pytest.mark.parametrize("precision", PRECISIONS)


def distinct(key):
    """Return the first variant of every case with each value of ``key``."""
    chosen = {}
    for case in CASES.values():
        for variant in case.variants:
            chosen.setdefault((case.name, key(variant)), (case.name, variant.name))
    return list(chosen.values())


@dataclass(frozen=True)
class Unknown:
    """Looks like a member of the vocabulary, but is none."""

    learning_rate: float = 0.1
    maximum: float = 1.0
    from_logits: bool = False
    positive_weight: float = 1.0


def find(case, variant):
    """Return the variant of that name."""
    return next(v for v in CASES[case].variants if v.name == variant)


def prepare(case, variant, precision, weights=None):
    """Return the task of a variant on the first steps of its case."""
    batches = PROJECT.batches(CASES[case])
    cut = replace(batches, inputs=tuple(x[:STEPS] for x in batches.inputs),
                  targets=batches.targets[:STEPS],
                  mask=None if batches.mask is None else batches.mask[:STEPS])
    return tasks.prepare(CASES[case], variant, precision, cut,
                            weights or PROJECT.weights(variant))


@lru_cache(maxsize=None)
def measure(case, variant, precision):
    """Return the adapter's trajectory, or why there is none; train once."""
    try:
        return ADAPTER.build(prepare(case, find(case, variant), precision)).train()
    except UnsupportedError as error:
        return error


def measured(case, variant, precision):
    """Return the adapter's trajectory, or skip what it cannot express."""
    found = measure(case, variant, precision)
    if isinstance(found, UnsupportedError):
        pytest.skip(found.what)
    return found


@lru_cache(maxsize=None)
def reference(case, variant):
    """Return the reference's float64 trajectory, from its own training loop."""
    with mock.patch.object(numpy_adapter, "COPIES", 0):
        return numpy_adapter.build(prepare(case, find(case, variant), "float64")).train()


def is_waived(variant):
    """Return whether results/waivers.toml explains a difference from the reference."""
    if FAMILY in ("tensorflow", "keras"):
        return (isinstance(variant.optimizer, (Adam, AdamW)) or variant.optimizer.momentum > 0
                or isinstance(variant.optimizer.learning_rate, StepDecay))
    return FAMILY == "torch" and isinstance(variant.clip, ClipNorm)


def expect_saturation(request, variant):
    """Mark the test as failing where torch's BCELoss saturates, as waivers.toml says."""
    request.applymarker(pytest.mark.xfail(
        FAMILY == "torch" and variant.scale > 1 and not variant.loss.from_logits,
        reason="torch's BCELoss clamps saturated probabilities", raises=AssertionError,
        strict=True))


def expect_defects(request, case, variant, *kinds):
    """Mark the test as failing where Keras 3 has a defect that waivers.toml explains."""
    decoder, adam = variant.loss_path.startswith("decoder"), isinstance(variant.optimizer, Adam)
    found = {"mask": variant.loss_path == "decoder_native", "scale": decoder, "embedding": adam}
    request.applymarker(pytest.mark.xfail(
        FAMILY == "keras" and case == "masked_sequences" and any(found[kind] for kind in kinds),
        reason=f"Keras 3: {', '.join(kinds)}", raises=AssertionError, strict=True))


def bits(trajectory, precision):
    """Return the bytes of everything in a trajectory; the format knows a single NaN."""
    values = {name: (getattr(trajectory, name), precision) for name in CURVES}
    values.update({name: (v, "float64") for name, v in trajectory.metrics.items()})
    values.update({f"envelope of {name}": (v, "float32")
                   for name, v in (trajectory.envelope or {}).items()})
    arrays = {name: np.asarray(v, dtype) for name, (v, dtype) in values.items()}
    return {"nonfinite_from": trajectory.nonfinite_from,
            **{name: np.where(np.isnan(a), a.dtype.type("nan"), a).tobytes()
               for name, a in arrays.items()}}


def read_back(record, folder):
    """Return a record's variants, with their trajectories, after a journey through a file."""
    writing.write(record, folder / "record.json")
    data = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    return {name: {precision: Trajectory(**plain(trajectory))
                   for precision, trajectory in variant["trajectories"].items()}
            for name, variant in data["variants"].items()}


def plain(value):
    """Return JSON data with numbers for the words of what is not finite."""
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return float(value) if isinstance(value, str) else value


# ------------------------------------------------------------ trajectories
@every_variant
@each_precision
def test_every_variant_trains(case, variant, precision):
    """Every variant gives whole, finite curves and the declared metrics at the declared steps."""
    trajectory = measured(case, variant, precision)
    for name in CURVES:
        curve = getattr(trajectory, name)
        assert len(curve) == STEPS
        assert {type(value) for value in curve} == {float}
        assert np.isfinite(curve).all()
    assert trajectory.nonfinite_from is None
    steps = evaluation_steps(STEPS, METRIC_EVERY)
    assert list(trajectory.metrics) == ["step", *CASES[case].metrics]
    assert trajectory.metrics["step"] == steps == [0, 8, 16, 24, 30]
    for name in CASES[case].metrics:
        assert len(trajectory.metrics[name]) == len(steps)
        assert all(0 <= value <= 1 for value in trajectory.metrics[name])


@every_variant
def test_float64_agrees_with_the_reference(case, variant, request):
    """Loss, gradient norm and update norm are the reference's, metrics exactly so."""
    expect_saturation(request, find(case, variant))
    expect_defects(request, case, find(case, variant), "mask", "embedding")
    trajectory, independent = measured(case, variant, "float64"), reference(case, variant)
    # the epsilon of Keras' Adam matters more, the smaller the gradients are
    chaotic = case == "conv1d_stability"
    unstable = chaotic or variant.endswith("-deep")
    small = 0.1 if unstable else 1e-2 if case == "masked_sequences" else 1e-4
    bound = small if is_waived(find(case, variant)) else 1e-8
    steps = 1 if chaotic and is_waived(find(case, variant)) else ORDERLY if chaotic else STEPS
    for name in CURVES:
        np.testing.assert_allclose(getattr(trajectory, name)[:steps],
                                   getattr(independent, name)[:steps],
                                   rtol=bound, atol=bound, err_msg=name)
    if steps == STEPS and not is_waived(find(case, variant)):
        assert trajectory.metrics == independent.metrics


@every_variant
def test_probes_stay_within_their_allowances(case, variant, request):
    """One step from the reference's checkpoints is the reference's, tensor by tensor."""
    declared = find(case, variant)
    expect_defects(request, case, declared, "mask", "scale")
    expected = [(checkpoint, probes.expect(declared, checkpoint))
                for checkpoint in probes.checkpoints(
                    CASES[case], declared, PROJECT.batches(CASES[case]), PROJECT.weights(declared))
                if checkpoint.name in ("step_0", "step_1", "masked_row", "one_positive")]
    for precision in PRECISIONS:
        measured(case, variant, precision)
        task = prepare(case, declared, precision)
        found = probes.measure(task, ADAPTER.build(task), expected)
        for name, errors in found.errors.items():
            for tensor, error, limit in zip(found.tensors, errors, found.allowances[name]):
                if not (declared.scale > 1 or (is_waived(declared) and "update" in tensor)):
                    assert error <= limit, f"{precision} {name} {tensor}"


@pytest.mark.parametrize("variant", [v.name for v in CASES["masked_sequences"].variants
                                     if CASES["masked_sequences"].leads(v)])
@each_precision
def test_padding_and_batching_change_nothing(variant, precision, request):
    """Padding has no gradient, no content and no length; rows add up to their batch."""
    expect_defects(request, "masked_sequences", find("masked_sequences", variant), "mask")
    measured("masked_sequences", variant, precision)
    task = prepare("masked_sequences", find("masked_sequences", variant), precision)
    found = invariances.measure(task, ADAPTER.build(task))
    assert found.pop("padding_gradient") == 0
    assert set(found) == {"padding_content", "padding_length", "row_losses"}
    assert max(found.values()) <= (1e-12 if precision == "float64" else 2.0**-20)


@every_variant
def test_float32_starts_at_the_references_loss(case, variant, request):
    """At step 0 the float32 loss differs from the float64 reference by rounding alone."""
    expect_saturation(request, find(case, variant))
    expect_defects(request, case, find(case, variant), "mask")
    observed = measured(case, variant, "float32").loss[0]
    assert observed == pytest.approx(reference(case, variant).loss[0], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("case", "variant"), distinct(
    lambda v: (type(v.loss), type(v.optimizer), type(v.clip))))
def test_training_again_changes_no_bit_and_no_argument(case, variant):
    """Two trainings are the same to the bit, and leave batches and weights as they were."""
    first = measured(case, variant, "float32")
    task = prepare(case, find(case, variant), "float32")
    given = [*task.weights.values(), *task.batches.inputs, task.batches.targets,
             *task.batches.evaluation.inputs, task.batches.evaluation.targets]
    before = [array.tobytes() for array in given]
    assert bits(ADAPTER.build(task).train(), "float32") == bits(first, "float32")
    assert [array.tobytes() for array in given] == before


@pytest.mark.parametrize(("case", "variant"), SGDS)
def test_sgd_moves_by_rate_times_clipped_gradient(case, variant):
    """SGD's update norm is the learning rate of the step times the clipped gradient's norm."""
    trajectory, declared = measured(case, variant, "float64"), find(case, variant)
    rate, clip = declared.optimizer.learning_rate, declared.clip
    rates = np.array([rate.initial * rate.factor ** (step // rate.every)
                      if isinstance(rate, StepDecay) else rate for step in range(STEPS)])
    norms, updates = np.array(trajectory.gradient_norm), np.array(trajectory.update_norm)
    if clip is not None:
        assert np.any(updates < 0.99 * rates * norms), "nothing was clipped"
    if isinstance(clip, ClipValue):
        size = sum(value.size for value in PROJECT.weights(declared).values())
        assert np.all(updates <= rates * np.minimum(norms, clip.maximum * math.sqrt(size)) * 1.001)
        return
    clipped = np.minimum(norms, clip.maximum) if isinstance(clip, ClipNorm) else norms
    np.testing.assert_allclose(updates, rates * clipped, atol=1e-13,
                               rtol=2e-5 if is_waived(declared) else 1e-9)


# ----------------------------------------------------------------- refusals
@pytest.mark.parametrize("part", ["layer", "loss", "optimizer", "clip", "learning_rate",
                                  "activation", "function"])
@pytest.mark.parametrize("loss_path", ["bce_sigmoid", "cce_softmax"])
def test_what_is_not_in_the_vocabulary_is_refused(loss_path, part):
    """An unknown layer, loss, optimizer, clip, rate, activation or function is unsupported."""
    variant = find("imbalanced_binary", f"{loss_path}-sgd_0.1")
    hidden, output = variant.layers
    changed = {
        "layer": {"layers": (hidden, Unknown(), output)},
        "loss": {"loss": Unknown()},
        "optimizer": {"optimizer": Unknown()},
        "clip": {"clip": Unknown()},
        "learning_rate": {"optimizer": SGD(Unknown())},
        "activation": {"layers": (Dense(hidden.name, hidden.units, "unknown"), output)},
        "function": {"layers": (hidden, Lambda("unknown"), output)},
    }[part]
    with pytest.raises(UnsupportedError):
        ADAPTER.build(prepare("imbalanced_binary", replace(variant, **changed), "float32")).train()


@pytest.mark.parametrize(("case", "variant"), distinct(lambda v: v.loss_path))
def test_nan_is_recorded_not_raised(case, variant, tmp_path):
    """NaN in the initial weights gives a trajectory that says so from step 0, and is readable."""
    declared = find(case, variant)
    weights = PROJECT.weights(declared)
    next(iter(weights.values())).reshape(-1)[-1] = np.nan
    trajectory = ADAPTER.build(prepare(case, declared, "float32", weights)).train()
    assert trajectory.nonfinite_from == 0
    assert len(trajectory.loss) == STEPS
    record = Record(case, ENVIRONMENT, {"data_sha256": ""},
                    {variant: VariantRecord("", {"float32": trajectory})})
    back = read_back(record, tmp_path)[variant]["float32"]
    assert bits(back, "float32") == bits(trajectory, "float32")


# ------------------------------------------------- record, version, settings
@pytest.mark.parametrize("case", CASES)
def test_trajectories_survive_serialization(case, tmp_path):
    """A record read back has the same bits in both precisions."""
    record = Record(case, ENVIRONMENT, {"data_sha256": ""}, {})
    for variant in CASES[case].variants:
        kept = {p: measure(case, variant.name, p) for p in PRECISIONS}
        if not any(isinstance(found, UnsupportedError) for found in kept.values()):
            record.variants[variant.name] = VariantRecord("", kept)
    back = read_back(record, tmp_path)
    assert list(back) == list(record.variants)
    for name, kept in record.variants.items():
        for p in PRECISIONS:
            assert bits(back[name][p], p) == bits(kept.trajectories[p], p)


def test_the_environment_is_what_it_says():
    """This interpreter has the version that HARNESS_ENVIRONMENT names."""
    worker.check_version(ENVIRONMENT)


@pytest.mark.parametrize(("environment", "name"), [
    ("torch-2.13.0", "torch"),
    ("tensorflow-2.15.1", "tensorflow-cpu"),
    ("tensorflow-2.15.1", "tensorflow"),
    ("keras-3.15.1", "keras"),
])
def test_a_local_tag_is_accepted_and_another_version_refused(environment, name, monkeypatch):
    """2.13.0+cpu is 2.13.0; 2.13.1, 2.13, 2.13.0rc1 and none at all are not."""
    version = require(environment).version
    installed = {"numpy": "2.4.6"}
    monkeypatch.setattr(provenance, "packages", lambda: installed)
    with pytest.raises(WorkerError, match=f"asked for {version}"):
        worker.check_version(environment)
    for suffix in ("", "+cpu", "+cu130"):
        installed[name] = version + suffix
        worker.check_version(environment)
    for other in (version + "1", version[:-2], version + "rc1", "0" + version):
        installed[name] = other
        with pytest.raises(WorkerError, match=name):
            worker.check_version(environment)


def test_settings_and_packages_can_be_recorded():
    """``describe`` gives JSON, ``PACKAGES`` names installed distributions."""
    assert isinstance(ADAPTER.describe(), dict)
    json.dumps(ADAPTER.describe(), allow_nan=False)
    assert "numpy" in ADAPTER.PACKAGES
    assert all(metadata.version(name) for name in ADAPTER.PACKAGES)
