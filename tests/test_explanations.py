"""The reasons in results/waivers.toml, held against the stored baselines.

A reference altered as a reason says must give the stored curve; unaltered it must not.
"""

from pathlib import Path

import numpy as np
import pytest

from harness import serialization
from harness.adapters import prepare
from harness.project import Project
from harness.record import CURVES
from harness.reference import loss, optimizer, training

PROJECT = Project(Path(__file__).resolve().parents[1])
KERAS = ("keras-3.15.1", "tensorflow-2.15.1")
AXON = tuple(sorted(path.stem for path in PROJECT.baselines.glob("xor/axon-*.json")))
BROKEN = [name for name in AXON if name == "axon-0.6.1" or "235a0308" in name
          or "5f9e7bc1" in name]
RIGHT = [name for name in AXON if name not in BROKEN]
F = np.float32
PLAIN_BINARY = loss._binary


def train(case_name, variant_name, precision="float64"):
    """Return the reference's trajectory, without perturbed copies."""
    case = PROJECT.case(case_name)
    variant = next(v for v in case.variants if v.name == variant_name)
    task = prepare(case, variant, precision, PROJECT.batches(case), PROJECT.weights(variant))
    with np.errstate(all="ignore"):  # Axon's defect overflows
        runs = training.train(task, training.perturb(task.weights, 0))
    return task.trajectory(runs.losses[:, 0], runs.gradients[:, 0], runs.states[:, 0],
                           [prediction[0] for prediction in runs.predictions])


def stored(case, environment, variant, precision="float64"):
    """Return a baseline's trajectory, or None if it does not have the variant."""
    record = serialization.read(PROJECT.baseline_path(case, environment))
    return record.variants[variant].trajectories[precision] if variant in record.variants else None


def deviation(observed, baseline, steps=None):
    """Return the largest relative deviation of all curves that the baseline has."""
    largest = 0.0
    for name in CURVES:
        if getattr(baseline, name) is not None:
            o, b = (np.asarray(getattr(side, name))[:steps] for side in (observed, baseline))
            largest = max(largest, float((np.abs(o - b) / np.maximum(1, np.abs(b))).max()))
    return largest


def keras_adam(self, adam, name, g, rate):
    """Keras' Adam: "epsilon hat", and powers of betas that were rounded to float32."""
    m = self.first[name] = self.first[name] + (g - self.first[name]) * (1 - adam.beta_1)
    v = self.second[name] = self.second[name] + (g * g - self.second[name]) * (1 - adam.beta_2)
    power_1, power_2 = (float(F(beta)) ** self.step for beta in (adam.beta_1, adam.beta_2))
    return rate * np.sqrt(1 - power_2) / (1 - power_1) * m / (np.sqrt(v) + adam.epsilon)


def axon_adam(self, adam, name, g, rate):
    """Axon's Adam: the bias corrections 1 - beta ** step in float32."""
    m = self.first[name] = adam.beta_1 * self.first[name] + (1 - adam.beta_1) * g
    v = self.second[name] = adam.beta_2 * self.second[name] + (1 - adam.beta_2) * g * g
    c_1, c_2 = (F(1) - F(float(F(beta)) ** self.step) for beta in (adam.beta_1, adam.beta_2))
    return (rate * (m / c_1) / (np.sqrt(v / c_2) + adam.epsilon)).astype(g.dtype)


def torch_clip(clip, gradients):
    """torch's clip_grad_norm_: the norm plus 1e-6 divides."""
    if clip is None:
        return gradients
    norm = np.sqrt(sum(float((g * g).sum()) for g in gradients.values()))
    return {name: g * min(1, clip.maximum / (norm + 1e-6)) for name, g in gradients.items()}


