"""What the harness itself computes of a native run."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UnsupportedError
from harness.measure import native
from harness.records.paths import find_root
from harness.records.project import Project
from harness.records.record import Fingerprint
from harness.vocabulary.case import Batch, Case, Variant
from harness.vocabulary.losses import BinaryCrossentropy, MeanSquaredError
from harness.vocabulary.optimizers import SGD, Adam, AdamW, ClipNorm, StepDecay

CASE: Case = Project(find_root(Path(__file__))).case("conv1d_stability")
VARIANT: Variant = CASE.variants[0]
ENTROPY = BinaryCrossentropy(from_logits=False)


def column(*values: float) -> np.ndarray:
    """Return predictions or targets, (examples, 1)."""
    return np.array(values, np.float32)[:, None]


def test_losses_by_hand() -> None:
    """Mean squared error and cross-entropy of two examples, as on paper."""
    p, y = column(0.25, 0.5), column(0, 1)
    assert native.loss(MeanSquaredError(), p, y) == (0.0625 + 0.25) / 2
    assert native.loss(ENTROPY, p, y) == pytest.approx(-(math.log(0.75) + math.log(0.5)) / 2)


def test_saturated_probabilities_cost_what_float32_can_tell() -> None:
    """Wrong for certain costs 25 ln 2, right for certain next to nothing; NaN stays NaN."""
    assert native.loss(ENTROPY, column(1), column(0)) == pytest.approx(25 * math.log(2))
    assert native.loss(ENTROPY, column(0), column(1)) == pytest.approx(25 * math.log(2))
    assert native.loss(ENTROPY, column(1, 0), column(1, 0)) < 1e-7
    assert math.isnan(native.loss(ENTROPY, column(math.nan, 0), column(1, 0)))


def test_shapes_are_not_broadcast() -> None:
    """Predictions (n,) for targets (n, 1) would average n * n terms, and are refused."""
    with pytest.raises(ValueError, match="shape"):
        native.loss(ENTROPY, np.zeros(2), column(0, 1))


def test_a_diverged_run_is_a_result() -> None:
    """NaN predictions give a NaN loss, no right answer and no trained run."""
    batch = Batch((np.zeros((2, 1)),), column(0, 1))
    run = native.finished(CASE, VARIANT, batch, 3, column(math.nan, math.nan), math.nan)
    assert (run.seed, run.metric, run.trained) == (3, 0.0, False)
    assert math.isnan(run.final_loss)


def test_a_run_trains_that_reaches_the_minimum() -> None:
    """The metric decides at the declared minimum, not the loss."""
    batch = Batch((np.zeros((10, 1)),), column(*[0, 1] * 5))
    right = np.where(batch.targets > 0, 0.6, 0.4)
    assert native.finished(CASE, VARIANT, batch, 0, right, None).trained
    right[:2] = 1 - right[:2]
    assert not native.finished(CASE, VARIANT, batch, 0, right, None).trained


@pytest.mark.parametrize("change", [
    {"optimizer": SGD(0.1, momentum=0.9)}, {"optimizer": Adam(0.1, epsilon=1e-3)},
    {"optimizer": AdamW(0.1, 0.1)}, {"optimizer": SGD(StepDecay(0.1, 0.5, 10))},
    {"clip": ClipNorm(1.0)}])
def test_only_a_learning_rate_is_given(change: dict[str, object]) -> None:
    """A recipe that overrides the framework's defaults is not native."""
    with pytest.raises(UnsupportedError):
        native.optimizer(replace(VARIANT, **change))  # type: ignore[arg-type]


def test_native_variants_are_native() -> None:
    """The declared ones take SGD or Adam; the data leaves a partial last batch."""
    assert CASE.native is not None
    chosen = [v for v in CASE.variants if v.name in CASE.native.variants]
    assert [native.optimizer(v)[0] for v in chosen] == ["Adam", "Adam"]
    assert native.EXAMPLES % CASE.native.batch_size
    assert CASE.native.seeds >= 20


def test_fingerprints_keep_the_order_of_every_epoch() -> None:
    """Weights by name, order by epoch, and hashes that see a single change."""
    batch = Batch((np.zeros((2, 1)),), column(0, 1))

    def taken(order: list[int], weight: float = 1) -> Fingerprint:
        weights = {"a.kernel": np.array([[weight, 3]], np.float32)}
        return native.fingerprint(VARIANT, batch, 0, weights, [np.arange(20), np.array(order)],
                                  np.array([0.5], np.float32), column(0, 1), None)

    one = taken([1, 0])
    assert one.weights == {"a.kernel": [2.0, 1.0, 2]}
    assert (one.presented, one.order) == ([20, 2], [[*range(8)], [1, 0]])
    assert one == taken([1, 0])
    assert one.order_sha256 != taken([0, 1]).order_sha256
    assert one.weights_sha256 != taken([1, 0], 1.0000001).weights_sha256
