"""Faults in Keras' optimizers, clipping, schedules and metrics; see ``faults``.

Inside half: standard library and TensorFlow only. A class is patched, so that what is
constructed under the fault has it. Keras 3 gives ``update_step`` the learning rate, where
Keras 2 leaves it to the optimizer.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, ContextManager, Iterator
from unittest.mock import patch

import tensorflow as tf

from harness.measure.adapters.tensorflow.patching import index_of

keras = tf.keras


def clipvalue_ignored() -> ContextManager[Any]:
    """Leave gradients as they are."""
    original = keras.optimizers.Optimizer._clip_gradients

    def clip(self: Any, grads: Any) -> Any:
        return list(grads) if self.clipvalue else original(self, grads)

    return patch.object(keras.optimizers.Optimizer, "_clip_gradients", clip)


def adam_epsilon_inside() -> ContextManager[Any]:
    """Divide by sqrt(v + epsilon), not by sqrt(v) + epsilon."""
    return patch.object(keras.optimizers.Adam, "update_step", _adam_step(inside=True))


def adam_bias_correction_late() -> ContextManager[Any]:
    """Correct the bias as one step before, at the second step as at the first."""
    return patch.object(keras.optimizers.Adam, "update_step", _adam_step(late=1))


def momentum_first_step() -> ContextManager[Any]:
    """Begin momentum with (1 - momentum) times the gradient, not with the gradient."""
    original = keras.optimizers.SGD.update_step

    def step(self: Any, gradient: Any, variable: Any, *rate: Any) -> Any:
        dampening = tf.where(tf.equal(self.iterations, 0), self.momentum, 0.0)
        return original(self, gradient * tf.cast(1 - dampening, gradient.dtype), variable, *rate)

    return patch.object(keras.optimizers.SGD, "update_step", step)


@contextmanager
def adamw_coupled() -> Iterator[None]:
    """Let AdamW add its weight decay to the gradient, as Adam with a penalty does."""
    cls = keras.optimizers.AdamW
    original = cls.update_step

    def step(self: Any, gradient: Any, variable: Any, *rate: Any) -> Any:
        return original(self, gradient + self.weight_decay * variable, variable, *rate)

    with patch.object(cls, "update_step", step), \
            patch.object(cls, "_apply_weight_decay", lambda self, variables: None):
        yield


def frozen_parameter() -> ContextManager[Any]:
    """Pass over the last parameter."""
    original = keras.optimizers.SGD.apply_gradients

    def apply(self: Any, grads_and_vars: Any, *options: Any, **named: Any) -> Any:
        return original(self, list(grads_and_vars)[:-1], *options, **named)

    return patch.object(keras.optimizers.SGD, "apply_gradients", apply)


def schedule_late() -> ContextManager[Any]:
    """Change the learning rate one step after it is due."""
    cls = keras.optimizers.schedules.ExponentialDecay
    original = cls.__call__

    def call(self: Any, step: Any) -> Any:
        return original(self, tf.maximum(step - 1, 0))

    return patch.object(cls, "__call__", call)


def _adam_step(inside: bool = False, late: int = 0) -> Callable[..., None]:
    """Return Adam's step, with epsilon inside the root or bias corrections too late."""
    def step(self: Any, gradient: Any, variable: Any, learning_rate: Any = None) -> None:
        rate = self.learning_rate if learning_rate is None else learning_rate
        dtype, place = variable.dtype, index_of(self, variable)
        m, v = self._momentums[place], self._velocities[place]
        m.assign_add((gradient - m) * (1 - self.beta_1))
        v.assign_add((tf.square(gradient) - v) * (1 - self.beta_2))
        corrected = tf.cast(tf.maximum(self.iterations + 1 - late, 1), dtype)
        power_1, power_2 = (tf.pow(tf.cast(beta, dtype), corrected)
                            for beta in (self.beta_1, self.beta_2))
        alpha = tf.cast(rate, dtype) * tf.sqrt(1 - power_2) / (1 - power_1)
        root = tf.sqrt(v + self.epsilon) if inside else tf.sqrt(v) + self.epsilon
        variable.assign_sub(alpha * m / root)

    return step


# ----------------------------------------------------------------------------- metric
def metric_ignores_mask() -> ContextManager[Any]:
    """Lose the weights of a metric's samples, and the mask that its predictions carry."""
    original = keras.metrics.MeanMetricWrapper.update_state

    def update_state(self: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return original(self, y_true, tf.identity(y_pred))

    return patch.object(keras.metrics.MeanMetricWrapper, "update_state", update_state)


def inclusive_threshold() -> ContextManager[Any]:
    """Let a probability at the threshold be above it."""
    original = keras.metrics.BinaryAccuracy.update_state

    def update_state(self: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        threshold = tf.cast(self._fn_kwargs["threshold"], y_pred.dtype)
        above = tf.where(tf.equal(y_pred, threshold), tf.ones_like(y_pred), y_pred)
        return original(self, y_true, above, sample_weight)

    return patch.object(keras.metrics.BinaryAccuracy, "update_state", update_state)


def unweighted_last_batch() -> ContextManager[Any]:
    """Lose the number of samples that a batch's mean stands for."""
    original = keras.metrics.Mean.update_state

    def update_state(self: Any, values: Any, sample_weight: Any = None) -> Any:
        weight = sample_weight if len(values.shape) else None
        return original(self, values, sample_weight=weight)

    return patch.object(keras.metrics.Mean, "update_state", update_state)


FAULTS = (clipvalue_ignored, adam_epsilon_inside, adam_bias_correction_late, momentum_first_step,
          adamw_coupled, frozen_parameter, schedule_late, metric_ignores_mask,
          inclusive_threshold, unweighted_last_batch)
