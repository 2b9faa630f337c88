"""The reference's optimizers, schedules, clipping, and the envelope they are judged by."""

import math

import numpy as np
import pytest

from harness.errors import UnsupportedError
from harness.measure.adapters.reference.loss import loss_and_gradient
from harness.measure.adapters.reference.model import backward, forward
from harness.measure.adapters.reference.optimizer import Updater, clip_gradients, rate_at
from harness.measure.adapters.reference.training import envelope, perturb
from harness.vocabulary.layers import Dense
from harness.vocabulary.losses import BinaryCrossentropy as Bce
from harness.vocabulary.optimizers import SGD, Adam, AdamW, ClipNorm, ClipValue, StepDecay

GRADIENTS = (0.5, -2.0, 1e-3, 0.0, 3.0, -1e-9, 0.25)
ULP = 2.0**-52


def train_scalar(optimizer, gradients, dtype="float64"):
    """Return the parameter, starting at 1.5, after each of the given gradients."""
    parameters = {"w": np.array([[1.5]], dtype)}
    updater, seen = Updater(optimizer, parameters), []
    for gradient in gradients:
        updater.update(parameters, {"w": np.array([[gradient]], dtype)})
        seen.append(parameters["w"].item())
    assert parameters["w"].dtype == dtype
    return seen


# ------------------------------------------------------------ optimizers
@pytest.mark.parametrize("rate", [0.1, StepDecay(0.4, 0.5, 2)], ids=str)
def test_sgd_subtracts_rate_times_gradient(rate):
    """SGD moves a parameter by the learning rate of the step times the gradient."""
    rates = [0.1] * 7 if rate == 0.1 else [0.4, 0.4, 0.2, 0.2, 0.1, 0.1, 0.05]
    w, expected = 1.5, []
    for r, g in zip(rates, GRADIENTS, strict=True):
        w -= r * g
        expected.append(w)
    assert train_scalar(SGD(rate), GRADIENTS) == expected


