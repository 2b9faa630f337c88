"""Faults of this framework: all of the catalogue, each seen at once and gone afterwards.

Needs pytest, NumPy and the framework that HARNESS_ENVIRONMENT names; Python 3.8 up.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.measure import dropout
from harness.measure.adapters.loading import load
from harness.measure.adapters.task import prepare
from harness.measure.worker import submodule
from harness.records.environment import require
from harness.records.project import Project, select_variants
from harness.vocabulary import faults

ENVIRONMENT = os.environ["HARNESS_ENVIRONMENT"].replace("contract-", "", 1)
if ENVIRONMENT == "reference":
    pytest.skip("the reference has no faults", allow_module_level=True)
ADAPTER = load(ENVIRONMENT)
NAME = require(ENVIRONMENT).adapter
PATCHES = submodule(ADAPTER, "faults").PATCHES
PROJECT = Project(Path(__file__).resolve().parents[2])
INJECTED = [fault for fault in faults.expressible(NAME)
            if not fault.is_native and fault.phase != "metric"]
STEPS = 260
"""Enough for a schedule's first change."""


def measure(fault):
    """Return the float64 losses of the fault's first variant, and what dropout does in it."""
    case = PROJECT.case(fault.case)
    variant = select_variants(case, list(fault.variants))[0]
    batches = PROJECT.batches(case)
    cut = replace(batches, inputs=tuple(x[:STEPS] for x in batches.inputs),
                  targets=batches.targets[:STEPS],
                  mask=None if batches.mask is None else batches.mask[:STEPS])
    precision = "float32" if fault.name == "bfloat16_products" else "float64"
    task = prepare(case, variant, precision, cut, PROJECT.weights(variant))
    training = ADAPTER.build(task)
    drops = dropout.measure(task, training)
    return np.array([*training.train().loss, *(
        [] if drops is None else [drops.dropped, drops.scale, drops.spread, drops.mismatch])])


def test_every_fault_of_the_catalogue_is_here():
    """What the framework can express has a patch, and nothing else has."""
    assert set(PATCHES) == {fault.name for fault in faults.expressible(NAME)}


@pytest.mark.parametrize("fault", INJECTED, ids=lambda fault: fault.name)
def test_a_fault_changes_the_training_and_leaves_nothing_behind(fault):
    """Under the fault the losses differ, after it they are the same to the bit as before."""
    before = measure(fault)
    with PATCHES[fault.name]():
        under = measure(fault)
    assert not np.array_equal(under, before)
    np.testing.assert_array_equal(measure(fault), before)


@pytest.mark.parametrize("name", sorted(PATCHES))
def test_an_exception_ends_a_fault(name):
    """A patch is undone when what it surrounds raises."""
    with pytest.raises(ZeroDivisionError), PATCHES[name]():
        raise ZeroDivisionError
