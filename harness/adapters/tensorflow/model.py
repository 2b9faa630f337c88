"""The vocabulary's layers as a functional Keras model."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict, Sequence

import numpy as np
import tensorflow as tf

from harness.case import Batch, Batches, Variant
from harness.errors import UnsupportedError
from harness.layers import (
    LSTM,
    Attention,
    Concatenate,
    Conv1D,
    Dense,
    DivideByMaximum,
    Dropout,
    Embedding,
    Flatten,
    Lambda,
    Layer,
    Residual,
    SeparableConv1D,
    flat,
)
from harness.losses import TokenCrossentropy

keras = tf.keras
ACTIVATIONS = (None, "tanh", "relu", "sigmoid", "softmax")
FUNCTIONS = ("tanh", "relu", "sigmoid")
Parameters = Dict[str, Any]
"""Keras variables by ``<layer>.<part>``, in the vocabulary's order."""


class Network:
    """A variant's Keras model, its parameters by name, and what it is fed.

    Args:
        shapes: of one example of each input: (features,), (length, channels) or, for
            tokens, anything.
    """

    def __init__(self, variant: Variant, shapes: Sequence[tuple[int, ...]]) -> None:
        self.tokens = isinstance(variant.loss, TokenCrossentropy)
        self.native = isinstance(variant.loss, TokenCrossentropy) and variant.loss.native
        self.masks_attention = self.tokens and not self.native and any(
            isinstance(layer, Attention) for layer in flat(variant.layers))
        self.built: list[tuple[Layer, Any]] = []
        self.inputs = inputs = self._inputs(shapes)
        self.allowed = inputs[1] if self.masks_attention else None
        x: Any = inputs[0]
        for layer in variant.layers:
            joins = isinstance(layer, Concatenate)
            x = keras.layers.Concatenate()(inputs) if joins else self._apply(layer, x)
        self.model = keras.Model(inputs, x)
        self.parameters = {name: value for layer, built in self.built
                           for name, value in _parameters(layer, built).items()}

    def feed(self, batch: Batch | Batches) -> list[Any]:
        """Return what the model takes of a batch, or of several with leading axes.

        Keras' own masks are made from token 0, so padding becomes token 0 there.
        Elsewhere attention is given (..., length, length): who may see whom.
        """
        if not self.tokens:
            return [tf.constant(x) for x in batch.inputs]
        assert batch.mask is not None
        tokens, real = batch.inputs[0], batch.mask > 0
        if self.native:
            return [tf.constant(np.where(real, tokens, 0))]
        if not self.masks_attention:
            return [tf.constant(tokens)]
        causal = np.tril(np.ones((real.shape[-1],) * 2, bool))
        return [tf.constant(tokens), tf.constant(real[..., None, :] & causal)]

    def _inputs(self, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
        if not self.tokens:
            return [keras.Input(shape) for shape in shapes]
        tokens = keras.Input((None,), dtype="int64")
        return [tokens, *([keras.Input((None, None), dtype="bool")] if self.masks_attention
                          else [])]

    def _apply(self, layer: Layer, x: Any) -> Any:
        """Return a layer's output, and keep what was built."""
        if isinstance(layer, Residual):
            inner = x
            for each in layer.layers:
                inner = self._apply(each, inner)
            return keras.layers.Add()([x, inner])
        built = build_layer(layer, x, self.native)
        self.built.append((layer, built))
        if not isinstance(layer, Attention):
            return built(x)
        return built(x, x, **self._visibility())

    def _visibility(self) -> dict[str, Any]:
        if not self.native:
            return {"attention_mask": self.allowed}
        if "use_causal_mask" in inspect.signature(keras.layers.MultiHeadAttention.call).parameters:
            return {"use_causal_mask": True}
        return {"attention_mask": keras.layers.Lambda(_see)(self.inputs[0])}


def build_layer(layer: Layer, x: Any, native: bool = False) -> Any:
    """Return the Keras layer for one of the vocabulary, with its initializer.

    Args:
        x: what it will be applied to.
        native: embeddings mark token 0 as padding for all layers after them.

    Raises:
        UnsupportedError: this Keras has no such layer.
    """
    activation = getattr(layer, "activation", None)
    if activation not in ACTIVATIONS:
        raise UnsupportedError(f"tensorflow: no activation {activation!r}")
    if isinstance(layer, Attention):
        return _attention(layer, x.shape[-1])
    if isinstance(layer, Embedding):
        return keras.layers.Embedding(layer.vocabulary, layer.width, mask_zero=native)
    if type(layer) not in _MAKERS:
        raise UnsupportedError(f"tensorflow: no layer {layer!r}")
    return _MAKERS[type(layer)](layer)


def _dense(layer: Dense) -> Any:
    return keras.layers.Dense(layer.units, activation=layer.activation, **_initializer(layer))


def _conv(layer: Conv1D) -> Any:
    return keras.layers.Conv1D(layer.filters, layer.size, padding="same",
                               activation=layer.activation, **_initializer(layer))


def _separable(layer: SeparableConv1D) -> Any:
    return keras.layers.SeparableConv1D(layer.filters, layer.size, padding="same",
                                        activation=layer.activation)


def _attention(layer: Attention, width: int) -> Any:
    if not hasattr(keras.layers, "MultiHeadAttention"):
        raise UnsupportedError(f"TensorFlow {tf.__version__} has no MultiHeadAttention")
    return keras.layers.MultiHeadAttention(layer.heads, key_dim=width // layer.heads)


def _lambda(layer: Lambda) -> Any:
    if layer.function not in FUNCTIONS:
        raise UnsupportedError(f"tensorflow: no function {layer.function!r}")
    return keras.layers.Lambda(getattr(tf.nn, layer.function))


def _divide_by_maximum(layer: DivideByMaximum) -> Any:
    return keras.layers.Lambda(
        lambda x: x / (tf.reduce_max(tf.abs(x), axis=1, keepdims=True) + 1e-8))


def _initializer(layer: Dense | Conv1D) -> dict[str, str]:
    return {"kernel_initializer": layer.initializer} if layer.initializer else {}


_MAKERS: dict[type, Callable[[Any], Any]] = {
    Dense: _dense,
    Conv1D: _conv,
    SeparableConv1D: _separable,
    Lambda: _lambda,
    DivideByMaximum: _divide_by_maximum,
    LSTM: lambda layer: keras.layers.LSTM(layer.units, return_sequences=True),
    Dropout: lambda layer: keras.layers.Dropout(layer.rate),
    Flatten: lambda layer: keras.layers.Flatten(),
}


def _parameters(layer: Layer, built: Any) -> Parameters:
    """Return a built layer's variables by name; Keras keeps heads on an axis of their own."""
    variables, parts = built.trainable_variables, getattr(layer, "PARTS", ())
    if len(variables) != len(parts):
        raise UnsupportedError(f"tensorflow: {layer!r} has {len(variables)} parameters")
    return {f"{layer.name}.{part}": variable  # type: ignore[union-attr]
            for part, variable in zip(parts, variables)}


def _see(tokens: Any) -> Any:
    """Return who may see whom, as users of TensorFlow before 2.10 wrote it by hand."""
    places = tf.range(tf.shape(tokens)[1])
    return (tokens != 0)[:, None, :] & (places[:, None] >= places)
