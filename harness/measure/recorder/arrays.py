"""Tensors of any framework as NumPy sees them.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator

import numpy as np

BFLOAT16 = "bfloat16"
Array = "tuple[np.ndarray, str]"
"""Elements, and the name of their type where NumPy has another one for it."""


def read(value: Any) -> tuple[np.ndarray, str] | None:
    """Return a tensor's elements and their type; None where they are no numbers.

    Elements of bfloat16 become float32, which is exact.

    Args:
        value: whatever ``numpy.asarray`` takes.
    """
    array = np.asarray(value)
    if array.dtype.name == BFLOAT16:
        return array.astype(np.float32), BFLOAT16
    return (array, "") if array.dtype.kind in "biufc" else None


def is_array(value: Any) -> bool:
    """Return whether something has a shape and a type."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def find(value: Any, path: str = "", depth: int = 4,
         is_wanted: Callable[[Any], bool] = is_array) -> Iterator[tuple[str, Any]]:
    """Yield what is wanted in nested tuples, lists and mappings, each with its path in there.

    Args:
        is_wanted: tells what is looked for; a framework's own tensors, for example.
    """
    if is_wanted(value):
        yield path, value
    elif depth and isinstance(value, (list, tuple)):
        names = getattr(value, "_fields", None)
        for i, part in enumerate(value):
            yield from find(part, f"{path}.{names[i]}" if names else f"{path}[{i}]", depth - 1,
                            is_wanted)
    elif depth and hasattr(value, "keys") and hasattr(value, "items"):
        for key, part in list(value.items()):
            yield from find(part, f"{path}.{key}", depth - 1, is_wanted)


def send_batch(recording: Any, send: Callable[..., None], batch: Any) -> None:
    """Have the arrays of a batch read, and kept as data.

    Args:
        send: has tensors read, and hands their elements to a function.
    """
    parts = list(find(batch))

    def deliver(found: Any) -> None:
        for (place, _), part in zip(parts, found):
            if part is not None:
                recording.tensor("data", f"batch{place}", *part)

    send(deliver, [tensor for _, tensor in parts])


def get_bits(values: np.ndarray) -> np.ndarray:
    """Return the bits of bfloat16 values that are given as float32, as uint16."""
    return (np.ascontiguousarray(values).view(np.uint32) >> 16).astype(np.uint16)


def from_bits(bits: np.ndarray) -> np.ndarray:
    """Return the bfloat16 values of these bits, as float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
