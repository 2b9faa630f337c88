"""The reference's hand-written gradients, against finite differences and plain formulas."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.case import BinaryCrossentropy, CategoricalCrossentropy, Concatenate, Dense, Lambda
from harness.errors import UnsupportedError
from harness.reference.loss import loss_and_gradient, probabilities
from harness.reference.model import backward, forward, split_output

RUNS, STEP, KINK = 2, 1e-5, 1e-3
HIDDEN = ("tanh", "relu", "sigmoid")
FROM_LOGITS = BinaryCrossentropy(from_logits=True)
LOSSES = (
    FROM_LOGITS,
    BinaryCrossentropy(from_logits=False),
    BinaryCrossentropy(from_logits=True, positive_weight=9.0),
    BinaryCrossentropy(from_logits=False, positive_weight=0.25),
    CategoricalCrossentropy(),
)


@dataclass
class Problem:
    """A small model with a loss, data, and parameters of two runs."""

    layers: tuple
    loss: object
    inputs: list
    targets: np.ndarray
    parameters: dict

    def losses(self):
        """Return the loss of every run, (runs,)."""
        layers, _ = split_output(self.layers)
        output = forward(layers, self.parameters, self.inputs)[-1]
        return loss_and_gradient(self.loss, output, self.targets)[0]

    def gradients(self):
        """Return the hand-written gradients."""
        layers, _ = split_output(self.layers)
        values = forward(layers, self.parameters, self.inputs)
        _, gradient = loss_and_gradient(self.loss, values[-1], self.targets)
        return backward(layers, self.parameters, values, gradient)

    def near_kink(self):
        """Return whether a relu's input is so near 0 that a difference would cross it."""
        layers, _ = split_output(self.layers)
        values = forward(layers, self.parameters, self.inputs)
        for layer, before in zip(layers, values, strict=False):
            if isinstance(layer, Dense) and layer.activation == "relu":
                before = (before @ self.parameters[f"{layer.name}.kernel"]
                          + self.parameters[f"{layer.name}.bias"][:, None, :])
            elif getattr(layer, "function", None) != "relu":
                continue
            if np.abs(before).min() < KINK:
                return True
        return False


def build(hidden, output_lambda, loss, widths, units, seed):
    """Return a problem: joined inputs, one hidden layer per entry of ``hidden``, one output."""
    random = np.random.RandomState(seed)
    layers, parameters, width = [Concatenate()], {}, sum(widths)

    def dense(count, activation):
        nonlocal width
        name = f"dense_{len(parameters) // 2}"
        layers.append(Dense(name, count, activation))
        parameters[f"{name}.kernel"] = random.normal(size=(RUNS, width, count))
        parameters[f"{name}.bias"] = random.normal(size=(RUNS, count))
        width = count

    for kind, function in hidden:
        dense(units, function if kind == "dense" else None)
        layers.extend([Lambda(function)] if kind == "lambda" else [])
    if isinstance(loss, CategoricalCrossentropy):
        dense(2, "softmax")
    else:
        dense(1, None if loss.from_logits or output_lambda else "sigmoid")
        layers.extend([Lambda("sigmoid")] if output_lambda and not loss.from_logits else [])
    inputs = [random.normal(size=(3, n)) for n in widths]
    targets = random.randint(0, 2, size=(3, 1)).astype(float)
    return Problem(tuple(layers), loss, inputs, targets, parameters)


def assert_gradients_right(problem):
    """Assert that every partial derivative of every run is the difference quotient."""
    gradients = problem.gradients()
    assert list(gradients) == list(problem.parameters)
    for name, values in problem.parameters.items():
        assert gradients[name].shape == values.shape
        for index in np.ndindex(*values.shape):
            original = values[index]
            values[index] = original + STEP
            above = problem.losses()
            values[index] = original - STEP
            quotient = (above - problem.losses()) / (2 * STEP)
            values[index] = original
            assert gradients[name][index] == pytest.approx(quotient[index[0]], rel=1e-7, abs=1e-8)
            assert np.all(np.delete(quotient, index[0]) == 0), "one run's parameter moved another"


hidden_layers = st.lists(
    st.tuples(st.sampled_from(["dense", "lambda"]), st.sampled_from(HIDDEN)), max_size=2)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(hidden=hidden_layers, output_lambda=st.booleans(), loss=st.sampled_from(LOSSES),
       widths=st.lists(st.integers(1, 2), min_size=1, max_size=2), units=st.integers(1, 3),
       seed=st.integers(0, 2**32 - 1))
