"""Native runs: what they leave, and the numbers that the harness takes of them itself.

Inside half: standard library and NumPy only. A native run is a user's training with
the framework's own initialisers, shuffling, loop and defaults; only the seed, the
learning rate, the batch size and the number of epochs are given. Run to run it is
compared as a distribution; what the seed determines is kept as a fingerprint.
"""

from __future__ import annotations

import hashlib
from typing import Iterable, Mapping, Sequence

import numpy as np

from harness.errors import UnsupportedError
from harness.records.record import Fingerprint, NativeRun
from harness.vocabulary.case import Batch, Case, Variant
from harness.vocabulary.losses import BinaryCrossentropy, Loss, MeanSquaredError
from harness.vocabulary.metrics import tabulate
from harness.vocabulary.optimizers import SGD, Adam

EXAMPLES = 500
"""Examples that a fingerprint presents: no multiple of a usual batch size, so that a
last batch that is dropped, or weighted as a full one, shows."""
EPOCHS = 2
"""Epochs that it presents, to see whether the second is shuffled anew."""
FIRST = 8
"""Indices of each epoch, and random numbers, that it keeps in clear."""
RESOLUTION = 2.0**-25
"""Half the distance from 1 to the next smaller float32."""


def optimizer(variant: Variant) -> tuple[str, float]:
    """Return the class name, the same in every framework, and the learning rate.

    Raises:
        UnsupportedError: the recipe asks for more than a learning rate.
    """
    declared = variant.optimizer
    rate = declared.learning_rate
    if isinstance(rate, float) and variant.clip is None and declared in (SGD(rate), Adam(rate)):
        return type(declared).__name__, rate
    raise UnsupportedError(f"{variant.name}: a native run takes SGD or Adam with nothing but "
                           "a learning rate")


def finished(case: Case, variant: Variant, evaluation: Batch, seed: int,
             predictions: np.ndarray, reported_loss: float | None) -> NativeRun:
    """Return the run that ended with these predictions.

    Args:
        predictions: probabilities of the positive class, (examples, 1).
    """
    assert case.native is not None
    target = case.native.trained
    metric = tabulate((target.metric,), (0,), (predictions,), evaluation)[target.metric][0]
    return NativeRun(seed=seed, final_loss=loss(variant.loss, predictions, evaluation.targets),
                     reported_loss=reported_loss, metric=metric,
                     trained=metric >= target.minimum)


def fingerprint(variant: Variant, evaluation: Batch, seed: int, weights: Mapping[str, np.ndarray],
                epochs: Sequence[np.ndarray], random: np.ndarray, predictions: np.ndarray,
                reported: float | None) -> Fingerprint:
    """Return the fingerprint of what an adapter took from its framework.

    Args:
        weights: initial ones, by name in the vocabulary's order and shapes.
        epochs: the indices that each presented, in order.
        predictions: of ``evaluation``, at these weights.
    """
    return Fingerprint(
        seed=seed,
        weights={name: [float(value.mean(dtype=np.float64)), float(value.std(dtype=np.float64)),
                        value.size]
                 for name, value in weights.items()},
        weights_sha256=_sha256(weights.values(), "<f4"),
        order=[[int(index) for index in epoch[:FIRST]] for epoch in epochs],
        order_sha256=_sha256(epochs, "<i8"), presented=[len(epoch) for epoch in epochs],
        random=[float(number) for number in random], random_sha256=_sha256([random], "<f4"),
        evaluated=loss(variant.loss, predictions, evaluation.targets), reported=reported)


def first(evaluation: Batch) -> Batch:
    """Return the first ``EXAMPLES`` examples."""
    return Batch(tuple(x[:EXAMPLES] for x in evaluation.inputs), evaluation.targets[:EXAMPLES])


def loss(declared: Loss, probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean loss of float32 probabilities, in float64.

    A probability that is 0 or 1 in float32 only says that it lies within half a
    rounding of it, so cross-entropy clips there: at most 17.3 for an example.

    Args:
        probabilities: (examples, 1); NaN makes the loss NaN.
        targets: (examples, 1), values 0 and 1.
    """
    p, y = np.asarray(probabilities, np.float64), np.asarray(targets, np.float64)
    if p.shape != y.shape:
        raise ValueError(f"predictions of shape {p.shape} for targets of shape {y.shape}")
    if isinstance(declared, MeanSquaredError):
        return float(((p - y) ** 2).mean())
    if declared == BinaryCrossentropy(from_logits=False):
        p = np.clip(p, RESOLUTION, 1 - RESOLUTION)
        return float(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean())
    raise UnsupportedError(f"native runs have no loss {declared!r}")


def _sha256(arrays: Iterable[np.ndarray], dtype: str) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype).tobytes())
    return digest.hexdigest()