def test_momentum_adds_up_the_gradients():
    """The velocity starts at 0: v = momentum v + g; the rate scales what it is at the step."""
    w, v, expected = 1.5, 0.0, []
    for step, g in enumerate(GRADIENTS):
        v = 0.9 * v + g
        w -= 0.4 * 0.5 ** (step // 2) * v
        expected.append(w)
    trained = train_scalar(SGD(StepDecay(0.4, 0.5, 2), momentum=0.9), GRADIENTS)
    assert trained == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("sign", [1, -1])
def test_weight_decay_pulls_to_zero_even_while_climbing(sign):
    """``maximize`` turns the gradient round and not the decay."""
    w, expected = 1.5, []
    for g in GRADIENTS:
        w -= 0.1 * (sign * g + 0.3 * w)
        expected.append(w)
    trained = train_scalar(SGD(0.1, weight_decay=0.3, maximize=sign < 0), GRADIENTS)
    assert trained == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("decay", [0.3, StepDecay(0.2, 0.5, 2)], ids=str)
def test_adamw_decays_the_weights_apart_from_the_moments(decay):
    """AdamW equals a scalar transcription of Loshchilov & Hutter's algorithm 2."""
    adamw = AdamW(decay, 0.25, 0.5, 0.7, 1e-2)
    theta, m, v, expected = 1.5, 0.0, 0.0, []
    for t, g in enumerate(GRADIENTS, start=1):
        rate = decay if isinstance(decay, float) else 0.2 * 0.5 ** ((t - 1) // 2)
        m, v = 0.5 * m + 0.5 * g, 0.7 * v + 0.3 * g**2
        adam = (m / (1 - 0.5**t)) / (math.sqrt(v / (1 - 0.7**t)) + 1e-2)
        theta -= rate * (adam + 0.25 * theta)
        expected.append(theta)
    assert train_scalar(adamw, GRADIENTS) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("adam", [Adam(0.01), Adam(0.3, 0.5, 0.7, 1e-2)], ids=repr)
def test_adam_is_algorithm_1(adam):
    """Adam equals a scalar transcription of algorithm 1 of Kingma & Ba, in plain Python."""
    theta, m, v, expected = 1.5, 0.0, 0.0, []
    for t, g in enumerate(GRADIENTS, start=1):
        m = adam.beta_1 * m + (1 - adam.beta_1) * g
        v = adam.beta_2 * v + (1 - adam.beta_2) * g**2
        m_hat = m / (1 - adam.beta_1**t)
        v_hat = v / (1 - adam.beta_2**t)
        theta -= adam.learning_rate * m_hat / (math.sqrt(v_hat) + adam.epsilon)
        expected.append(theta)
    assert train_scalar(adam, GRADIENTS) == pytest.approx(expected, rel=1e-14)


def test_adam_follows_a_schedule():
    """With a step decay the moments stay and only the rate of each step changes."""
    plain = np.diff([1.5, *train_scalar(Adam(0.4), GRADIENTS)])
    decayed = np.diff([1.5, *train_scalar(Adam(StepDecay(0.4, 0.5, 2)), GRADIENTS)])
    np.testing.assert_allclose(decayed, plain * [1, 1, .5, .5, .25, .25, .125], rtol=1e-12)


@pytest.mark.parametrize("optimizer", [
    SGD(0.1), SGD(0.1, 0.9, 0.1), Adam(0.01), AdamW(0.01, 0.1)], ids=str)
def test_float32_stays_float32(optimizer):
    """A float32 parameter is updated in float32, close to the float64 one."""
    single = train_scalar(optimizer, GRADIENTS, "float32")
    assert single == pytest.approx(train_scalar(optimizer, GRADIENTS), abs=1e-6)


@pytest.mark.parametrize("clip", [None, ClipNorm(0.01), ClipValue(0.01)], ids=str)
@pytest.mark.parametrize("optimizer", [
    SGD(0.01), SGD(0.01, momentum=0.9), Adam(0.01), AdamW(0.01, 1e-3)], ids=str)
def test_an_update_lowers_the_loss_of_every_run(optimizer, clip):
    """One small step along the gradients lowers the loss they were taken of."""
    random = np.random.RandomState(0)
    layers, loss = (Dense("a", 4, "tanh"), Dense("b", 1)), Bce(from_logits=True)
    parameters = {"a.kernel": random.normal(size=(3, 2, 4)), "a.bias": np.zeros((3, 4)),
                  "b.kernel": random.normal(size=(3, 4, 1)), "b.bias": np.zeros((3, 1))}
    x, y = random.normal(size=(16, 2)), random.randint(0, 2, (16, 1)).astype(float)
    output, tape = forward(layers, parameters, [x])
    before, gradient = loss_and_gradient(loss, output, y)
    gradients = clip_gradients(clip, backward(layers, parameters, tape, gradient))
    Updater(optimizer, parameters).update(parameters, gradients)
    after, _ = loss_and_gradient(loss, forward(layers, parameters, [x])[0], y)
    assert np.all(after < before)


def test_step_decay_multiplies_at_every_boundary():
    """The rate is constant for ``every`` steps counted from 0, then multiplied."""
    rates = [rate_at(StepDecay(0.1, 0.5, 250), step) for step in (0, 249, 250, 499, 500, 999)]
    assert rates == [0.1, 0.1, 0.05, 0.05, 0.025, 0.0125]
    assert rate_at(0.3, 12345) == 0.3


def test_what_is_outside_the_vocabulary_is_refused():
    """An unknown optimizer, learning rate or clipping is an error, never passed over."""
    with pytest.raises(UnsupportedError):
        Updater(object(), {})
    with pytest.raises(UnsupportedError):
        rate_at("0.1", 0)
    with pytest.raises(UnsupportedError):
        clip_gradients(object(), {})


# -------------------------------------------------------------- clipping
def test_clip_norm_takes_each_runs_own_global_norm():
    """Each run is scaled by its own norm over all arrays; a short gradient is left alone."""
    a = np.array([[3.0, 0.0], [0.3, 0.0], [0.0, 0.0], [0.0, 1.0]])
    b = np.array([[[0.0], [4.0]], [[0.0], [0.4]], [[0.0], [0.0]], [[0.0], [0.0]]])
    with np.errstate(all="raise"):
        clipped = clip_gradients(ClipNorm(1.0), {"a": a, "b": b})
    np.testing.assert_allclose(clipped["a"][0], [0.6, 0], rtol=1e-15)
    np.testing.assert_allclose(clipped["b"][0], [[0], [0.8]], rtol=1e-15)
    for run in (1, 2, 3):  # shorter, of norm 0, exactly as long
        assert clipped["a"][run].tolist() == a[run].tolist()
        assert clipped["b"][run].tolist() == b[run].tolist()


def test_clip_norm_keeps_float32():
    """Clipping float32 gradients gives float32 gradients."""
    clipped = clip_gradients(ClipNorm(1.0), {"a": np.array([[3.0, 4.0]], np.float32)})["a"]
    assert clipped.dtype == np.float32
    np.testing.assert_allclose(clipped, [[0.6, 0.8]], rtol=1e-7)


def test_clip_value_clips_every_component():
    """Components are cut at plus and minus the maximum, the others unchanged."""
    clipped = clip_gradients(ClipValue(0.5), {"a": np.array([[-3.0, -0.5, 0.2, 0.5, 0.6]])})
    assert clipped["a"].tolist() == [[-0.5, -0.5, 0.2, 0.5, 0.5]]


def test_no_clip_is_no_change():
    """Without clipping the gradients are passed on."""
    gradients = {"a": np.array([[1e30]])}
    assert clip_gradients(None, gradients) is gradients


# -------------------------------------------------- perturbed runs, envelope
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_perturb_multiplies_by_one_plus_or_minus_an_ulp(dtype):
    """Every copy's value is the original times exactly 1 - or + epsilon; run 0 is untouched."""
    epsilon = np.finfo(dtype).eps
    value = np.random.RandomState(0).normal(size=(8, 16)).astype(dtype)
    runs = perturb({"w": value, "b": np.zeros(3, dtype)}, 8)
    assert runs["w"].shape == (9, 8, 16) and runs["w"].dtype == dtype
    assert runs["w"][0].tobytes() == value.tobytes()
    up, down = ((value * (1 + sign * epsilon)).astype(dtype) for sign in (1.0, -1.0))
    for copy in runs["w"][1:]:
        assert np.all((copy == up) | (copy == down))
        assert np.all(copy != value)
        assert np.any(copy == up) and np.any(copy == down)
    assert len({copy.tobytes() for copy in runs["w"]}) == 9, "two copies are the same"
    assert not runs["b"].any()


def test_perturb_is_deterministic_and_leaves_its_argument():
    """The same weights are perturbed alike every time, and not in place."""
    weights = {"w": np.ones((2, 2))}
    first, second = perturb(weights, 4), perturb(weights, 4)
    assert first["w"].tobytes() == second["w"].tobytes()
    assert set(np.unique(first["w"])) == {1 - ULP, 1.0, 1 + ULP}
    first["w"][0] = 7
    assert weights["w"].tolist() == [[1, 1], [1, 1]]
    assert perturb(weights, 0)["w"].tolist() == [[[1, 1], [1, 1]]]


def test_envelope_is_the_running_maximum_of_the_largest_copy():
    """It never falls, takes the largest copy, and is relative only above 1."""
    curve = np.array([[0.5, 0.5, 0.5], [0.5, 0.75, 0.5], [4.0, 4.0, 2.0], [1.0, 1.0, 1.0]])
    assert envelope(curve) == [0, 0.25, 0.5, 0.5]
    assert envelope(curve[:, :1]) == [0, 0, 0, 0]


@pytest.mark.parametrize(("center", "copy", "expected"), [
    (1.0, math.nan, math.inf), (math.nan, 1.0, math.inf), (math.nan, math.nan, 0),
    (1.0, math.inf, math.inf), (math.inf, 1.0, math.inf), (math.inf, math.inf, 0),
    (math.inf, -math.inf, math.inf), (math.inf, math.nan, math.inf)])
def test_envelope_of_what_is_not_finite(center, copy, expected):
    """Runs that break alike do not deviate; one that breaks alone allows anything from then on."""
    curve = np.array([[1.0, 1.0], [center, copy], [1.0, 1.0]])
    assert envelope(curve) == [0, expected, expected]
    assert envelope(curve.astype(np.float32)) == [0, expected, expected]
