"""The reference's hand-written gradients, against finite differences and plain formulas."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.errors import UnsupportedError
from harness.measure.adapters.reference import training
from harness.measure.adapters.reference.model import backward, forward, split_output
from harness.vocabulary.case import Batch, Variant
from harness.vocabulary.layers import (
    LSTM,
    Attention,
    Concatenate,
    Conv1D,
    Dense,
    DivideByMaximum,
    Dropout,
    Embedding,
    Flatten,
    Lambda,
    Residual,
    SeparableConv1D,
)
from harness.vocabulary.optimizers import SGD, Adam, AdamW, ClipNorm, ClipValue
from tests.kit.differences import (
    BINARY,
    FROM_LOGITS,
    TOKENS,
    VOCABULARY,
    WIDTH,
    assert_same,
    differentiate,
    draw,
    padding,
    problem,
)

KINK = 1e-3
SEQUENCE_LAYERS = (
    *(Dense("dense", WIDTH, name) for name in (None, "tanh", "relu", "sigmoid")),
    *(Lambda(name) for name in ("tanh", "relu", "sigmoid")),
    *(Attention("attention", heads) for heads in (1, 2, 4)), LSTM("lstm", WIDTH),
    Residual((Attention("inner", 2), Dropout(0.5), Dense("dense", WIDTH, "tanh"))),
    Residual((LSTM("lstm", WIDTH), Residual((Dense("inner", WIDTH),)))), Dropout(0.5),
    *(Conv1D("conv", WIDTH, size, name) for size, name in ((1, None), (3, "relu"), (5, "tanh"))),
    *(SeparableConv1D("separable", WIDTH, size, name)
      for size, name in ((1, None), (3, "relu"), (5, "tanh"))),
    DivideByMaximum(),
)


def near_kink(layers, parameters, inputs, mask):
    """Return whether a relu or a maximum would change branch within a step."""
    for index, layer in enumerate(layers):
        before = forward(layers[:index], parameters, inputs, mask)[0]
        if isinstance(layer, DivideByMaximum):
            top = np.sort(np.abs(before), axis=2)[:, :, -2:]
            if top.min() < 10 * KINK or np.any(np.abs(np.diff(top, axis=2)) < KINK):
                return True
        elif "relu" in (getattr(layer, "activation", None), getattr(layer, "function", None)):
            linear = (replace(layer, activation=None),) if hasattr(layer, "activation") else ()
            before = forward((*layers[:index], *linear), parameters, inputs, mask)[0]
            if np.abs(before).min() < KINK:
                return True
    return False


def check_layers(layers, tokens, length, lengths, side, seed):
    """Check all gradients of a random linear function of a model's output."""
    random = np.random.RandomState(seed)
    if tokens:
        inputs = [random.randint(0, VOCABULARY, size=(len(lengths), length))]
    else:
        inputs = [random.normal(size=(len(lengths), length, 3))]
    # a layer in front, so that the gradient by a layer's input is checked as well
    front = Embedding("front", VOCABULARY, WIDTH) if tokens else Dense("front", WIDTH)
    named = [replace(layer, name=f"{layer.name}_{index}") if hasattr(layer, "name") else layer
             for index, layer in enumerate(layers)]
    model, mask = [front, *named], padding(lengths, length, side)
    parameters, _ = draw(model, 3, random, length)
    if len([x for x in model if isinstance(x, Residual)]) > 1 or near_kink(
            model, parameters, inputs, mask):
        return False
    output, tape = forward(model, parameters, inputs, mask)
    assert np.isfinite(output).all()
    direction = random.normal(size=output.shape)
    gradients = backward(model, parameters, tape, direction)
    assert_same(gradients, differentiate(lambda runs: (
        direction * forward(model, runs, inputs, mask)[0]).reshape(
            len(next(iter(runs.values()))), -1).sum(axis=1), parameters))
    return True


# ---------------------------------------------------------------- layers
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("layer", [*SEQUENCE_LAYERS, Flatten()], ids=repr)
def test_every_layer_has_the_right_gradient(layer, side):
    """No layer is left to what Hypothesis happens to draw; padding may fill a whole row."""
    for tokens in (True, False):
        assert any(check_layers([layer], tokens, 4, (4, 2, 0), side, seed) for seed in range(99))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(layers=st.lists(st.sampled_from(SEQUENCE_LAYERS), min_size=1, max_size=3),
       flatten=st.booleans(), tokens=st.booleans(), side=st.sampled_from(["right", "left"]),
       lengths=st.lists(st.integers(0, 4), min_size=1, max_size=3), length=st.integers(4, 5),
       seed=st.integers(0, 2**32 - 1))
def test_any_layers_together_have_the_right_gradient(layers, flatten, tokens, side, lengths,
                                                     length, seed):
    """Every derivative of a generated model is its difference quotient."""
    stack = [*layers, Flatten(), Dense("last", 2)] if flatten else layers
    assume(check_layers(stack, tokens, length, lengths, side, seed))


def test_relu_has_no_gradient_at_zero():
    """At a relu's kink the derivative is 0, as in every framework."""
    layers = (Dense("d", 1, "relu"),)
    parameters = {"d.kernel": np.ones((1, 1, 1)), "d.bias": np.zeros((1, 1))}
    _, tape = forward(layers, parameters, [np.zeros((1, 1))])
    assert backward(layers, parameters, tape, np.ones((1, 1, 1)))["d.bias"] == 0


