"""Which tensors of a graph can be looked at so that the graph is optimized as without.

Inside half. Grappler moves constants through chains of sums and products, and reorders them,
where nothing but the chain uses what lies between: looking at such a tensor would keep it, and
change last bits (seen: GELU before dropout). What lies between is computed again from what the
chain starts with, by the host.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

import numpy as np

DEEPEST = 8
"""Links of a chain that are followed."""
CHAINED: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add, "AddV2": np.add, "Div": np.divide, "Mul": np.multiply,
    "RealDiv": np.divide, "Sub": np.subtract}
"""Operations that may be moved, and what the host computes instead."""

SHAPES = ("OnesLike", "Rank", "Shape", "ShapeN", "Size", "ZerosLike")
"""Operations that want to know no more than a shape: they are gone before chains are moved."""


class Plan:
    """The tensors to look at, each once, and how others follow from them."""

    def __init__(self) -> None:
        self.inputs: list[Any] = []
        self._places: dict[int, int] = {}
        self._alive: dict[int, bool] = {}

    def express(self, tensor: Any, depth: int = DEEPEST) -> Callable[[Any], Any] | None:
        """Return what computes a tensor from the values of ``inputs``; None if nothing may."""
        operation = None if hasattr(tensor, "numpy") else tensor.op
        if operation is None or not self._is_movable(tensor, operation):
            return functools.partial(_pick, self._place(tensor))
        if depth == 0 or tensor.dtype.name == "bfloat16":
            return None
        parts = [self.express(part, depth - 1) for part in operation.inputs]
        if len(parts) != 2 or None in parts:
            return None
        return functools.partial(_combine, CHAINED[operation.type], *parts)

    def _is_movable(self, tensor: Any, operation: Any) -> bool:
        """Whether nothing but a chain uses a tensor, once what has no use is gone."""
        return operation.type in CHAINED and sum(
            user.type not in SHAPES and self._is_alive(user) for user in tensor.consumers()) <= 1

    def _is_alive(self, operation: Any) -> bool:
        """Whether an operation has an effect, or leads to one: gradients of masks lead to none.

        What a function returns is an Identity.
        """
        waiting = [operation]
        while waiting:
            last = waiting[-1]
            users = [user for output in last.outputs for user in output.consumers()]
            found = [self._alive.get(id(user)) for user in users]
            if last.op_def.is_stateful or True in found or (not users and last.type == "Identity"):
                self._alive[id(last)] = True
            elif None in found:
                waiting += [user for user, is_known in zip(users, found) if is_known is None]
                continue
            else:
                self._alive[id(last)] = False
            waiting.pop()
        return self._alive[id(operation)]

    def _place(self, tensor: Any) -> int:
        found = self._places.get(id(tensor))
        if found is None:
            found = self._places[id(tensor)] = len(self.inputs)
            self.inputs.append(tensor)
        return found


def _pick(place: int, values: Any) -> Any:
    return values[place]


def _combine(compute: Any, left: Any, right: Any, values: Any) -> Any:
    with np.errstate(all="ignore"):
        return compute(left(values), right(values))
