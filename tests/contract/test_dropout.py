"""Dropout in training mode: its share, its scale, its way back, and what a seed determines.

Needs pytest, NumPy and the framework that HARNESS_ENVIRONMENT names; Python 3.8 up.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest

from harness.measure import dropout
from harness.measure.adapters.loading import load
from harness.measure.adapters.task import prepare
from harness.records.project import Project
from harness.vocabulary.case import PRECISIONS

ENVIRONMENT = os.environ["HARNESS_ENVIRONMENT"].replace("contract-", "", 1)
ADAPTER = load(ENVIRONMENT)
PROJECT = Project(Path(__file__).resolve().parents[2])
CASE = PROJECT.case("dropout")
ROUNDING = {"float64": 1e-12, "float32": 2.0**-20}
each = pytest.mark.parametrize("precision", PRECISIONS)
every = pytest.mark.parametrize("variant", CASE.variants, ids=lambda variant: variant.name)


def build(variant, precision):
    """Return a variant's task and its training."""
    task = prepare(CASE, variant, precision, PROJECT.batches(CASE),
                            PROJECT.weights(variant))
    return task, ADAPTER.build(task)


@every
@each
def test_dropout_keeps_its_promise(variant, precision):
    """It drops its share, anew every time, and scales what it keeps on both ways."""
    task, training = build(variant, precision)
    found, rate = dropout.measure(task, training), dropout.find(variant.layers)[1].rate
    deviation = math.sqrt(rate * (1 - rate) / found.count)
    assert abs(found.dropped - rate) < 5 * deviation
    assert abs(found.agreeing - rate**2 - (1 - rate)**2) < 10 * deviation
    assert found.scale == pytest.approx(1 / (1 - rate), rel=1e-6)
    assert max(found.spread, found.mismatch) <= ROUNDING[precision]


@each
def test_a_seed_determines_the_masks(precision, monkeypatch):
    """The same seed gives the same masks whatever was done in between, another seed others."""
    task, training = build(CASE.variants[0], precision)
    first = dropout.measure(task, training)
    training.probe(task.weights, task.batches[0])
    assert dropout.measure(task, training) == first
    assert dropout.measure(*build(CASE.variants[0], precision)) == first
    monkeypatch.setattr(dropout, "SEED", 1)
    assert dropout.measure(task, training).sha256 != first.sha256


def test_training_mode_ends():
    """What is measured after it is the same to the bit as before: dropout is the identity."""
    task, training = build(CASE.variants[0], "float32")
    before = training.probe(task.weights, task.batches[0])
    dropout.measure(task, training)
    after = training.probe(task.weights, task.batches[0])
    np.testing.assert_array_equal(after.outputs, before.outputs)
    for name, gradient in before.gradients.items():
        np.testing.assert_array_equal(after.gradients[name], gradient)