def torch_bce(z, y, positive_weight):
    """torch's BCELoss: logarithms of at least -100, the derivative divided by at least 1e-12."""
    assert positive_weight == 1
    p = loss.sigmoid(z)
    with np.errstate(divide="ignore"):
        log_p, log_q = np.maximum(np.log(p), -100), np.maximum(np.log1p(-p), -100)
    slope = p * (1 - p)
    value = -(y * log_p + (1 - y) * log_q).mean(axis=(-1, -2))
    return value, (p - y) / np.maximum(slope, 1e-12) * slope / len(y)


def axon_softplus(z, y, positive_weight):
    """Axon's binary cross-entropy on logits: softplus has no gradient at a logit of 0."""
    value, gradient = PLAIN_BINARY(z, y, positive_weight)
    return value, np.where(z == 0, -y / len(y), gradient).astype(z.dtype)


def axon_defect(z, y, positive_weight):
    """Axon 0.6.1's: the gradient of clip is squared, sigmoid' is exp(-z) * p * p."""
    low, high, n = F(1e-7), F(1) - F(1e-7), F(len(y))
    p = F(1) / (F(1) + np.exp(-z))
    c = np.clip(p, low, high)
    value = -(y * np.log(c + low) + (1 - y) * np.log(1 - c + low)).mean(axis=(-1, -2))
    g = ((1 - y) / (1 - c + low) - y / (c + low)) / n
    return value, (g * (g * ((p > low) & (p < high))) * (np.exp(-z) * p * p)).astype(z.dtype)


@pytest.mark.parametrize(("case", "variant"), [
    (name, v.name) for name in PROJECT.case_names() for v in PROJECT.case(name).variants
    if "-adam_" in v.name])
def test_keras_adam(case, variant, monkeypatch):
    """Epsilon hat and float32 betas give Keras' curves, in Keras 2 and 3; Adam itself does not."""
    plain = train(case, variant)
    monkeypatch.setattr(optimizer.Updater, "_adam", keras_adam)
    altered = train(case, variant)
    for environment in KERAS:
        baseline = stored(case, environment, variant)
        assert deviation(altered, baseline) <= 1e-14
        assert 1e-7 < deviation(plain, baseline) <= 1e-5


def test_keras_exponential_decay(monkeypatch):
    """A learning rate rounded to float32 gives Keras' curve; an exact one does not."""
    variant, exact = "bce_logits-sgd_0.1_step_decay", optimizer.rate_at
    plain = train("xor", variant)
    monkeypatch.setattr(optimizer, "rate_at", lambda rate, step: float(F(exact(rate, step))))
    altered = train("xor", variant)
    for environment in KERAS:
        baseline = stored("xor", environment, variant)
        assert deviation(altered, baseline) <= 1e-14
        assert 1e-9 < deviation(plain, baseline) <= 2e-8


def test_torch_clip_grad_norm(monkeypatch):
    """Dividing by the norm plus 1e-6 gives torch's curve; dividing by the norm does not."""
    variant = "bce_sigmoid-sgd_0.1-clipnorm_0.1"
    baseline = stored("xor", "torch-2.13.0", variant)
    assert 1e-7 < deviation(train("xor", variant), baseline) <= 1e-5
    monkeypatch.setattr(training, "clip_gradients", torch_clip)
    assert deviation(train("xor", variant), baseline) <= 1e-14


def test_torch_bce_loss_on_saturated_probabilities(monkeypatch):
    """Clamped logarithms and slopes give torch's stuck curve, and Keras' is the right one."""
    variant = "bce_sigmoid-sgd_0.1-scaled_30"
    baseline = stored("imbalanced_binary", "torch-2.13.0", variant)
    plain = train("imbalanced_binary", variant)
    assert 0.1 < deviation(plain, baseline) <= 100
    for environment in KERAS:
        assert deviation(plain, stored("imbalanced_binary", environment, variant)) <= 1e-9
    monkeypatch.setattr(loss, "_binary", torch_bce)
    altered = train("imbalanced_binary", variant)
    assert deviation(altered, baseline) <= 1e-4  # 1.3e-6: the rounding of 1 - p grows


