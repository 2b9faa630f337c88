"""Sequences of any kind: attention is causal under every loss, and who is padding is known.

Needs pytest, NumPy and the framework that HARNESS_ENVIRONMENT names; Python 3.8 up.
"""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from harness.errors import UnsupportedError
from harness.measure import probes
from harness.measure.adapters import reference
from harness.measure.adapters.loading import load
from harness.measure.adapters.task import prepare
from harness.measure.worker import submodule
from harness.records.environment import require
from harness.records.project import Project
from harness.vocabulary.case import Batch, Batches, Case, StaysFinite, Variant
from harness.vocabulary.layers import LSTM, Attention, Concatenate, Dense, Flatten, Residual
from harness.vocabulary.losses import BinaryCrossentropy, TokenCrossentropy
from harness.vocabulary.optimizers import SGD

ENVIRONMENT = os.environ["HARNESS_ENVIRONMENT"].replace("contract-", "", 1)
FAMILY = require(ENVIRONMENT).framework
ADAPTER = load(ENVIRONMENT)
PROJECT = Project(Path(__file__).resolve().parents[2])
STEPS, BATCH, LENGTH, WIDTH, VOCABULARY = 2, 4, 6, 4, 5
ATTENTION = (Residual((Attention("attention", 2),)),)
ROUNDING = 1e-7
"""Keras 3 rounds attention's scale to float32."""


def draw(layers, random, width=WIDTH):
    """Return float32 weights of layers on sequences."""
    weights = {}
    for layer in layers:
        if isinstance(layer, Residual):
            weights.update(draw(layer.layers, random, width))
        elif isinstance(layer, Attention):
            weights.update({f"{layer.name}.{part}": random.normal(
                size=(width, width) if "kernel" in part else (width,)) for part in layer.PARTS})
        elif isinstance(layer, LSTM):
            shapes = (width, 4 * layer.units), (layer.units, 4 * layer.units), (4 * layer.units,)
            weights.update({f"{layer.name}.{part}": random.normal(size=shape)
                            for part, shape in zip(layer.PARTS, shapes)})
            width = layer.units
        elif isinstance(layer, Dense):
            weights.update({f"{layer.name}.kernel": random.normal(size=(width, layer.units)),
                            f"{layer.name}.bias": random.normal(size=layer.units)})
            width = layer.units
        elif isinstance(layer, Flatten):
            width *= LENGTH
    return {name: value.astype(np.float32) for name, value in weights.items()}


def compare(layers, loss, masked, inputs=1):
    """Return the float64 errors of a step beside the reference's, by tensor."""
    random = np.random.RandomState(0)
    tokens = isinstance(loss, TokenCrossentropy)
    shape = (STEPS, BATCH, LENGTH)
    data = tuple(random.normal(size=(*shape, WIDTH // inputs)).astype(np.float32)
                 for _ in range(inputs))
    targets = random.randint(VOCABULARY, size=shape) if tokens \
        else random.randint(2, size=(STEPS, BATCH, 1)).astype(np.float32)
    mask = np.ones(shape, np.float32)
    mask[:, 0, 4:] = mask[:, 1, 3:] = 0
    mask = mask if masked else None
    batches = Batches(data, targets, Batch(tuple(x[0] for x in data), targets[0],
                                           None if mask is None else mask[0]), mask)
    variant = Variant("sequences", layers, loss, SGD(0.1), "none.json")
    case = Case("sequences", "", "none.json", lambda data: batches, (variant,), (), 1,
                (StaysFinite(),))
    weights = draw(layers, random)
    expected = [found for found in probes.expect_all(case, variant, batches, weights)
                if found[0].name == "step_0"]
    training = ADAPTER.build(prepare(case, variant, "float64", batches, weights))
    training.train()
    found = probes.measure(prepare(case, variant, "float64", batches, weights), training,
                           expected)
    return dict(zip(found.tensors, found.errors["step_0"]))


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_causal_under_every_loss(masked):
    """A classifier of sequences looks back alone, and not at padding."""
    layers = (*ATTENTION, Flatten(), Dense("output", 1))
    errors = compare(layers, BinaryCrossentropy(from_logits=True), masked)
    assert max(errors.values()) < ROUNDING, errors


@pytest.mark.parametrize("layers", [
    (Dense("hidden", WIDTH, "tanh"), *ATTENTION, Dense("logits", VOCABULARY)),
    (LSTM("lstm", WIDTH), Dense("logits", VOCABULARY))], ids=["attention", "lstm"])
def test_sequences_of_numbers_have_tokens_for_targets(layers):
    """A loss of tokens takes sequences of numbers as well."""
    errors = compare(layers, TokenCrossentropy(native=False), True)
    assert max(errors.values()) < ROUNDING, errors


def test_several_sequences_are_joined():
    """What tells attention of the padding is no input to join."""
    layers = (Concatenate(), *ATTENTION, Dense("logits", VOCABULARY))
    errors = compare(layers, TokenCrossentropy(native=False), True, inputs=2)
    assert max(errors.values()) < ROUNDING, errors


@pytest.mark.skipif(FAMILY not in ("tensorflow", "keras"), reason="Keras' masks")
def test_a_framework_that_cannot_mark_padding_says_so():
    """Keras makes a mask of tokens, and none of numbers."""
    layers = (*ATTENTION, Dense("logits", VOCABULARY))
    with pytest.raises(UnsupportedError, match="marks padding in an Embedding"):
        compare(layers, TokenCrossentropy(native=True), True)


@pytest.mark.skipif(FAMILY not in ("tensorflow", "keras"), reason="Keras' masks")
def test_keras_own_mask_reaches_attention():
    """Under a native loss padding at the left is hidden by what Keras alone passes on."""
    import inspect

    keras = submodule(ADAPTER, "model").keras
    attention = keras.layers.MultiHeadAttention
    if "use_causal_mask" not in inspect.signature(attention.call).parameters:
        pytest.skip("before 2.10 MultiHeadAttention took no mask off its inputs")
    case = PROJECT.case("masked_sequences")
    variant = next(v for v in case.variants if v.name == "decoder_native-sgd_0.3-left_padding")
    batches = PROJECT.batches(case)
    task = prepare(case, variant, "float64", batches, PROJECT.weights(variant))
    batch = task.batches[0]
    assert batch.mask[:, 0].min() == 0

    def outputs():
        training = ADAPTER.build(task)
        assert len(training.network.model.inputs) == 1 and training.network.allowed is None
        return training.probe(task.weights, batch).outputs

    right = outputs()
    expected = reference.build(task).probe(task.weights, batch).outputs
    real = batch.mask > 0
    assert np.abs(right - expected)[real].max() < 1e-6
    with mock.patch.object(attention, "_compute_attention_mask",
                           lambda self, query, value, *_, **__: self._compute_causal_mask(
                               query, value)):
        assert np.abs(outputs() - expected)[real].max() > 0.1
