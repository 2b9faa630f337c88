"""The reasons in waivers.toml for Axon, held against its stored baselines.

The reference, altered as a reason says, gives Axon's numbers.
"""

from __future__ import annotations

import numpy as np
import pytest

from harness.measure import probes
from harness.measure.adapters import task as tasks
from harness.measure.adapters.reference import Reference, loss, recurrent
from harness.measure.adapters.reference.activation import sigmoid
from harness.measure.adapters.task import Task
from harness.records.project import Project, select_variants
from harness.store.store import Store
from harness.vocabulary.case import Variant
from harness.vocabulary.optimizers import Adam

CASE, ENVIRONMENT, STEPS = "imbalanced_binary", "axon-0.6.0", 60
SEQUENCES = "masked_sequences"
BATCH = 20
SINGLE = np.float32
MEAN = float(SINGLE(1 / BATCH)) * BATCH
"""By what the gradient of a mean is too large if 1 / 20 is rounded to float32."""
ROOT = 1e-15
"""What Polaris' Adam adds under the root."""


PLAIN_BINARY = loss._binary


def find(checkout: Project, name: str, case: str = CASE) -> Variant:
    """Return the variant of that name."""
    return select_variants(checkout.case(case), [name])[0]


def prepare(checkout: Project, variant: Variant, name: str = CASE) -> Task:
    """Return its task in float64."""
    case = checkout.case(name)
    return tasks.prepare(case, variant, "float64", checkout.batches(case),
                         checkout.weights(variant))


@pytest.mark.parametrize("name", ["bce_sigmoid-sgd_0.1", "bce_logits-sgd_0.1-weighted_9",
                                  "cce_softmax-sgd_0.1"])
def test_the_gradient_of_a_mean_divides_in_float32(checkout: Project, name: str) -> None:
    """In float64 models, too: every gradient is too large by what 1 / 20 is rounded up by."""
    observed, reference = (Store(checkout).baseline(CASE, side).variants[name]
                           .trajectories["float64"] for side in (ENVIRONMENT, "reference"))
    assert abs(observed.loss[0] - reference.loss[0]) < 1e-15
    ratio = observed.gradient_norm[0] / reference.gradient_norm[0]
    assert ratio == pytest.approx(MEAN, abs=1e-15)
    assert 1e-8 < MEAN - 1 < 2e-8


@pytest.mark.parametrize(("case", "name", "mean"), [
    (CASE, "bce_logits-adam_0.01", MEAN), (CASE, "cce_softmax-adam_0.01", MEAN),
    (SEQUENCES, "decoder_reduction_none-adam_0.01", 1.0),
    (SEQUENCES, "lstm_reduction_none-adam_0.01", 1.0)])
def test_adam_computes_with_numbers_in_float32(checkout: Project, case: str, name: str,
                                               mean: float) -> None:
    """Decays, 1 - decay and powers are rounded, and 1e-15 stands under the root."""
    variant = find(checkout, name, case)
    task, adam = prepare(checkout, variant, case), variant.optimizer
    assert isinstance(adam, Adam)
    observed = Store(checkout).baseline(case, ENVIRONMENT).variants[name].trajectories["float64"]
    decays = SINGLE(adam.beta_1), SINGLE(adam.beta_2)
    shares = SINGLE(1 - adam.beta_1), SINGLE(1 - adam.beta_2)
    training, weights = Reference(task), dict(task.weights)
    moments = {name: (0.0, 0.0) for name in weights}
    for step in range(STEPS):
        taken = training.probe(weights, task.batches[step])
        assert abs(taken.loss - observed.loss[step]) < (2e-15 if case == CASE else 2e-13)
        first, second = (float(1 - decay ** SINGLE(step + 1)) for decay in decays)
        moved = 0.0
        for part, gradient in taken.gradients.items():
            powers = (mean * gradient, (mean * gradient) ** 2)
            m, v = (float(decay) * old + float(share) * power for decay, old, share, power
                    in zip(decays, moments[part], shares, powers, strict=True))
            moments[part] = m, v
            change = adam.learning_rate * (m / first) / (np.sqrt(v / second + ROOT) + adam.epsilon)
            weights[part] = weights[part] - change
            moved += float(np.sum(change ** 2))
        assert np.sqrt(moved) == pytest.approx(observed.update_norm[step], rel=1e-11)


