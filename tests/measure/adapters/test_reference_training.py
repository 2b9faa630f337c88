"""The reference's training loop, steps, checkpoints and adapter, and what padding may do."""

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UnsupportedError
from harness.measure.adapters import reference as adapter
from harness.measure.adapters.reference import training
from harness.measure.adapters.task import prepare
from harness.records.project import Project
from harness.records.record import CURVES
from harness.vocabulary import metrics, padding
from harness.vocabulary.losses import CategoricalCrossentropy

PROJECT = Project(Path(__file__).resolve().parents[3])
STEPS = 7


def task(case_name, pattern, precision="float64", steps=STEPS):
    """Return the task of the first variant that fits a pattern, with its first batches."""
    case = PROJECT.case(case_name)
    variant = next(v for v in case.variants if fnmatchcase(v.name, pattern))
    batches = PROJECT.batches(case)
    batches = replace(batches, inputs=tuple(x[:steps] for x in batches.inputs),
                      targets=batches.targets[:steps],
                      mask=None if batches.mask is None else batches.mask[:steps],
                      evaluation=next(padding.rows(batches.evaluation)))
    return prepare(replace(case, metric_every=3), variant, precision, batches,
                   PROJECT.weights(variant))


TASKS = {name: task(*name.split("/")) for name in (
    "xor/bce_logits-adamw_*", "xor/bce_sigmoid-sgd_*-clipnorm_*",
    "imbalanced_binary/cce_softmax-adam_*", "masked_sequences/decoder_native-sgd_*",
    "masked_sequences/decoder_*-left_padding", "masked_sequences/lstm_*-smoothed",
    "masked_sequences/decoder_*-deep", "masked_sequences/lstm_native-adam_*")}
TASKS["conv1d_stability/mse-sgd_*"] = task("conv1d_stability", "mse-sgd_*", steps=2)
SEQUENCES = [name for name in TASKS if name.startswith("masked")]


def norm(tensors):
    """Return the norm of all tensors of run 0 together."""
    return np.sqrt(sum(float((value[0].astype(float)**2).sum()) for value in tensors.values()))


@pytest.mark.parametrize("name", TASKS)
def test_training_agrees_with_single_steps_from_its_checkpoints(name):
    """Losses, norms and predictions are those of the parameters before each step."""
    one = TASKS[name]
    steps = one.batches.steps
    runs = training.train(one, training.perturb(one.weights, 2))
    states = training.checkpoints(one, range(steps + 1))
    assert list(states) == list(range(steps + 1))
    assert {key: value.tobytes() for key, value in states[0].items()} == {
        key: value.tobytes() for key, value in one.weights.items()}
    for index in range(steps):
        before, after = ({key: value[None] for key, value in states[i].items()}
                         for i in (index, index + 1))
        single = training.step(one.variant, before, one.batches[index])
        assert runs.losses[index, 0] == pytest.approx(single.losses[0], rel=1e-12)
        assert runs.gradient_norms[index, 0] == pytest.approx(norm(single.gradients), rel=1e-11)
        moved = {key: after[key] - before[key] for key in before}
        assert runs.update_norms[index, 0] == pytest.approx(norm(moved), rel=1e-11)
        assert training.loss(one.variant, before, one.batches[index]) == single.losses
    assert len(runs.predictions) == len(one.evaluation_steps)
    assert runs.losses.shape == runs.gradient_norms.shape == runs.update_norms.shape == (steps, 3)
    assert runs.nonfinite_from is None


@pytest.mark.parametrize("name", TASKS)
def test_a_first_step_is_an_update_from_the_weights(name):
    """A step moves as training does at step 0, changes nothing it was given, has Step's shapes."""
    one = TASKS[name]
    batch, states = one.batches[0], training.checkpoints(one, [1, 0])
    given = {key: value.copy() for key, value in one.weights.items()}
    step = adapter.build(one).probe(given, batch)
    for key, value in one.weights.items():
        assert given[key].tobytes() == value.tobytes()
        np.testing.assert_allclose(step.updates[key], states[1][key] - value, atol=1e-15)
        assert step.gradients[key].shape == step.updates[key].shape == value.shape
    assert list(step.gradients) == list(step.updates) == list(one.weights)
    assert step.loss == adapter.build(one).loss(given, batch)
    if name in SEQUENCES:
        assert step.outputs.shape == step.output_gradient.shape == (*batch.targets.shape, 12)
        assert not step.output_gradient[batch.mask == 0].any()
    else:
        width = 1 + isinstance(one.variant.loss, CategoricalCrossentropy)
        assert step.outputs.shape == (len(batch.targets), width)
        assert step.output_gradient is None
        if "logits" not in name:
            assert np.all((step.outputs > 0) & (step.outputs < 1))
        if width == 2:
            np.testing.assert_allclose(step.outputs.sum(axis=1), 1, rtol=1e-14)


