"""Models: forward and backward passes through layers in NumPy.

A final sigmoid or softmax is left to the loss, which works on logits: the
reference is the mathematics of a loss path, and that is the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Sequence, Tuple

import numpy as np

from harness.errors import UnsupportedError
from harness.measure.adapters.reference import attention, convolution, dense, recurrent
from harness.measure.adapters.reference.activation import Parameters, activate, deactivate
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
)

Tape = Sequence[Any]
"""What each layer's forward pass saved for its backward pass."""
Forward = Callable[..., Tuple[np.ndarray, Any]]
Backward = Callable[..., Tuple[np.ndarray, Parameters]]
OUTPUT_ACTIVATIONS = ("sigmoid", "softmax")


@dataclass(frozen=True)
class Factors:
    """A dropout whose factors are drawn already.

    Args:
        values: one for every element of its input.
    """

    values: np.ndarray


def _multiply(layer: Factors, weights: Parameters, x: np.ndarray,
              mask: Any) -> tuple[np.ndarray, Any]:
    return x * layer.values, None


def _multiply_backward(layer: Factors, weights: Parameters, saved: Any,
                       gradient: np.ndarray) -> tuple[np.ndarray, Parameters]:
    return gradient * layer.values, {}


def _pass(layer: Any, weights: Parameters, x: np.ndarray, mask: Any) -> tuple[np.ndarray, Any]:
    return x, None


def _pass_backward(layer: Any, weights: Parameters, saved: Any,
                   gradient: np.ndarray) -> tuple[np.ndarray, Parameters]:
    return gradient, {}


def _apply(layer: Lambda, weights: Parameters, x: np.ndarray, mask: Any) -> tuple[np.ndarray, Any]:
    y = activate(layer.function, x)
    return y, y


def _apply_backward(layer: Lambda, weights: Parameters, saved: Any,
                    gradient: np.ndarray) -> tuple[np.ndarray, Parameters]:
    return deactivate(layer.function, saved, gradient), {}


def _flatten(layer: Flatten, weights: Parameters, x: np.ndarray,
             mask: Any) -> tuple[np.ndarray, Any]:
    return x.reshape(*x.shape[:2], -1), x.shape[1:]


def _flatten_backward(layer: Flatten, weights: Parameters, saved: Any,
                      gradient: np.ndarray) -> tuple[np.ndarray, Parameters]:
    return gradient.reshape(len(gradient), *saved), {}


_PASSES: dict[type, tuple[Forward, Backward]] = {
    Concatenate: (_pass, _pass_backward),  # done before the first layer
    Dropout: (_pass, _pass_backward),
    Factors: (_multiply, _multiply_backward),
    Flatten: (_flatten, _flatten_backward),
    Lambda: (_apply, _apply_backward),
    Dense: (dense.dense, dense.dense_backward),
    Embedding: (dense.embedding, dense.embedding_backward),
    Attention: (attention.attention, attention.attention_backward),
    LSTM: (recurrent.lstm, recurrent.lstm_backward),
    Conv1D: (convolution.conv, convolution.conv_backward),
    SeparableConv1D: (convolution.separable, convolution.separable_backward),
    DivideByMaximum: (convolution.divide, convolution.divide_backward),
}


def split_output(layers: Sequence[Layer]) -> tuple[tuple[Layer, ...], str]:
    """Return the layers that give logits, and the output activation ("" for none)."""
    last = layers[-1]
    if isinstance(last, Lambda) and last.function in OUTPUT_ACTIVATIONS:
        return tuple(layers[:-1]), last.function
    if isinstance(last, Dense) and last.activation in OUTPUT_ACTIVATIONS:
        return (*layers[:-1], replace(last, activation=None)), last.activation or ""
    return tuple(layers), ""


def forward(layers: Sequence[Layer], parameters: Parameters, inputs: Sequence[np.ndarray],
            mask: np.ndarray | None = None) -> tuple[np.ndarray, Tape]:
    """Return the model's output, (runs, batch, ...), and the tape for ``backward``.

    Args:
        inputs: one array (batch, ...) per input; several are joined along the last axis.
        mask: (batch, length), 0 at padding; sequences only.
    """
    joined = inputs[0] if len(inputs) == 1 else np.concatenate(inputs, axis=-1)
    return _forward(layers, parameters, joined[None], mask)


def backward(layers: Sequence[Layer], parameters: Parameters, tape: Tape,
             gradient: np.ndarray) -> Parameters:
    """Return the gradient of every parameter, in the parameters' order.

    Args:
        tape: what ``forward`` returned for the same parameters.
        gradient: of the loss by the model's output, (runs, batch, ...).
    """
    gradients: Parameters = {}
    _backward(layers, parameters, tape, gradient, gradients)
    return {name: gradients[name] for name in parameters}


def _forward(layers: Sequence[Layer], parameters: Parameters, x: np.ndarray,
             mask: np.ndarray | None) -> tuple[np.ndarray, Tape]:
    tape: list[Any] = []
    for layer in layers:
        if isinstance(layer, Residual):
            inner, saved = _forward(layer.layers, parameters, x, mask)
            x = x + inner
        elif type(layer) in _PASSES:
            x, saved = _PASSES[type(layer)][0](layer, _weights(layer, parameters), x, mask)
        else:
            raise UnsupportedError(f"the reference has no layer {layer!r}")
        tape.append(saved)
    return x, tape


def _backward(layers: Sequence[Layer], parameters: Parameters, tape: Tape,
              gradient: np.ndarray, gradients: Parameters) -> np.ndarray:
    """Return the gradient by the input; add that of every parameter to ``gradients``."""
    for layer, saved in zip(reversed(layers), reversed(tape)):
        if isinstance(layer, Residual):
            gradient = gradient + _backward(layer.layers, parameters, saved, gradient, gradients)
            continue
        gradient, parts = _PASSES[type(layer)][1](layer, _weights(layer, parameters), saved,
                                                  gradient)
        for part, value in parts.items():
            gradients[f"{layer.name}.{part}"] = value  # type: ignore[union-attr]
    return gradient


def _weights(layer: Any, parameters: Parameters) -> Parameters:
    """Return one layer's parameters by part."""
    return {part: parameters[f"{layer.name}.{part}"] for part in getattr(layer, "PARTS", ())}
