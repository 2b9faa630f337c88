"""Faults in Keras: context managers in which it has one of the catalogue's bugs.

Inside half: standard library and TensorFlow only. A fault changes Keras or TensorFlow
itself, functions and classes of Keras 2 and 3 alike, and never the harness; on exit
everything is as it was. Here are those of initialisation, data order and forward pass, in
the order of ``harness.vocabulary.faults``, and the table of all.
"""

from __future__ import annotations

import math
from typing import Any, Callable, ContextManager
from unittest.mock import patch

import tensorflow as tf

from harness.measure.adapters.tensorflow import fault_losses, fault_updates
from harness.measure.adapters.tensorflow.patching import data_adapter, patched

keras = tf.keras
Fault = Callable[[], ContextManager[Any]]
SPACING = 1 / 32
"""Between the entries of the table that a coarse tanh interpolates: 1e-4 off at most."""


# --------------------------------------------------------- initialisation, data order
def glorot_for_he() -> ContextManager[Any]:
    """Draw from Glorot's normal distribution where He's was asked for."""
    def construct(self: Any, *arguments: Any, **named: Any) -> None:
        keras.initializers.VarianceScaling.__init__(self, 1.0, "fan_avg", "truncated_normal",
                                                    *arguments, **named)

    return patch.object(keras.initializers.HeNormal, "__init__", construct)


def data_order_changed() -> ContextManager[Any]:
    """Shuffle by sorting random numbers of the same seed."""
    def shuffle(value: Any, seed: Any = None, name: Any = None) -> Any:
        return tf.gather(value, tf.argsort(tf.random.uniform(tf.shape(value)[:1], seed=seed)))

    return patched("shuffle", lambda original: shuffle)


def last_batch_dropped() -> ContextManager[Any]:
    """Let no batch be a partial one."""
    def drop(self: Any, rest: int) -> None:
        if rest:
            self._size -= 1

    return patch.object(data_adapter(), "_partial_batch_size", property(lambda self: 0, drop),
                        create=True)


# ---------------------------------------------------------------------------- forward
def coarse_tanh() -> ContextManager[Any]:
    """Take tanh from a table of 32 entries a unit, with the derivative of its value."""
    def replace(tanh: Any) -> Any:
        @tf.custom_gradient
        def coarse(x: Any) -> Any:
            left = tf.floor(x / SPACING) * SPACING
            low, high = tanh(left), tanh(left + SPACING)
            y = low + (high - low) * (x - left) / SPACING
            return y, lambda gradient: gradient * (1 - y * y)

        return lambda x, name=None: coarse(x)

    return patched("tanh", replace)


def bfloat16_products() -> ContextManager[Any]:
    """Round the operands of float32 products to bfloat16; float64 stays as it is."""
    def rounded(x: Any) -> Any:
        x = tf.convert_to_tensor(x)
        return tf.cast(tf.cast(x, tf.bfloat16), x.dtype) if x.dtype == tf.float32 else x

    return patched("matmul", lambda matmul: lambda a, b, *options, **named: matmul(
        rounded(a), rounded(b), *options, **named))


def dropout_in_evaluation() -> ContextManager[Any]:
    """Drop units whatever the mode."""
    original = keras.layers.Dropout.call

    def call(self: Any, inputs: Any, training: Any = None) -> Any:
        return original(self, inputs, training=True)

    return patch.object(keras.layers.Dropout, "call", call)


def dropout_unscaled() -> ContextManager[Any]:
    """Keep the units that are kept as they are."""
    return _dropout(lambda self, original, x, training: (
        original(self, x, training=training) * (1 - self.rate if training else 1)))


def dropout_rate_swapped() -> ContextManager[Any]:
    """Drop the share that should be kept."""
    def call(self: Any, original: Any, x: Any, training: Any) -> Any:
        with patch.object(self, "rate", 1 - self.rate):
            return original(self, x, training=training)

    return _dropout(call)


def dropout_not_training() -> ContextManager[Any]:
    """Pass on what comes whatever the mode."""
    return _dropout(lambda self, original, x, training: original(self, x, training=False))


def _dropout(call: Callable[[Any, Any, Any, Any], Any]) -> ContextManager[Any]:
    """Patch the dropout layer to ``call(self, original, inputs, training)``."""
    original = keras.layers.Dropout.call
    return patch.object(keras.layers.Dropout, "call", lambda self, inputs, training=None: call(
        self, original, inputs, training))


def attention_ignores_padding() -> ContextManager[Any]:
    """Lose every mask but the causal one."""
    def compute(self: Any, query: Any, value: Any, *masks: Any, **named: Any) -> Any:
        return self._compute_causal_mask(query, value)

    return patch.object(keras.layers.MultiHeadAttention, "_compute_attention_mask", compute)


def masked_row_nan() -> ContextManager[Any]:
    """Take a plain softmax of scores that are all -inf."""
    def attend(self: Any, query: Any, key: Any, value: Any, attention_mask: Any = None,
               *options: Any, **named: Any) -> Any:
        scores = tf.einsum("btnh,bsnh->bnts", query, key) / math.sqrt(query.shape[-1])
        seen = attention_mask[:, tf.newaxis]
        weights = tf.nn.softmax(tf.where(seen, scores, tf.cast(-math.inf, scores.dtype)))
        return tf.einsum("bnts,bsnh->btnh", weights, value), weights

    return patch.object(keras.layers.MultiHeadAttention, "_compute_attention", attend)


HERE: tuple[Fault, ...] = (
    glorot_for_he, data_order_changed, last_batch_dropped, coarse_tanh, bfloat16_products,
    dropout_in_evaluation, dropout_unscaled, dropout_rate_swapped, dropout_not_training,
    attention_ignores_padding, masked_row_nan)
PATCHES: dict[str, Fault] = {
    fault.__name__: fault for fault in (*HERE, *fault_losses.FAULTS, *fault_updates.FAULTS)}
"""Name in the catalogue -> the context in which Keras has this fault."""
