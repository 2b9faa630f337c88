"""Long short-term memory, forward and backward through time."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.measure.adapters.reference.activation import Parameters, sigmoid
from harness.measure.adapters.reference.dense import affine, affine_backward
from harness.vocabulary.layers import LSTM

Array = np.ndarray


def lstm(layer: LSTM, weights: Parameters, x: Array, mask: Array | None) -> tuple[Array, Any]:
    """Return the hidden states (runs, batch, length, units) and what the backward pass needs.

    Args:
        x: (runs or 1, batch, length, inputs).
    """
    driven = affine(x, weights["kernel"], weights["bias"])
    runs, batch, length, width = driven.shape
    gates = np.empty((length, runs, batch, width), driven.dtype)
    hidden, cells = np.zeros((2, length + 1, runs, batch, layer.units), driven.dtype)
    for t in range(length):
        z = driven[:, :, t] + hidden[t] @ weights["recurrent_kernel"]
        gates[t] = sigmoid(z)
        admit, forget, candidate, emit = _parts(gates[t])
        candidate[...] = np.tanh(_parts(z)[2])
        cells[t + 1] = forget * cells[t] + admit * candidate
        hidden[t + 1] = emit * np.tanh(cells[t + 1])
    return np.moveaxis(hidden[1:], 0, 2), (x, gates, hidden, cells)


def lstm_backward(layer: LSTM, weights: Parameters, saved: Any,
                  gradient: Array) -> tuple[Array, Parameters]:
    """Return the gradient by the input, and by every part."""
    x, gates, hidden, cells = saved
    by_gates = np.empty_like(gates)
    shown = np.tanh(cells)
    transposed = np.swapaxes(weights["recurrent_kernel"], -1, -2)
    by_hidden, by_cell = np.zeros((2, *hidden.shape[1:]), gates.dtype)
    for t in reversed(range(len(gates))):
        admit, forget, candidate, emit = _parts(gates[t])
        by_hidden = by_hidden + gradient[:, :, t]
        by_cell = by_cell + by_hidden * emit * (1 - shown[t + 1] ** 2)
        by_parts = (by_cell * candidate, by_cell * cells[t], by_cell * admit,
                    by_hidden * shown[t + 1])
        by_gates[t] = np.concatenate(by_parts, axis=-1) * _slopes(gates[t])
        by_cell = by_cell * forget
        by_hidden = by_gates[t] @ transposed
    by_driven = np.moveaxis(by_gates, 0, 2)
    by_x, kernel, bias = affine_backward(x, weights["kernel"], by_driven)
    before = np.moveaxis(hidden[:-1], 0, 2)
    _, recurrent, _ = affine_backward(before, weights["recurrent_kernel"], by_driven)
    return by_x, {"kernel": kernel, "recurrent_kernel": recurrent, "bias": bias}


def _parts(z: Array) -> list[Array]:
    """Return views of input gate, forget gate, cell candidate and output gate."""
    return np.split(z, 4, axis=-1)


def _slopes(gates: Array) -> Array:
    """Return the derivatives of sigmoid and tanh, as functions of their values."""
    slopes = gates * (1 - gates)
    candidate = _parts(gates)[2]
    _parts(slopes)[2][...] = 1 - candidate * candidate
    return np.asarray(slopes)