@pytest.mark.parametrize("path", ["bce_sigmoid", "bce_logits", "cce_softmax"])
def test_axon_adam(path, monkeypatch):
    """Bias corrections in float32 give Axon's curves where it is right; exact ones do not."""
    variant = f"{path}-adam_0.01"
    plain = train("imbalanced_binary", variant, "float32")
    monkeypatch.setattr(optimizer.Updater, "_adam", axon_adam)
    altered = train("imbalanced_binary", variant, "float32")
    for environment in RIGHT if path == "bce_sigmoid" else AXON:
        baseline = stored("imbalanced_binary", environment, variant, "float32")
        assert deviation(altered, baseline) <= 5e-7
        assert 1e-6 < deviation(plain, baseline) <= 5e-6


@pytest.mark.parametrize(("variant", "bound"), [
    ("bce_sigmoid-sgd_0.01", 5e-7), ("bce_sigmoid-sgd_0.1", 5e-7),
    *((f"bce_sigmoid-sgd_0.01-init_{n}", 5e-7) for n in (24, 7, 39)),
    ("bce_sigmoid-adam_0.001", 2e-5), ("bce_sigmoid-adam_0.01", 2e-5)])
def test_axon_softplus(variant, bound, monkeypatch):
    """No gradient at a logit of exactly 0 gives right Axon's XOR curves; sigmoid - y does not."""
    plain = train("xor", variant, "float32")
    monkeypatch.setattr(loss, "_binary", axon_softplus)
    altered = train("xor", variant, "float32")
    baselines = [stored("xor", environment, variant, "float32") for environment in RIGHT]
    compared = [baseline for baseline in baselines if baseline is not None]
    assert compared
    for baseline in compared:
        assert deviation(altered, baseline) <= bound
        assert 1e-4 < deviation(plain, baseline) <= 2e-2


@pytest.mark.parametrize(("case", "variant", "environments"), [
    *(("imbalanced_binary", f"bce_{path}-{o}", environments) for o in ("sgd_0.1", "adam_0.01")
      for path, environments in (("sigmoid", BROKEN), ("lambda", AXON))),
    *(("xor", f"bce_sigmoid-{o}", BROKEN) for o in (
        "sgd_0.01", "sgd_0.1", "adam_0.001", "adam_0.01",
        "sgd_0.01-init_24", "sgd_0.01-init_7", "sgd_0.01-init_39"))])
def test_axon_defect(case, variant, environments, monkeypatch):
    """The squared gradient of clip gives Axon's broken curves, up to NaN at the same step."""
    plain = train(case, variant, "float32")
    monkeypatch.setattr(loss, "_binary", axon_defect)
    monkeypatch.setattr(optimizer.Updater, "_adam", axon_adam)
    altered = train(case, variant, "float32")
    baselines = [stored(case, environment, variant, "float32") for environment in environments]
    compared = [baseline for baseline in baselines if baseline is not None]
    assert compared
    for baseline in compared:
        assert altered.nonfinite_from == baseline.nonfinite_from
        assert plain.nonfinite_from is None
        steps = baseline.nonfinite_from or len(baseline.loss)
        assert deviation(altered, baseline, steps - 8) <= 1e-5  # measured: 2.5e-6
        assert deviation(altered, baseline, steps) <= 5e-5  # the last steps before NaN: 1.2e-5
        assert deviation(plain, baseline, steps) > 0.4


def test_axon_0_6_0_differs_only_after_nan():
    """Nx 0.4.2 and 0.6.4 agree on the latent defect until it has made the parameters NaN."""
    old, new = (stored("imbalanced_binary", environment, "bce_lambda-sgd_0.1", "float32")
                for environment in ("axon-0.4.1", "axon-0.6.0"))
    assert old.nonfinite_from == new.nonfinite_from == 93
    assert deviation(new, old, 94) <= 1e-6
    assert deviation(new, old) > 0.1
