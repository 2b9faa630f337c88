"""The reasons in waivers.toml for Axon, held against its stored baselines.

The reference, altered as a reason says, gives Axon's numbers.
"""

from __future__ import annotations

import numpy as np
import pytest

from harness.measure.adapters import task as tasks
from harness.measure.adapters.reference import Reference
from harness.measure.adapters.task import Task
from harness.records.project import Project, select_variants
from harness.store.store import Store
from harness.vocabulary.case import Variant
from harness.vocabulary.optimizers import Adam

CASE, ENVIRONMENT, STEPS = "imbalanced_binary", "axon-0.6.0", 60
BATCH = 20
SINGLE = np.float32
MEAN = float(SINGLE(1 / BATCH)) * BATCH
"""By what the gradient of a mean is too large if 1 / 20 is rounded to float32."""
ROOT = 1e-15
"""What Polaris' Adam adds under the root."""


def find(checkout: Project, name: str) -> Variant:
    """Return the variant of that name."""
    return select_variants(checkout.case(CASE), [name])[0]


def prepare(checkout: Project, variant: Variant) -> Task:
    """Return its task in float64."""
    case = checkout.case(CASE)
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


@pytest.mark.parametrize("name", ["bce_logits-adam_0.01", "cce_softmax-adam_0.01"])
def test_adam_computes_with_numbers_in_float32(checkout: Project, name: str) -> None:
    """Decays, 1 - decay and powers are rounded, and 1e-15 stands under the root."""
    variant = find(checkout, name)
    task, adam = prepare(checkout, variant), variant.optimizer
    assert isinstance(adam, Adam)
    observed = Store(checkout).baseline(CASE, ENVIRONMENT).variants[name].trajectories["float64"]
    decays = SINGLE(adam.beta_1), SINGLE(adam.beta_2)
    shares = SINGLE(1 - adam.beta_1), SINGLE(1 - adam.beta_2)
    training, weights = Reference(task), dict(task.weights)
    moments = {name: (0.0, 0.0) for name in weights}
    for step in range(STEPS):
        taken = training.probe(weights, task.batches[step])
        assert abs(taken.loss - observed.loss[step]) < 2e-15
        first, second = (float(1 - decay ** SINGLE(step + 1)) for decay in decays)
        moved = 0.0
        for part, gradient in taken.gradients.items():
            powers = (MEAN * gradient, (MEAN * gradient) ** 2)
            m, v = (float(decay) * old + float(share) * power for decay, old, share, power
                    in zip(decays, moments[part], shares, powers, strict=True))
            moments[part] = m, v
            change = adam.learning_rate * (m / first) / (np.sqrt(v / second + ROOT) + adam.epsilon)
            weights[part] = weights[part] - change
            moved += float(np.sum(change ** 2))
        assert np.sqrt(moved) == pytest.approx(observed.update_norm[step], rel=1e-12)
