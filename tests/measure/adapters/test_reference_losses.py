"""The reference's losses, against finite differences and plain formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UnsupportedError
from harness.measure.adapters.reference.loss import loss_and_gradient, probabilities
from harness.vocabulary.losses import BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError
from tests.kit.differences import (
    BINARY,
    FROM_LOGITS,
    TOKENS,
    VOCABULARY,
    assert_same,
    differentiate,
    problem,
)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(loss=st.sampled_from(BINARY + TOKENS), batch=st.integers(1, 5),
       side=st.sampled_from(["right", "left"]), seed=st.integers(0, 2**32 - 1))
def test_every_loss_has_the_right_gradient(loss, batch, side, seed):
    """The gradient by the logits is the difference quotient of the loss; padding has none."""
    z, y, mask = problem(loss, batch, seed, side)
    gradient = loss_and_gradient(loss, z, y, mask)[1]
    quotients = differentiate(lambda runs: loss_and_gradient(loss, runs["z"], y, mask)[0],
                              {"z": z})
    assert_same({"z": gradient}, quotients)
    if mask is not None:
        assert not gradient[0, mask == 0].any()


@settings(derandomize=True, max_examples=60, deadline=None)
@given(loss=st.sampled_from(BINARY), batch=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_losses_are_the_plain_formulas(loss, batch, seed):
    """The loss is the mean of -y log p - (1 - y) log(1 - p), positives weighted, or of squares."""
    random = np.random.RandomState(seed)
    categorical = isinstance(loss, CategoricalCrossentropy)
    z = random.uniform(-15, 15, size=(2, batch, 2 if categorical else 1))
    y = random.randint(0, 2, size=(batch, 1)).astype(float)
    p = np.exp(z)[..., 1:] / np.exp(z).sum(axis=-1, keepdims=True) if categorical else (
        1 / (1 + np.exp(-z)))
    weight = np.where(y == 1, getattr(loss, "positive_weight", 1), 1)
    plain, slope = weight * (-y * np.log(p) - (1 - y) * np.log1p(-p)), weight * (p - y)
    if isinstance(loss, MeanSquaredError):
        plain, slope = (p - y)**2, 2 * (p - y) * p * (1 - p)
    computed, gradient = loss_and_gradient(loss, z, y)
    np.testing.assert_allclose(computed, plain.sum(axis=(1, 2)) / batch, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(gradient[..., -1:], slope / batch, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(probabilities("softmax" if categorical else "", z), p, rtol=1e-12)


@pytest.mark.parametrize("loss", TOKENS, ids=repr)
@pytest.mark.parametrize("side", ["right", "left"])
def test_token_crossentropy_is_the_mean_over_unmasked_tokens(loss, side):
    """Plain Python: -sum(t log softmax(z)) of every real token, over their number."""
    z, y, mask = problem(loss, 3, seed=5, side=side)
    share, total, count = loss.label_smoothing, 0.0, 0
    for row, position in zip(*np.nonzero(mask), strict=True):
        p = np.exp(z[0, row, position]) / sum(np.exp(z[0, row, position]))
        for token in range(VOCABULARY):
            wanted = share / VOCABULARY + (1 - share) * (token == y[row, position])
            total -= wanted * np.log(p[token])
        count += 1
    assert count not in (0, mask.size)
    assert loss_and_gradient(loss, z, y, mask)[0] == pytest.approx(total / count, rel=1e-12)
    everywhere = np.ones_like(mask)
    for ours, theirs in zip(loss_and_gradient(loss, z, y),
                            loss_and_gradient(loss, z, y, everywhere), strict=True):
        assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("logit", "target", "loss", "slope"), [
    (1000, 1, 0, 0), (1000, 0, 1000, 1), (-1000, 1, 1000, -1), (-1000, 0, 0, 0)])
def test_extreme_logits_neither_overflow_nor_saturate(logit, target, loss, slope, dtype):
    """At logits of 1000 either way every loss and gradient is exact, without a warning."""
    y = np.full((1, 1), target, dtype)
    z = np.full((1, 1, 1), logit, dtype)
    pair = np.concatenate([-z, z], axis=-1) / 2  # a softmax sees the difference of its logits
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for value, gradient in (
                loss_and_gradient(FROM_LOGITS, z, y),
                loss_and_gradient(CategoricalCrossentropy(), pair, y),
                loss_and_gradient(TOKENS[0], pair[:, None], y.astype(int), np.ones((1, 1), dtype))):
            assert value.tolist() == [loss]
            assert gradient[..., -1].item() == slope
            assert (value.dtype, gradient.dtype) == (dtype, dtype)
        weighted, gradient = loss_and_gradient(BinaryCrossentropy(True, 9.0), z, y)
        squared, flat = loss_and_gradient(MeanSquaredError(), z, y)
    factor = 9 if target else 1
    assert (weighted[0], gradient[0, 0, 0]) == (factor * loss, factor * slope)
    assert (squared[0], flat[0, 0, 0]) == (bool(loss), 0), "a saturated sigmoid has no gradient"


def test_an_unknown_loss_is_refused():
    """A loss outside the vocabulary is an error."""
    with pytest.raises(UnsupportedError):
        loss_and_gradient(object(), np.zeros((1, 1, 1)), np.zeros((1, 1)))