@pytest.mark.parametrize("name", [
    *(f"bce_{path}-sgd_0.{rate}" for path in ("sigmoid", "logits")
      for rate in ("1", "01", "01-init_24", "01-init_7", "01-init_39")),
    "bce_sigmoid-sgd_0.1-relu"])
def test_softplus_has_no_gradient_at_0(checkout: Project, name: str,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """XOR's (0, 0) meets it at step 0; with that the reference repeats all 1000 losses."""
    stored = (Store(checkout).baseline("xor", side) for side in (ENVIRONMENT, "reference"))
    observed, plain = (np.array(record.variants[name].trajectories["float64"].loss)
                       for record in stored)
    monkeypatch.setattr(loss, "_binary", softplus)
    task = prepare(checkout, find(checkout, name, "xor"), "xor")
    altered = np.array(Reference(task).train().loss)
    assert len(altered) == 1000
    assert np.max(np.abs(altered / observed - 1)) < 1e-13
    assert np.max(np.abs(plain / observed - 1)) > 1e-3


@pytest.mark.parametrize(("optimizer", "bound"), [("sgd_0.3", 1e-6), ("adam_0.01", 1e-4)])
def test_a_loop_goes_back_from_the_first_step(checkout: Project, optimizer: str, bound: float,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """With time turned round on the way back the reference repeats a dynamic LSTM's losses."""
    name = f"lstm_reduction_none-{optimizer}"
    record = Store(checkout).baseline(SEQUENCES, ENVIRONMENT).variants[name]
    observed = np.array(record.trajectories["float32"].loss)
    training = Reference(prepare(checkout, find(checkout, name, SEQUENCES), SEQUENCES))
    plain = np.array(training.train().loss)
    monkeypatch.setattr(recurrent, "reversed", iter, raising=False)
    altered = np.array(training.train().loss)
    assert np.max(np.abs(altered / observed - 1)) < bound
    assert np.max(np.abs(plain / observed - 1)) > 0.1


@pytest.mark.parametrize(("scale", "precision", "slope"), [
    (10, "float32", True), (30, "float32", False), (100, "float32", False),
    (30, "float64", True), (100, "float64", False)])
def test_a_slope_of_sigmoid_overflows(checkout: Project, scale: int, precision: str,
                                      slope: bool) -> None:
    """exp(-z) p^2 is no number where exp(-z) is infinite, and so is a gradient with it."""
    name = "lstm_reduction_none-sgd_0.3"
    variant = find(checkout, name, SEQUENCES)
    case, lowest = checkout.case(SEQUENCES), []
    batches, weights = checkout.batches(case), checkout.weights(variant)
    checkpoint = next(one for one in probes.checkpoints(case, variant, batches, weights)
                      if one.name == f"scaled_{scale}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurrent, "sigmoid", lambda z: lowest.append(z.min()) or sigmoid(z))
        Reference(prepare(checkout, variant, SEQUENCES)).probe(checkpoint.weights,
                                                               checkpoint.batch)
    assert bool(-min(lowest) < np.log(np.finfo(precision).max)) == slope
    found = Store(checkout).baseline(SEQUENCES, ENVIRONMENT).variants[name].probes[precision]
    assert bool(np.all(np.isfinite(found.errors[f"scaled_{scale}"]))) == slope


def softplus(z: np.ndarray, y: np.ndarray, positive_weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Return Axon's binary cross-entropy on logits, and its gradient."""
    value, gradient = PLAIN_BINARY(z, y, positive_weight)
    return value, np.where(z == 0, -y / len(y), gradient)
