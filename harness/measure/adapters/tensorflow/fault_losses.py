"""Faults in Keras' losses and gradients; see ``faults``.

Inside half: standard library and TensorFlow only. A loss's class is patched, so that
those constructed under the fault have it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, ContextManager, Iterator
from unittest.mock import patch

import tensorflow as tf

from harness.measure.adapters.tensorflow.patching import module_of, patched

keras = tf.keras
COARSE_EPSILON, AXON_EPSILON = 1e-3, 1e-7
UNREDUCED = (None, "none")


# ------------------------------------------------------------------------------- loss
def mean_before_mask() -> ContextManager[Any]:
    """Return the mean where the loss of every position was asked for."""
    original = keras.losses.Loss.__call__

    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        loss = original(self, *arguments, **named)
        return tf.reduce_mean(loss) if self.reduction in UNREDUCED else loss

    return patch.object(keras.losses.Loss, "__call__", call)


def padded_length_divisor() -> ContextManager[Any]:
    """Divide by the number of all positions, those that are masked included."""
    home = module_of(keras.losses.Loss)
    if not hasattr(home, "apply_mask"):  # Keras 2
        utilities = home.losses_utils
        return patch.object(utilities, "apply_valid_mask",
                            lambda losses, weights, mask, reduction: utilities.apply_mask(
                                losses, weights, mask))
    original = home.apply_mask
    return patch.object(home, "apply_mask", lambda weights, mask, dtype, reduction: original(
        weights, mask, dtype, "sum"))


def smoothing_into_padding() -> ContextManager[Any]:
    """Take the uniform part of a smoothed loss from masked positions as well."""
    cls = keras.losses.CategoricalCrossentropy
    original = cls.__call__

    def call(self: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        share = self._fn_kwargs["label_smoothing"]
        with patch.dict(self._fn_kwargs, label_smoothing=0.0):
            hard = original(self, y_true, y_pred, sample_weight)
        return (1 - share) * hard - share * tf.reduce_mean(tf.nn.log_softmax(y_pred))

    return patch.object(cls, "__call__", call)


def class_weights_ignored() -> ContextManager[Any]:
    """Lose the weights of the samples."""
    original = keras.losses.Loss.__call__

    def call(self: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return original(self, y_true, y_pred)

    return patch.object(keras.losses.Loss, "__call__", call)


def sum_reduction() -> ContextManager[Any]:
    """Let every loss sum where a mean was asked for."""
    original = keras.losses.Loss.__init__

    def construct(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        if self.reduction not in UNREDUCED:
            self.reduction = "sum"

    return patch.object(keras.losses.Loss, "__init__", construct)


def double_softmax() -> ContextManager[Any]:
    """Take cross-entropy's probabilities, or logits, through a softmax first."""
    original = keras.losses.CategoricalCrossentropy.call

    def call(self: Any, y_true: Any, y_pred: Any) -> Any:
        return original(self, y_true, tf.nn.softmax(tf.identity(y_pred)))

    return patch.object(keras.losses.CategoricalCrossentropy, "call", call)


@contextmanager
def bce_epsilon() -> Iterator[None]:
    """Clip probabilities at 1e-3, which takes a loss that does not look behind a sigmoid."""
    cls, before = keras.losses.BinaryCrossentropy, keras.backend.epsilon()
    original = cls.call

    def call(self: Any, y_true: Any, y_pred: Any) -> Any:
        return original(self, y_true, tf.identity(y_pred))

    keras.backend.set_epsilon(COARSE_EPSILON)
    try:
        with patch.object(cls, "call", call):
            yield
    finally:
        keras.backend.set_epsilon(before)


# --------------------------------------------------------------------------- gradient
@tf.custom_gradient
def squaring_clip(p: Any) -> Any:
    """Clip to (1e-7, 1 - 1e-7) as Nx 0.6.4 did: the gradient times the masked gradient."""
    clipped = tf.clip_by_value(p, AXON_EPSILON, 1 - AXON_EPSILON)
    inside = tf.cast(p == clipped, p.dtype)
    return clipped, lambda gradient: gradient * (gradient * inside)


@tf.custom_gradient
def overflowing_sigmoid(z: Any) -> Any:
    """Return a sigmoid with the derivative exp(-z) * p * p: below z = -88.72 inf * 0."""
    p = 1 / (1 + tf.exp(-z))
    return p, lambda gradient: gradient * (tf.exp(-z) * p * p)


def squared_bce_gradient() -> ContextManager[Any]:
    """Square the gradient of binary cross-entropy by the probability; its value is right."""
    original = keras.losses.BinaryCrossentropy.call

    def call(self: Any, y_true: Any, y_pred: Any) -> Any:
        if self.from_logits:
            return original(self, y_true, y_pred)
        y, p = tf.cast(y_true, y_pred.dtype), squaring_clip(y_pred)  # as Axon: p, not its logit
        loss = y * tf.math.log(p + AXON_EPSILON) + (1 - y) * tf.math.log(1 - p + AXON_EPSILON)
        return -tf.reduce_mean(loss, axis=-1)

    return patch.object(keras.losses.BinaryCrossentropy, "call", call)


@contextmanager
def squared_bce_gradient_nan() -> Iterator[None]:
    """Do so in front of a sigmoid whose derivative overflows."""
    with squared_bce_gradient(), patched("sigmoid", lambda sigmoid: (
            lambda x, name=None: overflowing_sigmoid(x))):
        yield


def relu_subgradient() -> ContextManager[Any]:
    """Let relu have the gradient of ``maximum``, which is 1 at 0."""
    return patched("relu", lambda relu: lambda features, name=None: tf.maximum(features, 0))


def dropout_mask_redrawn() -> ContextManager[Any]:
    """Let the way back through dropout draw a mask of its own."""
    original = keras.layers.Dropout.call

    def call(self: Any, inputs: Any, training: Any = None) -> Any:
        @tf.custom_gradient
        def drop(x: Any) -> Any:
            return original(self, x, training=training), lambda gradient: original(
                self, gradient, training=training)

        return drop(inputs) if training else original(self, inputs, training=training)

    return patch.object(keras.layers.Dropout, "call", call)


FAULTS = (mean_before_mask, padded_length_divisor, smoothing_into_padding, class_weights_ignored,
          sum_reduction, double_softmax, bce_epsilon, squared_bce_gradient,
          squared_bce_gradient_nan, relu_subgradient, dropout_mask_redrawn)