def test_checkpoints_are_taken_only_as_far_as_asked():
    """Batches after the last checkpoint are not looked at; none asked for, none given."""
    one = TASKS["xor/bce_logits-adamw_*"]
    whole = training.checkpoints(one, [3])
    cut = replace(one, batches=replace(one.batches, targets=one.batches.targets[:3]))
    assert whole.keys() == {3}
    assert all(np.array_equal(value, training.checkpoints(cut, [3])[3][key])
               for key, value in whole[3].items())
    assert training.checkpoints(one, []) == {}


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_adapter_gives_run_0_and_in_float32_its_envelope(precision):
    """The trajectory is run 0's; in float64 the copies stay too near to be worth keeping."""
    one = task("masked_sequences", "decoder_native-sgd_*", precision)
    trajectory = adapter.build(one).train()
    runs = training.train(one, training.perturb(one.weights, adapter.COPIES, adapter.ULPS))
    assert trajectory.loss == runs.losses[:, 0].tolist() or precision == "float64"
    assert trajectory.loss == pytest.approx(runs.losses[:, 0].tolist(), rel=1e-12)
    assert runs.losses.dtype == precision
    assert trajectory.metrics["step"] == [0, 3, 6, 7]
    assert trajectory.metrics["token_accuracy"][0] == metrics.token_accuracy(
        runs.predictions[0][0], one.batches.evaluation.targets, one.batches.evaluation.mask)
    if precision == "float64":
        assert trajectory.envelope is None
    else:
        assert trajectory.envelope == {
            name: training.envelope(curve) for name, curve in zip(
                CURVES, (runs.losses, runs.gradient_norms, runs.update_norms), strict=True)}
        assert all(curve[-1] > 0 for curve in trajectory.envelope.values())


@pytest.mark.parametrize("start", [0, 3])
def test_the_first_step_after_which_a_parameter_is_not_finite_is_kept(start):
    """An infinite target makes every parameter infinite or NaN from its step on."""
    one = TASKS["xor/bce_logits-adamw_*"]
    targets = one.batches.targets.copy()
    targets[start] = np.inf
    broken = replace(one, batches=replace(one.batches, targets=targets))
    with np.errstate(all="ignore"):
        assert adapter.build(broken).train().nonfinite_from == start


def test_a_broken_copy_is_not_a_broken_run():
    """What is not finite in another run alone does not count."""
    one = TASKS["xor/bce_logits-adamw_*"]
    parameters = training.perturb(one.weights, 1)
    parameters["dense_1.bias"][1] = np.nan
    runs = training.train(one, parameters)
    assert np.isnan(runs.losses[:, 1]).all() and np.isfinite(runs.losses[:, 0]).all()
    assert runs.nonfinite_from is None


def test_what_cannot_be_expressed_is_refused():
    """An optimizer outside the vocabulary is an error of the adapter as well."""
    one = TASKS["xor/bce_logits-adamw_*"]
    with pytest.raises(UnsupportedError):
        adapter.build(replace(one, variant=replace(one.variant, optimizer=object()))).train()


# ---------------------------------------------------------------- padding
def gradients(name, batch):
    """Return the loss of a batch, and all gradients, flat."""
    one = TASKS[name]
    step = adapter.build(one).probe(one.weights, batch)
    return step.loss, np.concatenate([value.ravel() for value in step.gradients.values()])


@pytest.mark.parametrize("change", [
    lambda batch, side: padding.refill(batch, 5, 12),
    lambda batch, side: padding.lengthen(batch, 3, side)], ids=["refill", "lengthen"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_neither_content_nor_length_of_padding_matters(name, change):
    """Loss and gradients stay, with padding on either side."""
    one = TASKS[name]
    batch = one.batches[1]
    assert 0 < batch.mask.mean() < 1
    expected, observed = (gradients(name, b) for b in (batch, change(batch, one.variant.padding)))
    assert observed[0] == pytest.approx(expected[0], rel=1e-14)
    np.testing.assert_allclose(observed[1], expected[1], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in SEQUENCES if "decoder" in name])
def test_the_side_of_the_padding_does_not_matter_to_a_decoder(name):
    """It has no positions: moved to the left, padding leaves loss and gradients as they are."""
    batch = TASKS[name].batches[1]
    expected, observed = (gradients(name, b) for b in (batch, padding.left(batch)))
    assert observed[0] == pytest.approx(expected[0], rel=1e-14)
    np.testing.assert_allclose(observed[1], expected[1], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_batch_is_its_rows_weighted_by_their_tokens(name):
    """Loss and gradients add up, and a row of padding alone adds nothing."""
    batch = TASKS[name].batches[1]
    mask = batch.mask.copy()
    mask[0] = 0
    batch = replace(batch, mask=mask)
    loss, whole = gradients(name, batch)
    alone = [(float(row.mask.sum()), gradients(name, row))
             for row in padding.rows(batch) if row.mask.any()]
    tokens = sum(count for count, _ in alone)
    assert len(alone) == len(mask) - 1
    assert loss == pytest.approx(sum(count * part[0] for count, part in alone) / tokens, rel=1e-13)
    summed = sum(count * part[1] for count, part in alone) / tokens
    np.testing.assert_allclose(whole, summed, rtol=1e-10, atol=1e-14)


def test_a_batch_without_a_token_has_no_loss():
    """0 / 0 is left as it is."""
    name = SEQUENCES[0]
    batch = TASKS[name].batches[0]
    with np.errstate(invalid="ignore"):
        assert np.isnan(adapter.build(TASKS[name]).loss(
            TASKS[name].weights, replace(batch, mask=np.zeros_like(batch.mask))))


def test_a_chaotic_float64_training_keeps_its_envelope(monkeypatch):
    """Where rounding grows beyond any fixed bound, what it did is kept in float64 as well."""
    one = task("masked_sequences", "decoder_native-sgd_*", "float64")
    monkeypatch.setattr(adapter, "NEGLIGIBLE", 1e-16)
    envelope = adapter.build(one).train().envelope
    assert envelope is not None and 0 < envelope["loss"][-1] < 1e-12
