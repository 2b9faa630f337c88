"""Native runs, held in the environment of a framework: what every adapter's must show."""

from __future__ import annotations

import importlib
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.measure import native
from harness.measure.adapters.loading import load
from harness.records.environment import require
from harness.records.project import Project
from harness.vocabulary.optimizers import Adam

ENVIRONMENT = os.environ["HARNESS_ENVIRONMENT"].replace("contract-", "", 1)
FAMILY = require(ENVIRONMENT).framework
PROJECT = Project(Path(__file__).resolve().parents[2])
CASE = PROJECT.case("conv1d_stability")
SHORT = replace(CASE, native=replace(CASE.native, epochs=1))
EVALUATION = PROJECT.batches(CASE).evaluation
VARIANTS = [v for v in CASE.variants if v.name in CASE.native.variants]
each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.name)
if FAMILY == "reference":
    pytest.skip("the reference has no native runs", allow_module_level=True)
ADAPTER = importlib.import_module(f"{load(ENVIRONMENT).__name__}.native")


@each_variant
def test_a_seed_determines_a_fingerprint(variant):
    """The same seed gives the same one, another seed another in everything."""
    one, again, other = (ADAPTER.fingerprint(CASE, variant, EVALUATION, seed)
                         for seed in (0, 0, 1))
    assert one == again
    for part in ("weights_sha256", "order_sha256", "random_sha256", "evaluated"):
        assert getattr(one, part) != getattr(other, part), part


@each_variant
def test_fingerprints_hold_what_users_expect(variant):
    """He's deviation, zero means, every example once an epoch, and the reported loss."""
    found = ADAPTER.fingerprint(CASE, variant, EVALUATION, 3)
    assert found.presented == [native.EXAMPLES] * native.EPOCHS
    assert all(sorted(set(epoch)) != epoch for epoch in found.order)
    for name, inputs in (("conv_1", 3 * 64), ("dense_0", 32 * 64), ("dense_1", 128)):
        mean, deviation, _ = found.weights[f"{name}.kernel"]
        assert deviation == pytest.approx(math.sqrt(2 / inputs), rel=0.05)
        assert abs(mean) < deviation / 10
        assert found.weights[f"{name}.bias"][:2] == [0, 0]
    assert all(0 <= number < 1 for number in found.random)
    if found.reported is not None:
        assert found.reported == pytest.approx(found.evaluated, rel=1e-6)


@each_variant
def test_a_run_repeats(variant):
    """One seed gives one result, whose loss has moved since the fingerprint's weights."""
    one, again = (ADAPTER.run(SHORT, variant, EVALUATION, 0) for _ in range(2))
    assert one.final_loss == pytest.approx(again.final_loss, rel=0.1)
    assert (one.reported_loss is None) == (FAMILY == "torch")
    assert math.isfinite(one.final_loss)
    assert one.metric >= 0.4


@each_variant
def test_divergence_is_a_result(variant):
    """A learning rate that overflows ends in NaN and no trained run."""
    run = ADAPTER.run(SHORT, replace(variant, optimizer=Adam(1e30)), EVALUATION, 0)
    assert math.isnan(run.final_loss)
    assert not run.trained
