"""The reference's layers, against plain loops over positions, channels and units."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.measure.adapters.reference.model import backward, forward
from harness.vocabulary.layers import (
    LSTM,
    Attention,
    Conv1D,
    Dense,
    DivideByMaximum,
    Dropout,
    Embedding,
    Flatten,
    Residual,
    SeparableConv1D,
)
from tests.kit.differences import draw, padding

SEEDS = st.integers(0, 2**32 - 1)
EVERY = settings(derandomize=True, max_examples=25, deadline=None)


def run(layer, x, seed, mask=None):
    """Return a layer's output and its parameters by part, of one run."""
    parameters, _ = draw([layer], x.shape[-1], np.random.RandomState(seed))
    output, _ = forward([layer], parameters, [x], mask)
    return output[0], {name.split(".")[1]: value[0] for name, value in parameters.items()}


def sigmoid(z):
    """Return the logistic function of a number."""
    return 1 / (1 + math.exp(-z))


def inputs(seed, batch, length, channels):
    """Return random numbers (batch, length, channels)."""
    return np.random.RandomState(seed).normal(size=(batch, length, channels))


# ------------------------------------------------------------------ attention
@EVERY
@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=3), seed=SEEDS,
       heads=st.sampled_from([1, 2, 4]), side=st.sampled_from(["right", "left"]))
def test_attention_is_a_loop_over_positions_and_heads(heads, lengths, side, seed):
    """Every position mixes the values of the real positions up to itself, head by head."""
    x, mask = inputs(seed, len(lengths), 5, 4), padding(lengths, 5, side)
    output, parts = run(Attention("a", heads), x, seed, mask)
    query, key, value = (x @ parts[f"{p}_kernel"] + parts[f"{p}_bias"]
                         for p in ("query", "key", "value"))
    size = 4 // heads
    for row, position in np.ndindex(*mask.shape):
        mixed = np.zeros(4)
        seen = [other for other in range(position + 1) if mask[row, other]]
        for columns in (slice(size * head, size * (head + 1)) for head in range(heads)):
            scores = [math.exp(query[row, position, columns] @ key[row, other, columns]
                               / math.sqrt(size)) for other in seen]
            for score, other in zip(scores, seen, strict=True):
                mixed[columns] += score / sum(scores) * value[row, other, columns]
        expected = mixed @ parts["output_kernel"] + parts["output_bias"]
        np.testing.assert_allclose(output[row, position], expected, rtol=1e-9, atol=1e-12)


def test_attention_without_a_mask_sees_all_positions_before():
    """No mask is a mask of ones."""
    x = inputs(0, 2, 5, 4)
    unmasked, masked = (run(Attention("a", 2), x, 1, mask)[0] for mask in (None, np.ones((2, 5))))
    assert unmasked.tolist() == masked.tolist()


@pytest.mark.parametrize("scale", [1, 1e4])
def test_a_position_that_sees_nothing_gives_no_gradient(scale):
    """Rows of padding give the bias, without a warning; to the projections they are nothing."""
    layer, x, mask = Attention("a", 2), scale * inputs(0, 2, 4, 4), padding((0, 2), 4, "left")
    parameters, _ = draw([layer], 4, np.random.RandomState(1))
    with np.errstate(all="raise", under="ignore"):
        output, tape = forward([layer], parameters, [x], mask)
        blind = np.where(np.cumsum(mask, axis=1) == 0, 1.0, 0.0)[None, ..., None]
        gradients = backward([layer], parameters, tape, blind * np.ones_like(output))
    assert (output[blind[..., 0] > 0] == parameters["a.output_bias"]).all()
    for name, gradient in gradients.items():
        assert np.any(gradient) == (name == "a.output_bias"), name


# ----------------------------------------------------------------------- LSTM
@EVERY
@given(length=st.integers(1, 4), channels=st.integers(1, 3), units=st.integers(1, 3), seed=SEEDS)
def test_lstm_is_a_scalar_loop(length, channels, units, seed):
    """Every gate of every unit at every position, in plain Python."""
    x = inputs(seed, 2, length, channels)
    output, parts = run(LSTM("m", units), x, seed)
    for row in range(2):
        hidden, cell = [0.0] * units, [0.0] * units
        for t in range(length):
            z = [parts["bias"][j]
                 + sum(x[row, t, i] * parts["kernel"][i, j] for i in range(channels))
                 + sum(hidden[k] * parts["recurrent_kernel"][k, j] for k in range(units))
                 for j in range(4 * units)]
            for u in range(units):
                admit, forget, emit = (sigmoid(z[gate * units + u]) for gate in (0, 1, 3))
                cell[u] = forget * cell[u] + admit * math.tanh(z[2 * units + u])
                hidden[u] = emit * math.tanh(cell[u])
            assert output[row, t] == pytest.approx(hidden, rel=1e-12, abs=1e-14)


# --------------------------------------------------------------- convolutions
@EVERY
@given(size=st.sampled_from([1, 3, 5]), length=st.integers(1, 6), channels=st.integers(1, 3),
       activation=st.sampled_from([None, "relu", "tanh"]), seed=SEEDS)
