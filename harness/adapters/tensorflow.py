"""TensorFlow: Keras layers, losses and optimizers in a ``tf.function`` step.

One module for Keras 2 (inside TensorFlow up to 2.15) and Keras 3 (on its
TensorFlow backend): ``tf.keras`` is whichever the environment holds.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Sequence

os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np
import tensorflow as tf

from harness.adapters import Task
from harness.case import (
    SGD,
    Adam,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    ClipNorm,
    ClipValue,
    Concatenate,
    Dense,
    Lambda,
    LearningRate,
    Loss,
    StepDecay,
    Variant,
)
from harness.errors import UnsupportedError
from harness.record import Trajectory

PACKAGES = ("tensorflow-cpu", "keras", "numpy")
keras = tf.keras
ACTIVATIONS = (None, "tanh", "relu", "sigmoid", "softmax")
FUNCTIONS = {"tanh": tf.math.tanh, "relu": tf.nn.relu, "sigmoid": tf.math.sigmoid}
Criterion = Callable[[Any, Any], Any]


def describe() -> dict[str, Any]:
    """Return the settings that could change the numbers."""
    return {
        "intraop_threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "interop_threads": tf.config.threading.get_inter_op_parallelism_threads(),
        "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
    }


def train(task: Task) -> Trajectory:
    """Train with ``GradientTape`` and ``optimizer.apply_gradients`` in a graph."""
    variant = task.variant
    keras.backend.clear_session()
    keras.backend.set_floatx(task.precision)
    model = build_model(variant, [x.shape[-1] for x in task.batches.inputs])
    model.set_weights(list(task.weights.values()))
    step = build_step(model, build_loss(variant.loss), build_optimizer(variant))
    inputs = map(list, zip(*[tf.unstack(tf.constant(x)) for x in task.batches.inputs]))
    targets = tf.unstack(tf.constant(task.batches.targets))
    held_out = [tf.constant(x) for x in task.batches.evaluation_inputs]
    evaluation_steps = set(task.evaluation_steps)

    rows = []
    predictions = []
    for index, (xs, y) in enumerate(zip(inputs, targets)):
        if index in evaluation_steps:
            predictions.append(predict(model, variant.loss, held_out))
        rows.append(step(xs, y))
    predictions.append(predict(model, variant.loss, held_out))
    kept = tf.stack(rows).numpy()
    losses, (gradients, states) = kept[:, 0], np.split(kept[:, 1:], 2, axis=1)
    end = tf.concat(flat(model.trainable_variables), axis=0).numpy()
    return task.trajectory(losses, gradients, np.vstack([states, end]), predictions)


def flat(tensors: Sequence[Any]) -> list[Any]:
    """Return all tensors, each flattened."""
    return [t if len(t.shape) == 1 else tf.reshape(t, [-1]) for t in tensors]


def build_step(model: Any, criterion: Criterion, optimizer: Any) -> Callable[[Any, Any], Any]:
    """Return a graph of one step: (inputs, targets) -> loss, gradients, state before.

    All three come in one flat tensor: what a call costs grows with its outputs.
    """
    variables = model.trainable_variables
    if hasattr(optimizer, "build"):
        optimizer.build(variables)

    @tf.function
    def step(xs: Any, y: Any) -> Any:
        state = flat(variables)
        with tf.GradientTape() as tape:
            loss = criterion(y, model(xs, training=True))
        gradients = tape.gradient(loss, variables)
        kept = tf.concat([tf.reshape(loss, [1]), *flat(gradients), *state], axis=0)
        optimizer.apply_gradients(zip(gradients, variables))
        return kept

    return step


def build_model(variant: Variant, widths: Sequence[int]) -> Any:
    """Return the variant's functional Keras model.

    Args:
        widths: features of each input.
    """
    inputs = [keras.Input((width,)) for width in widths]
    x = inputs[0]
    for layer in variant.layers:
        if isinstance(layer, Concatenate):
            x = keras.layers.Concatenate()(inputs)
        elif isinstance(layer, Dense) and layer.activation in ACTIVATIONS:
            x = keras.layers.Dense(layer.units, activation=layer.activation)(x)
        elif isinstance(layer, Lambda) and layer.function in FUNCTIONS:
            x = keras.layers.Lambda(FUNCTIONS[layer.function])(x)
        else:
            raise UnsupportedError(f"tensorflow: no layer {layer!r}")
    return keras.Model(inputs, x)


def build_loss(loss: Loss) -> Criterion:
    """Return Keras' own loss for the loss path, of (targets, outputs)."""
    if isinstance(loss, CategoricalCrossentropy):
        categorical = keras.losses.CategoricalCrossentropy()
        return lambda y, outputs: categorical(tf.concat([1 - y, y], axis=-1), outputs)
    if not isinstance(loss, BinaryCrossentropy):
        raise UnsupportedError(f"tensorflow: no loss {loss!r}")
    binary = keras.losses.BinaryCrossentropy(from_logits=loss.from_logits)
    factor = loss.positive_weight
    if factor == 1:
        return binary
    # what fit's class_weight becomes: one weight a sample
    return lambda y, outputs: binary(y, outputs, sample_weight=1 + (factor - 1) * y[:, 0])


def build_optimizer(variant: Variant) -> Any:
    """Return Keras' own optimizer, with its own clipping and schedule."""
    clip: dict[str, float] = {}
    if isinstance(variant.clip, ClipNorm):
        clip = {"global_clipnorm": variant.clip.maximum}
    elif isinstance(variant.clip, ClipValue):
        clip = {"clipvalue": variant.clip.maximum}
    elif variant.clip is not None:
        raise UnsupportedError(f"tensorflow: no clipping {variant.clip!r}")
    optimizer = variant.optimizer
    if isinstance(optimizer, SGD):
        return keras.optimizers.SGD(build_rate(optimizer.learning_rate), **clip)
    if isinstance(optimizer, Adam):
        return keras.optimizers.Adam(build_rate(optimizer.learning_rate), optimizer.beta_1,
                                     optimizer.beta_2, optimizer.epsilon, **clip)
    raise UnsupportedError(f"tensorflow: no optimizer {optimizer!r}")


def build_rate(rate: LearningRate) -> Any:
    """Return Keras' own learning-rate schedule, or the number."""
    if isinstance(rate, StepDecay):
        return keras.optimizers.schedules.ExponentialDecay(
            rate.initial, rate.every, rate.factor, staircase=True)
    if isinstance(rate, float):
        return rate
    raise UnsupportedError(f"tensorflow: no learning rate {rate!r}")


def predict(model: Any, loss: Loss, inputs: Sequence[Any]) -> Any:
    """Return the probability of the positive class, (examples, 1)."""
    outputs = model(inputs, training=False)
    if isinstance(loss, CategoricalCrossentropy):
        return outputs[:, 1:].numpy()
    return (tf.sigmoid(outputs) if loss.from_logits else outputs).numpy()
