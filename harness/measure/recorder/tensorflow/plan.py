"""Which tensors of a graph can be looked at so that the graph is optimized as without.

Inside half. Grappler moves constants through chains of sums and products, and reorders them,
where nothing but the chain uses what lies between: looking at such a tensor would keep it, and
change last bits (seen: GELU before dropout). What lies between is computed again from what the
chain starts with, by the host. Constants and masks that are part of it are not looked at either
(seen: dropout in TensorFlow 2.4).
"""

from __future__ import annotations

import functools
from typing import Any, Callable

import numpy as np
from tensorflow.python.framework import tensor_util

DEEPEST = 8
"""Links of a chain that are followed."""
CHAINED: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add, "AddV2": np.add, "Div": np.divide, "Mul": np.multiply,
    "RealDiv": np.divide, "Sub": np.subtract}
"""Operations that may be moved, and what the host computes instead."""


class Plan:
    """The tensors to look at, each once, and how others follow from them."""

    def __init__(self) -> None:
        self.inputs: list[Any] = []
        self._places: dict[int, int] = {}

    def express(self, tensor: Any, depth: int = DEEPEST) -> Callable[[Any], Any] | None:
        """Return what computes a tensor from the values of ``inputs``; None if nothing may."""
        operation = None if hasattr(tensor, "numpy") else tensor.op
        if operation is not None and operation.type == "Const":
            return functools.partial(_get, tensor_util.constant_value(tensor))
        if operation is not None and operation.type == "Cast" and depth < DEEPEST:
            return self._express_cast(tensor, operation.inputs[0], depth)
        if operation is None or not _is_movable(tensor, operation):
            return functools.partial(_pick, self._place(tensor))
        if depth == 0 or tensor.dtype.name == "bfloat16":
            return None
        parts = [self.express(part, depth - 1) for part in operation.inputs]
        if len(parts) != 2 or None in parts:
            return None
        return functools.partial(_combine, CHAINED[operation.type], *parts)

    def _express_cast(self, tensor: Any, source: Any, depth: int) -> Callable[[Any], Any] | None:
        """Return what computes a mask: of one that is part of a chain, the truth values."""
        part = self.express(source, depth - 1) if source.dtype.name == "bool" else None
        if part is None:
            return functools.partial(_pick, self._place(tensor))
        return functools.partial(_cast, tensor.dtype.as_numpy_dtype, part)

    def _place(self, tensor: Any) -> int:
        found = self._places.get(id(tensor))
        if found is None:
            found = self._places[id(tensor)] = len(self.inputs)
            self.inputs.append(tensor)
        return found


def _is_movable(tensor: Any, operation: Any) -> bool:
    return operation.type in CHAINED and len(tensor.consumers()) <= 1


def _pick(place: int, values: Any) -> Any:
    return values[place]


def _get(value: Any, values: Any) -> Any:
    return value


def _cast(kind: Any, part: Any, values: Any) -> Any:
    return np.asarray(part(values)).astype(kind)


def _combine(compute: Any, left: Any, right: Any, values: Any) -> Any:
    with np.errstate(all="ignore"):
        return compute(left(values), right(values))
