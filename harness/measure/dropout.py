"""Dropout in training mode, read from the gradients of a model that is dense around it.

Inside half: standard library and NumPy only. Behind the dropped units stands a dense layer
with one output: of one example, the gradient of a unit's outgoing weight is its value times
the factor that dropout gave it, and that of the unit's own bias has the factor of the way
back. What a pass in evaluation mode has in their place is without factors, so a quotient
leaves nothing but the factor, whatever the framework calls its layers and its mode.
"""

from __future__ import annotations

import hashlib

import numpy as np

from harness.measure.adapters.task import Task, Tensors, Training
from harness.records.record import Drops
from harness.vocabulary.case import Batch, DropsOut
from harness.vocabulary.layers import Dense, Dropout, Layer

SEED = 0
"""Of the random stream."""
PASSES = 64
"""Passes in training mode: of 512 units they show a share to 1 % of its size."""
FIRST = 32
"""Units of the first pass that are kept in clear."""


def measure(task: Task, training: Training) -> Drops | None:
    """Return what dropout does in training mode, or None where the case does not promise it."""
    if DropsOut() not in task.case.promises:
        return None
    before, dropout, after = find(task.variant.layers)
    batch = _one_example(task.batches[0])
    steady = training.probe(task.weights, batch).gradients
    passes = training.sample(task.weights, batch, SEED, PASSES)
    with np.errstate(all="ignore"):  # what is not finite is told as such
        forward, backward = (np.array([_factors(gradients, after.name, name)
                                       / _factors(steady, after.name, name)
                                       for gradients in passes])
                             for name in (f"{after.name}.kernel", f"{before.name}.bias"))
        return summarize(dropout.rate, training.stream(), forward, backward)


def find(layers: tuple[Layer, ...]) -> tuple[Dense, Dropout, Dense]:
    """Return the dropout of a model, and the dense layers before and behind it.

    Raises:
        ValueError: there are no such layers.
    """
    for before, layer, after in zip(layers, layers[1:], layers[2:]):
        if isinstance(layer, Dropout) and isinstance(before, Dense) \
                and isinstance(after, Dense) and after.units == 1:
            return before, layer, after
    raise ValueError("no dropout between a dense layer and one of a single unit")


def summarize(rate: float, stream: tuple[str, str | None], forward: np.ndarray,
              backward: np.ndarray) -> Drops:
    """Return what the factors of all passes say.

    Args:
        rate: share of units to drop, as declared.
        stream: name of the random stream they come from, and the host if that decides it.
        forward, backward: factor of every unit on the way forth and back, (passes, units).
    """
    kept = forward != 0
    off = np.abs(forward[kept] * (1 - rate) - 1)
    mismatch = np.abs(backward - forward) * (1 - rate)
    return Drops(
        rate=rate, generator=stream[0], host=stream[1], count=kept.size, passes=len(kept),
        first=[int(unit) for unit in kept[0, :FIRST]],
        sha256=hashlib.sha256(np.packbits(kept, axis=None).tobytes()).hexdigest(),
        dropped=float(1 - kept.mean()), agreeing=float((kept[1:] == kept[:-1]).mean()),
        scale=float(forward[kept].mean()) if off.size else 0.0,
        spread=_finite(off), mismatch=_finite(mismatch))


def _one_example(batch: Batch) -> Batch:
    return Batch(tuple(x[:1] for x in batch.inputs), batch.targets[:1])


def _factors(gradients: Tensors, after: str, name: str) -> np.ndarray:
    """Return a gradient by unit, over the gradient by the model's output."""
    values = np.asarray(gradients[name], np.float64).reshape(-1)
    return values / float(np.asarray(gradients[f"{after}.bias"]).reshape(-1)[0])


def _finite(errors: np.ndarray) -> float:
    """Return the largest error; infinity where one is not finite."""
    largest = float(errors.max()) if errors.size else 0.0
    return largest if np.isfinite(largest) else float("inf")