@pytest.mark.parametrize("layer", [object(), Lambda("cosh"), Residual((object(),)),
                                   Dense("d", 1, "cosh")], ids=repr)
def test_an_unknown_layer_or_activation_is_refused(layer):
    """A layer outside the vocabulary is an error, never passed over."""
    with pytest.raises(UnsupportedError):
        forward((layer,), {"d.kernel": np.ones((1, 1, 1)), "d.bias": np.ones((1, 1))},
                [np.zeros((1, 1))])


# ------------------------------------------------------ whole models, one step
MODELS = {
    **{repr(loss): ((Concatenate(), Dense("a", 3, "tanh"), *last), loss) for loss, last in (
        (FROM_LOGITS, (Dense("b", 1),)),
        (BINARY[1], (Dense("b", 1, "sigmoid"),)),
        (BINARY[3], (Dense("b", 1), Lambda("sigmoid"))),
        (BINARY[4], (Dense("b", 2, "softmax"),)),
        (BINARY[5], (Dense("b", 1, "sigmoid"),)))},
    **{f"{loss!r} {side}": ((Embedding("e", VOCABULARY, WIDTH), Residual((Attention("a", 2),)),
                             Dense("b", VOCABULARY)), loss)
       for loss in TOKENS for side in ("right", "left")},
}
OPTIMIZERS = {  # the first step's decrement of weights w with gradient g
    SGD(0.1): lambda g, w: 0.1 * g,
    SGD(0.1, momentum=0.9): lambda g, w: 0.1 * g,
    SGD(0.1, weight_decay=0.3, maximize=True): lambda g, w: 0.1 * (-g + 0.3 * w),
    Adam(0.1, epsilon=1e-2): lambda g, w: 0.1 * g / (np.abs(g) + 1e-2),
    AdamW(0.1, 0.3, epsilon=1e-2): lambda g, w: 0.03 * w + 0.1 * g / (np.abs(g) + 1e-2),
}
CLIPS = {
    None: lambda g, norm: g,
    ClipNorm(0.05): lambda g, norm: g * min(1, 0.05 / norm),
    ClipValue(0.05): lambda g, norm: np.clip(g, -0.05, 0.05),
}


def whole(name, seed):
    """Return the layers, loss, batch and parameters of one of the models."""
    layers, loss = MODELS[name]
    random = np.random.RandomState(seed)
    _, targets, mask = problem(loss, 3, seed, name.split(" ")[-1])
    inputs = ((random.randint(0, VOCABULARY, targets.shape),) if mask is not None else
              (random.normal(size=(3, 2)), random.normal(size=(3, 1))))
    return layers, loss, Batch(inputs, targets, mask), draw(layers, 3, random)[0]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("clip", CLIPS, ids=str)
def test_one_step_follows_the_finite_differences_of_the_loss(name, optimizer, clip):
    """Gradients and updates of a step are what plain formulas make of difference quotients."""
    layers, loss, batch, parameters = whole(name, seed=3)
    variant = Variant("x", layers, loss, optimizer, "", clip=clip)
    quotients = differentiate(lambda runs: training.loss(variant, runs, batch), parameters)
    norm = np.sqrt(sum((value**2).sum() for value in quotients.values()))
    assert norm > 0.05, "nothing to clip"
    steps = training.step(variant, parameters, batch)
    assert_same(steps.gradients, quotients)
    assert list(steps.updates) == list(parameters)
    for key, gradient in quotients.items():
        decrement = OPTIMIZERS[optimizer](CLIPS[clip](gradient, norm), parameters[key])
        np.testing.assert_allclose(steps.updates[key], -decrement, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_a_run_is_the_same_alone_and_beside_another(name):
    """Loss and gradients of a run do not depend on the other runs."""
    layers, loss, batch, first = whole(name, seed=2)
    second = {key: value * 1.5 for key, value in first.items()}
    variant = Variant("x", layers, loss, SGD(0.1), "", clip=ClipNorm(0.05))
    together = training.step(variant, {key: np.concatenate([first[key], second[key]])
                                       for key in first}, batch)
    assert together.losses[0] != together.losses[1]
    for run, parameters in enumerate((first, second)):
        alone = training.step(variant, parameters, batch)
        assert alone.losses[0] == pytest.approx(together.losses[run], rel=1e-14)
        for ours, theirs in ((alone.gradients, together.gradients),
                             (alone.updates, together.updates)):
            for key, value in ours.items():
                np.testing.assert_allclose(value[0], theirs[key][run], rtol=1e-12, atol=1e-15)


def test_only_a_final_activation_is_left_to_the_loss():
    """Sigmoid and softmax at the end are split off; the same inside, or relu, is not."""
    hidden = Dense("a", 3, "sigmoid")
    assert split_output((hidden, Dense("b", 1, "sigmoid"))) == ((hidden, Dense("b", 1)), "sigmoid")
    assert split_output((hidden, Lambda("softmax"))) == ((hidden,), "softmax")
    assert split_output((hidden, Dense("b", 1, "relu"))) == ((hidden, Dense("b", 1, "relu")), "")
