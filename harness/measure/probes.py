"""Probes: one training step from fixed checkpoints, against the reference.

Inside half: standard library and NumPy only. The reference takes the same step from
the same float32 weights on the same batch, in this very process, so that no rounding
of a stored checkpoint lies between the two. What rounding alone can do at a checkpoint
is learned there: from the reference in each precision, and from copies of it whose
weights are changed in their last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterator

import numpy as np

from harness.measure.adapters.reference import training as reference
from harness.measure.adapters.task import Step, Task, Tensors, Training, cast, prepare
from harness.records.record import Probes
from harness.vocabulary.case import Batch, Batches, Case, Variant
from harness.vocabulary.checkpoint import at_step, parse
from harness.vocabulary.checkpoint import scaled as scaled_name
from harness.vocabulary.losses import BinaryCrossentropy, MeanSquaredError, TokenCrossentropy

STEPS = (0, 1, 10, 100)
"""Steps of the reference's float64 trajectory before which its weights are taken."""
SCALES = (3, 10, 30, 100)
"""Factors on the initial weights that saturate the outputs."""
COPIES = {"float64": 4, "float32": 8}
"""Perturbed steps from which an allowance is learned."""
FACTOR = 3.0
"""Allowance over what rounding did to the reference, as for trajectories."""
FLOORS = {"float64": 2.0**-40, "float32": 2.0**-21}
"""Smallest error that rounding is expected to make."""
SATURATED = 2.0**-14
"""The same where weights are scaled up: a saturated function lies within a rounding or two
of its bound, and which of them a library returns decides its derivative. Measured between
NumPy, torch and TensorFlow, where all are right: up to 2e-5."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights (float32) and a batch (float32, tokens int64) to take one step from."""

    name: str
    weights: Tensors
    batch: Batch


@dataclass(frozen=True)
class Expectation:
    """What the reference does at a checkpoint.

    Args:
        tensors: by name, in the order of a step, in float64.
        scales: what an error of each tensor is relative to.
        rounding: by precision, error of each tensor that rounding alone makes.
    """

    tensors: Tensors
    scales: dict[str, float]
    rounding: dict[str, list[float]]


def checkpoints(case: Case, variant: Variant, batches: Batches,
                weights: Tensors) -> Iterator[Checkpoint]:
    """Yield the reference checkpoints of a variant, then the stress checkpoints.

    Of variants that differ in their optimizer alone the first has the latter.

    Args:
        batches: the case's.
        weights: the variant's initial ones, float32.
    """
    task = prepare(case, variant, "float64", batches, weights)
    steps = [step for step in STEPS if step < task.batches.steps]
    for step, state in reference.checkpoints(task, steps).items():
        rounded = {name: value.astype(np.float32) for name, value in state.items()}
        yield Checkpoint(at_step(step), rounded, cast(task.batches[step], "float32"))
    if not case.leads(variant):
        return
    first = cast(task.batches[0], "float32")
    for scale in SCALES if variant.scale == 1 else ():
        scaled = {name: value * np.float32(scale) for name, value in weights.items()}
        yield Checkpoint(scaled_name(scale), scaled, first)
    if first.mask is not None and isinstance(variant.loss, TokenCrossentropy):
        yield Checkpoint("masked_row", weights, mask_row(first))
    elif isinstance(variant.loss, (BinaryCrossentropy, MeanSquaredError)):
        alone = np.zeros_like(first.targets)
        alone[0] = 1
        yield Checkpoint("one_positive", weights, replace(first, targets=alone))


def mask_row(batch: Batch) -> Batch:
    """Return the batch with its first sequence all padding."""
    assert batch.mask is not None
    mask = batch.mask.copy()
    mask[0] = 0
    return replace(batch, mask=mask)


def expect_all(case: Case, variant: Variant, batches: Batches,
               weights: Tensors) -> list[tuple[Checkpoint, Expectation]]:
    """Return the checkpoints of a variant at which the reference is finite, with what it does.

    A batch without a valid token has no loss, and weights may overflow even in float64: there
    is nothing to compare with there, and after the one nothing in a trajectory either.
    """
    found = ((checkpoint, expect(variant, checkpoint))
             for checkpoint in checkpoints(case, variant, batches, weights))
    return [(checkpoint, expected) for checkpoint, expected in found if expected is not None]


