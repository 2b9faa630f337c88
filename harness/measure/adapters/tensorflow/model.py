"""The vocabulary's layers as a functional Keras model."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict, Sequence

import numpy as np
import tensorflow as tf

from harness.errors import UnsupportedError
from harness.vocabulary.case import Batch, Batches, Variant
from harness.vocabulary.layers import (
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
from harness.vocabulary.losses import TokenCrossentropy

keras = tf.keras
ACTIVATIONS = (None, "tanh", "relu", "sigmoid", "softmax")
FUNCTIONS = ("tanh", "relu", "sigmoid")
Parameters = Dict[str, Any]
"""Keras variables by ``<layer>.<part>``, in the vocabulary's order."""


class Network:
    """A variant's Keras model, its parameters by name, and what it is fed.

    Attention is causal whatever the loss. Who may see whom beside that is told in one of
    three ways:

    - a native loss, from TensorFlow 2.10 on: by Keras alone. ``Embedding(mask_zero=True)``
      marks the padding, and ``MultiHeadAttention`` takes that mask off its inputs, with
      ``use_causal_mask``;
    - a native loss before that: by hand, in one ``attention_mask`` made of the tokens in the
      model, padding included. ``MultiHeadAttention`` took no mask off its inputs then, and
      its users wrote this; that it did not is therefore nothing that a record shows;
    - otherwise: by hand, in an ``attention_mask`` that is fed beside the batch, if it has a
      mask, and ``use_causal_mask`` or a triangle in its place if it has none.

    Args:
        shapes: of one example of each input: (features,), (length, channels) or, for
            tokens, (length,).
        masked: whether batches have a mask; those of a loss of tokens always do.

    Raises:
        UnsupportedError: Keras has no such layer, or no way of its own to mark the padding.
    """

    def __init__(self, variant: Variant, shapes: Sequence[tuple[int, ...]],
                 masked: bool = False) -> None:
        loss, embeds = variant.loss, isinstance(variant.layers[0], Embedding)
        self.tokens = isinstance(loss, TokenCrossentropy)
        self.native = isinstance(loss, TokenCrossentropy) and loss.native
        if self.native and not embeds:
            raise UnsupportedError("tensorflow: Keras marks padding in an Embedding, and the "
                                   "model does not begin with one")
        self.masks_attention = (masked or self.tokens) and not self.native and any(
            isinstance(layer, Attention) for layer in flat(variant.layers))
        self.built: list[tuple[Layer, Any]] = []
        self.inputs = inputs = self._inputs(shapes, embeds)
        self.allowed = keras.Input((None, None), dtype="bool") if self.masks_attention else None
        x: Any = inputs[0]
        for layer in variant.layers:
            joins = isinstance(layer, Concatenate)
            x = _join(inputs) if joins else self._apply(layer, x)
        self.model = keras.Model([*inputs, *([] if self.allowed is None else [self.allowed])], x)
        self.parameters = {name: value for layer, built in self.built
                           for name, value in _parameters(layer, built).items()}

    def feed(self, batch: Batch | Batches) -> list[Any]:
        """Return what the model takes of a batch, or of several with leading axes.

        Keras' own masks are made from token 0, so padding becomes token 0 there.
        Elsewhere attention is given (..., length, length): who may see whom.
        """
        if self.native:
            assert batch.mask is not None
            return [tf.constant(np.where(batch.mask > 0, batch.inputs[0], 0))]
        fed = [tf.constant(x) for x in batch.inputs]
        if not self.masks_attention:
            return fed
        assert batch.mask is not None
        causal = np.tril(np.ones((batch.mask.shape[-1],) * 2, bool))
        return [*fed, tf.constant((batch.mask > 0)[..., None, :] & causal)]

    def _inputs(self, shapes: Sequence[tuple[int, ...]], embeds: bool) -> list[Any]:
        """Return the inputs of the data; sequences of a loss of tokens may have any length."""
        dtype = {"dtype": "int64"} if embeds else {}
        return [keras.Input((None, *shape[1:]) if self.tokens else shape, **dtype)
                for shape in shapes]

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
        return built(x, x, **self._visibility(x))

    def _visibility(self, x: Any) -> dict[str, Any]:
        """Return what tells attention who may see whom, for its input."""
        if self.allowed is not None:
            return {"attention_mask": self.allowed}
        if "use_causal_mask" in inspect.signature(keras.layers.MultiHeadAttention.call).parameters:
            return {"use_causal_mask": True}
        if self.native:
            return {"attention_mask": keras.layers.Lambda(_see)(self.inputs[0])}
        return {"attention_mask": keras.layers.Lambda(_look_back)(x)}


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


def _join(inputs: Sequence[Any]) -> Any:
    return keras.layers.Concatenate()(inputs) if len(inputs) > 1 else inputs[0]


def _see(tokens: Any) -> Any:
    """Return who may see whom, as users of TensorFlow before 2.10 wrote it by hand."""
    return (tokens != 0)[:, None, :] & _look_back(tokens)


def _look_back(x: Any) -> Any:
    """Return the causal mask of sequences, (1, length, length)."""
    places = tf.range(tf.shape(x)[1])
    return (places[:, None] >= places)[None]
