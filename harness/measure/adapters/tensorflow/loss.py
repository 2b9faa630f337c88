"""Keras' own loss for each of the vocabulary's, and what users read off its outputs."""

from __future__ import annotations

from typing import Any, Callable

import tensorflow as tf

from harness.errors import UnsupportedError
from harness.vocabulary.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    MeanSquaredError,
    TokenCrossentropy,
)

keras = tf.keras
Criterion = Callable[[Any, Any, Any], Any]
"""(targets, outputs, mask or None) -> the loss of a batch."""


def build_loss(loss: Loss) -> Criterion:
    """Return Keras' own loss for the loss path.

    Raises:
        UnsupportedError: it has none.
    """
    if isinstance(loss, BinaryCrossentropy):
        return _binary(loss)
    if isinstance(loss, CategoricalCrossentropy):
        categorical = keras.losses.CategoricalCrossentropy()
        return lambda y, outputs, mask: categorical(tf.concat([1 - y, y], axis=-1), outputs)
    if isinstance(loss, MeanSquaredError):
        squared = keras.losses.MeanSquaredError()
        return lambda y, outputs, mask: squared(y, outputs)
    if isinstance(loss, TokenCrossentropy):
        return _token(loss)
    raise UnsupportedError(f"tensorflow: no loss {loss!r}")


def _binary(loss: BinaryCrossentropy) -> Criterion:
    binary = keras.losses.BinaryCrossentropy(from_logits=loss.from_logits)
    factor = loss.positive_weight
    if factor == 1:
        return lambda y, outputs, mask: binary(y, outputs)
    # what fit's class_weight becomes: one weight a sample
    return lambda y, outputs, mask: binary(y, outputs, sample_weight=1 + (factor - 1) * y[:, 0])


def _token(loss: TokenCrossentropy) -> Criterion:
    """Native: the mask reaches the loss on the outputs, and the loss divides by it."""
    reduction = {} if loss.native else {"reduction": "none"}
    if loss.label_smoothing:
        smoothed = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=loss.label_smoothing, **reduction)

        def each(y: Any, outputs: Any) -> Any:
            return smoothed(tf.one_hot(y, outputs.shape[-1], dtype=outputs.dtype), outputs)
    else:
        each = keras.losses.SparseCategoricalCrossentropy(from_logits=True, **reduction)
    if loss.native:
        masked = each if _heeds_masks() else _compiled(each)
        return lambda y, outputs, mask: masked(y, outputs)
    return lambda y, outputs, mask: (
        tf.reduce_sum(each(y, outputs) * mask) / tf.reduce_sum(mask))


def _heeds_masks() -> bool:
    """Return whether a loss looks for the mask on what it is given, as from TensorFlow 2.11.

    By version: that a later one does not is for the harness to show, not to go round.
    """
    return tuple(int(part) for part in tf.__version__.split(".")[:2]) >= (2, 11)


def _compiled(loss: Any) -> Any:
    """Return the loss as ``compile`` wraps it: before TensorFlow 2.11 only that applies masks."""
    model = keras.Sequential()
    model.compile(loss=loss)
    return model.compiled_loss


def predict(loss: Loss, outputs: Any) -> Any:
    """Return the probability of the positive class, (examples, 1), or a token's logits."""
    if isinstance(loss, CategoricalCrossentropy):
        return outputs[:, 1:]
    if isinstance(loss, BinaryCrossentropy) and loss.from_logits:
        return tf.sigmoid(outputs)
    return outputs