def test_convolution_is_a_loop_over_positions(size, length, channels, activation, seed):
    """Cross-correlation: tap k meets position + k - size // 2; beyond the ends there are zeros."""
    x = inputs(seed, 2, length, channels)
    output, parts = run(Conv1D("c", 2, size, activation), x, seed)
    for row, position, f in np.ndindex(*output.shape):
        z = parts["bias"][f]
        for tap, channel in np.ndindex(size, channels):
            at = position + tap - size // 2
            if 0 <= at < length:
                z += x[row, at, channel] * parts["kernel"][tap, channel, f]
        expected = {None: z, "relu": max(z, 0), "tanh": math.tanh(z)}[activation]
        assert output[row, position, f] == pytest.approx(expected, rel=1e-10, abs=1e-12)


@EVERY
@given(size=st.sampled_from([1, 3, 5]), length=st.integers(1, 6), channels=st.integers(1, 3),
       seed=SEEDS)
def test_separable_convolution_is_a_loop_over_positions(size, length, channels, seed):
    """Each channel alone first, then mixed; one bias, before the activation."""
    x = inputs(seed, 2, length, channels)
    output, parts = run(SeparableConv1D("s", 2, size, "tanh"), x, seed)
    for row, position, f in np.ndindex(*output.shape):
        z = parts["bias"][f]
        for tap, channel in np.ndindex(size, channels):
            at = position + tap - size // 2
            if 0 <= at < length:
                z += (x[row, at, channel] * parts["depthwise_kernel"][tap, channel, 0]
                      * parts["pointwise_kernel"][0, channel, f])
        assert output[row, position, f] == pytest.approx(math.tanh(z), rel=1e-10, abs=1e-12)


# -------------------------------------------------------- division by the maximum
def divide(column, direction):
    """Return DivideByMaximum of one channel, and its gradient by the input along a direction."""
    layers = (Embedding("e", len(column), 1), DivideByMaximum())
    table = {"e.table": np.array(column, float)[None, :, None]}  # its rows are the input
    output, tape = forward(layers, table, [np.arange(len(column))[None]])
    gradient = backward(layers, table, tape, np.array(direction, float)[None, None, :, None])
    return output[0, 0, :, 0].tolist(), gradient["e.table"][0, :, 0].tolist()


@pytest.mark.parametrize(("column", "ties"), [
    ([1, 4, -2], [0, 1, 0]), ([1, -4, 2], [0, -1, 0]), ([4, 1, 4], [.5, 0, .5]),
    ([4, -4, 1], [.5, -.5, 0]), ([-2, -2, -2], [-1 / 3, -1 / 3, -1 / 3]), ([0, 0, 0], [0, 0, 0])])
def test_positions_that_tie_share_the_maximums_gradient_evenly(column, ties):
    """The direct gradient, and that of the maximum over all that tie, with their signs."""
    direction, divisor = [0.5, -3, 2], max(abs(x) for x in column) + 1e-8
    output, gradient = divide(column, direction)
    assert output == [x / divisor for x in column]
    by_maximum = -sum(d * x for d, x in zip(direction, column, strict=True)) / divisor**2
    expected = [d / divisor + by_maximum * t for d, t in zip(direction, ties, strict=True)]
    assert gradient == pytest.approx(expected, rel=1e-14)


def test_every_channel_is_divided_by_its_own_maximum():
    """The maximum runs over the length of one row and channel, not over channels or rows."""
    x = inputs(0, 3, 4, 2)
    output, _ = run(DivideByMaximum(), x, 0)
    for row, channel in np.ndindex(3, 2):
        column = x[row, :, channel]
        assert output[row, :, channel] == pytest.approx(column / max(abs(column)), rel=1e-7)


# ---------------------------------------------------------------- the simple ones
def test_embedding_looks_rows_up_and_adds_their_gradients_up():
    """A token's row is its output; a row's gradient is the sum over its positions."""
    layers, tokens = (Embedding("e", 4, 2),), np.array([[0, 2, 2], [2, 3, 0]])
    table = {"e.table": np.arange(8.0).reshape(1, 4, 2)}
    output, tape = forward(layers, table, [tokens])
    assert output[0].tolist() == [[[0, 1], [4, 5], [4, 5]], [[4, 5], [6, 7], [0, 1]]]
    direction = np.array([[1, 2, 3], [4, 5, 6]])[None, ..., None] * np.array([1, 10])
    gradient = backward(layers, table, tape, direction)["e.table"]
    assert gradient.tolist() == [[[7, 70], [0, 0], [9, 90], [5, 50]]]


def test_dense_works_on_any_number_of_leading_axes():
    """A sequence's positions are rows like any other."""
    x = inputs(0, 3, 4, 2)
    output, parts = run(Dense("d", 5, "tanh"), x, 1)
    for row, position in np.ndindex(3, 4):
        expected = np.tanh(x[row, position] @ parts["kernel"] + parts["bias"])
        np.testing.assert_allclose(output[row, position], expected, rtol=1e-12)


def test_residual_adds_and_dropout_and_flatten_keep_the_numbers():
    """Residual is x + layers(x), Dropout the identity, Flatten C order."""
    x = inputs(0, 3, 4, 2)
    inner, _ = run(Dense("d", 2, "tanh"), x, 1)
    assert run(Residual((Dense("d", 2, "tanh"),)), x, 1)[0].tolist() == (x + inner).tolist()
    assert run(Dropout(0.9), x, 1)[0].tolist() == x.tolist()
    assert run(Flatten(), x, 1)[0].tolist() == x.reshape(3, 8).tolist()
