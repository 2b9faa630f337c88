"""Causal multi-head self-attention, forward and backward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from harness.measure.adapters.reference.activation import Parameters
from harness.measure.adapters.reference.dense import affine, affine_backward
from harness.vocabulary.layers import Attention

Array = np.ndarray


def attention(layer: Attention, weights: Parameters, x: Array,
              mask: Array | None) -> tuple[Array, Any]:
    """Return the output (runs, batch, length, width) and what the backward pass needs.

    Args:
        x: (runs or 1, batch, length, width).
        mask: (batch, length), 0 where a position is no key; None for no padding.
    """
    query, key, value = (
        _split(affine(x, weights[f"{part}_kernel"], weights[f"{part}_bias"]), layer.heads)
        for part in ("query", "key", "value"))
    scores = query @ np.swapaxes(key, -1, -2) / _root(query)
    share = _shares(scores, visible(x.shape[2], mask))
    joined = _join(share @ value)
    output = affine(joined, weights["output_kernel"], weights["output_bias"])
    return output, (x, query, key, value, share, joined)


def attention_backward(layer: Attention, weights: Parameters, saved: Any,
                       gradient: Array) -> tuple[Array, Parameters]:
    """Return the gradient by the input, and by every part."""
    x, query, key, value, share, joined = saved
    by_joined, kernel, bias = affine_backward(joined, weights["output_kernel"], gradient)
    by_output = _split(by_joined, layer.heads)
    by_share = by_output @ np.swapaxes(value, -1, -2)
    centered = by_share - (by_share * share).sum(axis=-1, keepdims=True)
    by_scores = share * centered / _root(query)
    by_parts = {"query": by_scores @ key, "key": np.swapaxes(by_scores, -1, -2) @ query,
                "value": np.swapaxes(share, -1, -2) @ by_output}
    parts = {"output_kernel": kernel, "output_bias": bias}
    by_x: Any = 0
    for part, by_heads in by_parts.items():
        by_input, kernel, bias = affine_backward(x, weights[f"{part}_kernel"], _join(by_heads))
        by_x = by_x + by_input
        parts.update({f"{part}_kernel": kernel, f"{part}_bias": bias})
    return by_x, parts


def visible(length: int, mask: Array | None) -> Array:
    """Return which keys each query sees, bool (batch or 1, 1, queries, keys)."""
    causal = np.tri(length, dtype=bool)[None, None]
    return causal if mask is None else causal & (mask > 0)[:, None, None, :]


def _shares(scores: Array, seen: Array) -> Array:
    """Return the softmax over the keys that are seen; zeros where none is."""
    scores = np.where(seen, scores, -np.inf)
    top = np.where(seen.any(axis=-1, keepdims=True), scores.max(axis=-1, keepdims=True), 0)
    e = np.exp(scores - top)
    # the largest of any keys that are seen gives exp(0): their sum is at least 1
    return np.asarray(e / np.maximum(e.sum(axis=-1, keepdims=True), 1))


def _split(x: Array, heads: int) -> Array:
    """Return (runs, batch, heads, length, width / heads)."""
    return np.swapaxes(x.reshape(*x.shape[:-1], heads, -1), 2, 3)


def _join(x: Array) -> Array:
    """Return the heads side by side: (runs, batch, length, width)."""
    back = np.swapaxes(x, 2, 3)
    return back.reshape(*back.shape[:3], -1)


def _root(query: Array) -> float:
    return math.sqrt(query.shape[-1])