def expect(variant: Variant, checkpoint: Checkpoint) -> Expectation | None:
    """Return what the reference does at a checkpoint, and how far rounding moves it.

    None where it is not finite in float64.
    """
    with np.errstate(all="ignore"):  # float32 may overflow where float64 does not
        steps = {precision: [flatten(step, checkpoint.batch)
                             for step in _steps(variant, checkpoint, precision)]
                 for precision in FLOORS}
    tensors = steps["float64"][0]
    if not all(np.isfinite(value).all() for value in tensors.values()):
        return None
    scales = measure_scales(tensors)
    return Expectation(tensors, scales, {
        precision: [max(errors) for errors in zip(*(compare(run, tensors, scales).values()
                                                    for run in runs))]
        for precision, runs in steps.items()})


def measure(task: Task, training: Training,
            expected: list[tuple[Checkpoint, Expectation]]) -> Probes:
    """Return a training's errors at all checkpoints, and what they may be."""
    probes = Probes(list(expected[0][1].tensors) if expected else [], {}, {})
    for checkpoint, expectation in expected:
        step = training.probe(
            {name: value.astype(task.precision) for name, value in checkpoint.weights.items()},
            cast(checkpoint.batch, task.precision))
        errors = compare(flatten(step, checkpoint.batch), expectation.tensors, expectation.scales)
        probes.errors[checkpoint.name] = list(errors.values())
        probes.allowances[checkpoint.name] = allowances(checkpoint, expectation, task.precision)
    return probes


def allowances(checkpoint: Checkpoint, expectation: Expectation, precision: str) -> list[float]:
    """Return how large the error of each tensor may be at a checkpoint."""
    floor = FLOORS[precision]
    smallest = max(floor, SATURATED) if parse(checkpoint.name).scale is not None else floor
    return [FACTOR * (rounding + smallest) for rounding in expectation.rounding[precision]]


def flatten(step: Step, batch: Batch) -> Tensors:
    """Return a step's tensors in float64, by name, in the order in which they arise.

    What the model gives at masked positions counts as 0, since it is not defined there,
    but for NaN, which no mask undoes.
    """
    outputs = np.asarray(step.outputs, np.float64)
    if batch.mask is not None and outputs.ndim > batch.mask.ndim:
        with np.errstate(invalid="ignore"):
            outputs = outputs * batch.mask[..., None]
    tensors = {"outputs": outputs,
               "loss": np.asarray(step.loss, np.float64)}
    if step.output_gradient is not None:
        tensors["gradient of outputs"] = np.asarray(step.output_gradient, np.float64)
    for name in reversed(list(step.gradients)):
        tensors[f"gradient of {name}"] = np.asarray(step.gradients[name], np.float64)
    for name, value in step.updates.items():
        tensors[f"update of {name}"] = np.asarray(value, np.float64)
    return tensors


def measure_scales(tensors: Tensors) -> dict[str, float]:
    """Return what errors are relative to: the norm of a tensor's whole phase.

    A gradient that is 0 but for rounding (a key's bias) has no scale of its own.
    """
    norms = {name: float(np.linalg.norm(value)) for name, value in tensors.items()}
    phases = {prefix: float(np.linalg.norm([norm for name, norm in norms.items()
                                            if name.startswith(f"{prefix} of ")
                                            and name != "gradient of outputs"]))
              for prefix in ("gradient", "update")}
    scales = {name: phases.get(name.split(" ")[0], norms[name]) for name in tensors}
    scales["loss"] = max(1.0, norms["loss"])
    if "gradient of outputs" in norms:
        scales["gradient of outputs"] = norms["gradient of outputs"]
    return {name: scale if scale > 0 else 1.0 for name, scale in scales.items()}


def compare(observed: Tensors, expected: Tensors, scales: dict[str, float]) -> dict[str, float]:
    """Return the relative error of every tensor; one that is not finite is infinitely off."""
    errors = {}
    for name, value in expected.items():
        with np.errstate(invalid="ignore", over="ignore"):
            error = float(np.linalg.norm(observed[name] - value)) / scales[name]
        errors[name] = error if np.isfinite(error) else float("inf")
    return errors


def _steps(variant: Variant, checkpoint: Checkpoint, precision: str) -> Iterator[Step]:
    """Yield the reference's step, and those of its perturbed copies."""
    weights = {name: value.astype(precision) for name, value in checkpoint.weights.items()}
    runs = reference.step(variant, reference.perturb(weights, COPIES[precision]),
                          cast(checkpoint.batch, precision))
    for run in range(COPIES[precision] + 1):
        yield Step(runs.outputs[run], float(runs.losses[run]),
                   None if runs.output_gradient is None else runs.output_gradient[run],
                   {name: value[run] for name, value in runs.gradients.items()},
                   {name: value[run] for name, value in runs.updates.items()})