def test_any_model_has_the_gradient_of_its_loss(hidden, output_lambda, loss, widths, units, seed):
    """Every derivative of a generated model is its difference quotient, run by run."""
    problem = build(hidden, output_lambda, loss, widths, units, seed)
    assume(not problem.near_kink())
    assert_gradients_right(problem)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("kind", ["dense", "lambda"])
@pytest.mark.parametrize("function", HIDDEN)
def test_each_layer_and_loss_has_the_right_gradient(function, kind, loss):
    """No combination of hidden layer and loss is left to what Hypothesis happens to draw."""
    problem = build([(kind, function)], False, loss, (2, 1), 3, seed=1)
    assert not problem.near_kink()
    assert_gradients_right(problem)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_run_is_the_same_alone_and_beside_another(loss):
    """Loss and gradients of a run do not depend on the other runs."""
    together = build([("dense", "tanh")], False, loss, (2, 1), 3, seed=2)
    losses, gradients = together.losses(), together.gradients()
    assert losses[0] != losses[1]
    for run in range(RUNS):
        alone = Problem(together.layers, loss, together.inputs, together.targets,
                        {name: p[run:run + 1] for name, p in together.parameters.items()})
        assert alone.losses()[0] == pytest.approx(losses[run], rel=1e-14)
        for name, gradient in alone.gradients().items():
            np.testing.assert_allclose(gradient[0], gradients[name][run], rtol=1e-13, atol=1e-15)


def test_relu_has_no_gradient_at_zero():
    """At a relu's kink the derivative is 0, as in every framework."""
    layers = (Dense("d", 1, "relu"),)
    parameters = {"d.kernel": np.ones((1, 1, 1)), "d.bias": np.zeros((1, 1))}
    values = forward(layers, parameters, [np.zeros((1, 1))])
    assert backward(layers, parameters, values, np.ones((1, 1, 1)))["d.bias"] == 0


def test_an_unknown_layer_is_refused():
    """A layer outside the vocabulary is an error, never passed over."""
    with pytest.raises(UnsupportedError):
        forward((object(),), {}, [np.zeros((1, 1))])


@settings(derandomize=True, max_examples=60, deadline=None)
@given(loss=st.sampled_from(LOSSES), batch=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_losses_are_the_plain_formulas(loss, batch, seed):
    """The loss is the mean of -y log p - (1 - y) log(1 - p), positives weighted."""
    random = np.random.RandomState(seed)
    binary = isinstance(loss, BinaryCrossentropy)
    z = random.uniform(-15, 15, size=(RUNS, batch, 1 if binary else 2))
    y = random.randint(0, 2, size=(batch, 1)).astype(float)
    if binary:
        p, weight = 1 / (1 + np.exp(-z)), np.where(y == 1, loss.positive_weight, 1)
    else:
        p, weight = np.exp(z)[..., 1:] / np.exp(z).sum(axis=-1, keepdims=True), 1
    plain = weight * (-y * np.log(p) - (1 - y) * np.log1p(-p))
    computed, gradient = loss_and_gradient(loss, z, y)
    np.testing.assert_allclose(computed, plain.sum(axis=(1, 2)) / batch, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(gradient[..., -1:], weight * (p - y) / batch, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(probabilities("" if binary else "softmax", z), p, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("logit", "target", "loss", "slope"), [
    (1000, 1, 0, 0), (1000, 0, 1000, 1), (-1000, 1, 1000, -1), (-1000, 0, 0, 0)])
def test_extreme_logits_neither_overflow_nor_saturate(logit, target, loss, slope, dtype):
    """At logits of 1000 either way every loss and gradient is exact, without a warning."""
    y = np.full((1, 1), target, dtype)
    z = np.full((1, 1, 1), logit, dtype)
    pair = np.concatenate([-z, z], axis=-1) / 2  # a softmax sees the difference of its logits
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for value, gradient in (loss_and_gradient(FROM_LOGITS, z, y),
                                loss_and_gradient(CategoricalCrossentropy(), pair, y)):
            assert value.tolist() == [loss]
            assert gradient[0, 0, -1] == slope
        weighted, gradient = loss_and_gradient(BinaryCrossentropy(True, 9.0), z, y)
    factor = 9 if target else 1
    assert (weighted[0], gradient[0, 0, 0]) == (factor * loss, factor * slope)
