"""Initial weights from a stream of integers that any language can repeat.

Inside half: standard library and NumPy only. A file of initial weights holds either
the numbers, ``{layer: {part: [[...]]}}``, or, for models too large for that,
``{"stream": "splitmix64", "seed": s, "limits": {layer: {part: [limit, [shape]]}}}``:
uniform values in (-limit, limit), drawn tensor by tensor in C order.
"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

LARGEST = 10**8
"""Numbers of one parameter that are drawn."""
GAMMA = 0x9E3779B97F4A7C15
"""SplitMix64's increment: Steele, Lea & Flood, OOPSLA 2014."""


def splitmix64(seed: int, start: int, count: int) -> np.ndarray:
    """Return outputs number ``start`` to ``start + count - 1`` of the stream, as uint64."""
    index = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    z = np.uint64(seed) + index * np.uint64(GAMMA)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def expand(data: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """Return a file's weights as float32, by layer and part, drawn if it says so.

    A value is ``limit * (2 u + 1 - 2**24) / 2**24``, with u the top 24 bits of an
    output: exact in float32 but for the rounding of the product.
    """
    if "stream" not in data:
        return {layer: {part: np.asarray(value, np.float32) for part, value in parts.items()}
                for layer, parts in data.items()}
    weights: dict[str, dict[str, np.ndarray]] = {}
    drawn = 0
    for layer, parts in data["limits"].items():
        weights[layer] = {}
        for part, (limit, shape) in parts.items():
            count = int(np.prod(shape))
            if not 0 < count <= LARGEST:
                raise ValueError(f"{layer}.{part} must hold 1 to {LARGEST} numbers, not {count}")
            top = splitmix64(data["seed"], drawn, count) >> np.uint64(40)
            odd = 2 * top.astype(np.int64) + 1 - 2**24
            unit = odd.astype(np.float32) / np.float32(2**24)
            weights[layer][part] = (np.float32(limit) * unit).reshape(shape)
            drawn += count
    return weights
