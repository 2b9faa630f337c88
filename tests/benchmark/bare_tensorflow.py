"""Hand-written Keras training, as a user would write it; keeps the losses alone.

The other side of the ratio: written from the case's declaration and the Keras
guide "Writing a training loop from scratch", without any code of the adapter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from harness.vocabulary.layers import Concatenate, Dense, Lambda
from harness.vocabulary.losses import BinaryCrossentropy, CategoricalCrossentropy
from harness.vocabulary.optimizers import SGD, Adam, ClipNorm, ClipValue, StepDecay


def train(task: Any) -> list[float]:
    """Train the task's variant, one batch a step; return the loss of every step."""
    keras.backend.clear_session()
    keras.backend.set_floatx(task.precision)
    model = network(task)
    criterion = loss_function(task.variant.loss)
    optimizer = optimization(task.variant)
    optimizer.build(model.trainable_variables)  # else the step is traced twice

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = criterion(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    targets = task.batches.targets
    if isinstance(task.variant.loss, CategoricalCrossentropy):
        targets = np.concatenate([1 - targets, targets], axis=-1)
    columns = [tf.unstack(tf.constant(x)) for x in task.batches.inputs]
    losses = [step(xs, y) for *xs, y in zip(*columns, tf.unstack(tf.constant(targets)))]
    return tf.stack(losses).numpy().tolist()  # type: ignore[no-any-return]


def network(task: Any) -> Any:
    """Return the model with the case's initial weights."""
    inputs = [keras.Input((x.shape[-1],)) for x in task.batches.inputs]
    x = inputs[0]
    for layer in task.variant.layers:
        if isinstance(layer, Concatenate):
            x = keras.layers.Concatenate()(inputs)
        elif isinstance(layer, Dense):
            x = keras.layers.Dense(layer.units, layer.activation)(x)
        elif layer == Lambda("sigmoid"):
            x = keras.layers.Lambda(tf.sigmoid)(x)
        else:
            raise NotImplementedError(repr(layer))
    model = keras.Model(inputs, x)
    model.set_weights(list(task.weights.values()))
    return model


def loss_function(loss: Any) -> Any:
    """Return the criterion of (targets, outputs)."""
    if isinstance(loss, CategoricalCrossentropy):
        return keras.losses.CategoricalCrossentropy()
    if not isinstance(loss, BinaryCrossentropy):
        raise NotImplementedError(repr(loss))
    binary = keras.losses.BinaryCrossentropy(from_logits=loss.from_logits)
    extra = loss.positive_weight - 1
    if not extra:
        return binary
    return lambda y, outputs: binary(y, outputs, sample_weight=1 + extra * y[:, 0])


def optimization(variant: Any) -> Any:
    """Return the optimizer with its clipping and its schedule."""
    declared, clip = variant.optimizer, {}
    if isinstance(variant.clip, ClipNorm):
        clip["global_clipnorm"] = variant.clip.maximum
    if isinstance(variant.clip, ClipValue):
        clip["clipvalue"] = variant.clip.maximum
    rate = declared.learning_rate
    if declared not in (SGD(rate), Adam(rate)):
        raise NotImplementedError(repr(declared))
    if isinstance(rate, StepDecay):
        rate = keras.optimizers.schedules.ExponentialDecay(rate.initial, rate.every, rate.factor,
                                                           staircase=True)
    if isinstance(declared, Adam):
        return keras.optimizers.Adam(rate, declared.beta_1, declared.beta_2, declared.epsilon,
                                     **clip)
    return keras.optimizers.SGD(rate, **clip)
