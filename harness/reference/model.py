"""Layers: forward and backward passes in NumPy.

A final sigmoid or softmax is left to the loss, which works on logits: the
reference is the mathematics of a loss path, and that is the same for both.
"""

from __future__ import annotations

from typing import Callable, Dict, Sequence

import numpy as np

from harness.case import Concatenate, Dense, Lambda, Layer
from harness.errors import UnsupportedError

Parameters = Dict[str, np.ndarray]
Function = Callable[[np.ndarray], np.ndarray]
OUTPUT_ACTIVATIONS = ("sigmoid", "softmax")


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z)), without overflow."""
    e = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1 / (1 + e), e / (1 + e)))


def softmax(z: np.ndarray) -> np.ndarray:
    """Return the softmax over the last axis, without overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


# value, and derivative as a function of that value
_HIDDEN: dict[str, tuple[Function, Function]] = {
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0).astype(h.dtype)),
    "sigmoid": (sigmoid, lambda h: h * (1 - h)),
}
"""Activations between layers. relu's derivative at 0 is 0, as in every framework."""


def hidden(name: str) -> tuple[Function, Function]:
    """Return an activation, and its derivative as a function of its value."""
    if name not in _HIDDEN:
        raise UnsupportedError(f"the reference has no activation {name!r}")
    return _HIDDEN[name]


def split_output(layers: Sequence[Layer]) -> tuple[list[Layer], str]:
    """Return the layers that give logits, and the output activation ("" for none)."""
    last = layers[-1]
    if isinstance(last, Lambda) and last.function in OUTPUT_ACTIVATIONS:
        return list(layers[:-1]), last.function
    if isinstance(last, Dense) and last.activation in OUTPUT_ACTIVATIONS:
        return [*layers[:-1], Dense(last.name, last.units)], last.activation or ""
    return list(layers), ""


def forward(layers: Sequence[Layer], parameters: Parameters,
            inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return every layer's output, the first being the joined input.

    Args:
        inputs: one array (batch, features) per input.

    Returns:
        Arrays (runs, batch, units); the last holds the model's output.
    """
    values = [np.concatenate(inputs, axis=-1)[None]]
    for layer in layers:
        if isinstance(layer, Dense):
            kernel, bias = parameters[f"{layer.name}.kernel"], parameters[f"{layer.name}.bias"]
            z = values[-1] @ kernel + bias[:, None, :]
            values.append(hidden(layer.activation)[0](z) if layer.activation else z)
        elif isinstance(layer, Lambda):
            values.append(hidden(layer.function)[0](values[-1]))
        elif not isinstance(layer, Concatenate):
            raise UnsupportedError(f"the reference has no layer {layer!r}")
        else:
            values.append(values[-1])
    return values


def backward(layers: Sequence[Layer], parameters: Parameters, values: Sequence[np.ndarray],
             gradient: np.ndarray) -> Parameters:
    """Return the gradient of every parameter.

    Args:
        values: what ``forward`` returned.
        gradient: of the loss by the model's output, (runs, batch, units).
    """
    gradients: Parameters = {}
    for index in reversed(range(len(layers))):
        layer, before, after = layers[index], values[index], values[index + 1]
        if isinstance(layer, Lambda):
            gradient = gradient * hidden(layer.function)[1](after)
        elif isinstance(layer, Dense):
            if layer.activation:
                gradient = gradient * hidden(layer.activation)[1](after)
            gradients[f"{layer.name}.kernel"] = np.swapaxes(before, -1, -2) @ gradient
            gradients[f"{layer.name}.bias"] = gradient.sum(axis=-2)
            gradient = gradient @ np.swapaxes(parameters[f"{layer.name}.kernel"], -1, -2)
    return {name: gradients[name] for name in parameters}
