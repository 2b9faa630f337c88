"""What the explanations of waivers share: the altered reference, and stored baselines."""

from pathlib import Path
from unittest import mock

import numpy as np

from harness.compare.checks.pair import CHAOS, EQUIVALENT, FACTOR, FLOOR, IDENTICAL, LEAD
from harness.measure import probes
from harness.measure.adapters import reference
from harness.measure.adapters.task import cast, prepare
from harness.records.project import Project
from harness.records.record import CURVES
from harness.store.store import Store

PROJECT = Project(Path(__file__).resolve().parents[2])
STORE = Store(PROJECT)
LARGE = 1e-3
"""Errors of a probe from here on are compared; rounding alone makes none so large."""


def find(case_name, variant_name):
    """Return a case and one of its variants."""
    case = PROJECT.case(case_name)
    return case, next(v for v in case.variants if v.name == variant_name)


def train(case_name, variant_name, precision="float64", copies=0):
    """Return the reference's trajectory; from perturbed copies, if any, it has an envelope."""
    case, variant = find(case_name, variant_name)
    task = prepare(case, variant, precision, PROJECT.batches(case), PROJECT.weights(variant))
    with np.errstate(all="ignore"), mock.patch.object(reference, "COPIES", copies):
        return reference.build(task).train()  # Axon's defect overflows


def train_with_envelope(case_name, variant_name, precision="float64"):
    """Return the reference's trajectory with what rounding alone can do to it."""
    return train(case_name, variant_name, precision, reference.COPIES)


def stored(case, environment, variant, precision="float64"):
    """Return a baseline's trajectory, or None if it does not have the variant."""
    variants = STORE.baseline(case, environment).variants
    return variants[variant].trajectories[precision] if variant in variants else None


def deviation(observed, baseline, steps=None):
    """Return the largest relative deviation of all curves that the baseline has."""
    largest = 0.0
    for name in CURVES:
        if getattr(baseline, name) is not None:
            o, b = (np.asarray(getattr(side, name))[:steps] for side in (observed, baseline))
            largest = max(largest, float((np.abs(o - b) / np.maximum(1, np.abs(b))).max()))
    return largest


def excess(altered, baseline, precision="float64", steps=None, reference=None):
    """Return the largest deviation over what rounding can do to the altered reference itself.

    The allowance is a comparison's: learned from the envelope of the altered training, or of the
    reference's own. A float64 trajectory ends where that makes it chaotic.
    """
    largest, envelopes = 0.0, (reference or altered).envelope or {}
    floor = EQUIVALENT if envelopes and precision == "float64" else IDENTICAL
    for name in CURVES:
        if getattr(baseline, name) is None:
            continue
        o, b = (np.asarray(getattr(side, name))[:steps] for side in (altered, baseline))
        envelope = np.asarray(envelopes.get(name, np.zeros(len(b))))[:steps]
        allowed = FACTOR * (envelope + FLOOR) if precision == "float32" \
            else np.maximum(FACTOR * envelope, floor)
        ends = envelope > CHAOS[precision] / LEAD[precision] if precision == "float64" \
            else np.zeros(len(o), bool)
        end = int(ends.argmax()) if ends.any() else len(o)
        ratio = np.abs(o - b) / np.maximum(1, np.abs(b)) / allowed
        largest = max(largest, float(ratio[:end].max()))
    return largest


class Stress:
    """One step of the reference at a stress checkpoint, and how far it is off when altered."""

    def __init__(self, case_name, variant_name, scale):
        self.case, self.variant = find(case_name, variant_name)
        self.name = f"scaled_{scale}"
        weights = PROJECT.weights(self.variant)
        self.weights = {name: value * np.float32(scale) for name, value in weights.items()}
        task = prepare(self.case, self.variant, "float32", PROJECT.batches(self.case), weights)
        self.batch = task.batches[0]
        self.exact = self._step("float64")

    def _step(self, precision):
        task = prepare(self.case, self.variant, precision, PROJECT.batches(self.case),
                       self.weights)
        with np.errstate(all="ignore"):
            step = reference.build(task).probe(task.weights, cast(self.batch, precision))
        return probes.flatten(step, self.batch)

    def errors(self, precision):
        """Return the error of every tensor of the reference as it is now."""
        return probes.compare(self._step(precision), self.exact,
                              probes.measure_scales(self.exact))

    def stored(self, environment, precision):
        """Return the errors that a baseline has."""
        record = STORE.baseline(self.case.name, environment)
        kept = record.variants[self.variant.name].probes[precision]
        return dict(zip(kept.tensors, kept.errors[self.name], strict=True))


def agree(plain, altered, baseline, part="gradient", tolerance=0.01):
    """Hold the altered reference's large errors against a baseline's, three digits of each."""
    large = {name: error for name, error in baseline.items()
             if error > LARGE and name.startswith(part)}
    assert large
    for name, error in large.items():
        assert abs(altered[name] - error) <= tolerance * error, name
        assert plain[name] <= LARGE / 10, name
