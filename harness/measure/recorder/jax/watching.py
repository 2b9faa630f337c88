"""Watching what has no seam in JAX: an optimizer of optax, a function that gives the loss,
parameters.

Inside half.
"""

from __future__ import annotations

import functools
from typing import Any

import jax

from harness.measure.recorder.initial import Initial
from harness.measure.recorder.jax.taps import Taps
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.weights import Weights


class Watching:
    """The seams that a program asks for by ``harness.watch``."""

    def __init__(self, recording: Recording, weights: Weights, taps: Taps) -> None:
        self._recording, self._weights, self._taps = recording, weights, taps
        self._initial = Initial(recording, weights, taps)
        self._count = 0
        self._has_parameters = False

    def watch(self, thing: Any) -> Any:
        """Return an optimizer, a function that gives a loss, or parameters, now recorded."""
        if hasattr(thing, "init") and hasattr(thing, "update") and hasattr(thing, "_replace"):
            own = f"optimizer[{self._count}]"
            self._count += 1
            return thing._replace(init=functools.partial(self._init, thing),
                                  update=functools.partial(self._update, own, thing))
        if callable(thing):
            return functools.wraps(thing)(functools.partial(self._loss, thing))
        return self._take(thing) if _find(thing) else thing

    def _take(self, params: Any) -> Any:
        """Return initial parameters, with other values if these are to be changed."""
        leaves, structure = jax.tree_util.tree_flatten(params)
        names = [name for name, _ in _find(params, every=True)]
        self._has_parameters = True
        return jax.tree_util.tree_unflatten(
            structure, [self._initial.take_value(name, leaf) for name, leaf in zip(names, leaves)])

    def _init(self, optimizer: Any, params: Any) -> Any:
        if not self._has_parameters:
            named = _find(params)
            self._taps.send(lambda found: self._keep("initialisation", named, found),
                            [value for _, value in named])
            if self._weights.is_changing:
                self._recording.note("weights", "initial parameters cannot be changed unless the "
                                                "program has them watched: "
                                                "params = harness.watch(params)")
        return optimizer.init(params)

    def _update(self, own: str, optimizer: Any, updates: Any, state: Any, params: Any = None,
                **options: Any) -> Any:
        numbers = [(f"{own}.{name}", value) for name, value in _find_numbers(state).items()]
        before = _find(updates)
        result = optimizer.update(updates, state, params, **options)
        after = _find(result[0])

        def deliver(found: Any) -> None:
            for (name, _), part in zip(numbers, found):
                if part is not None:
                    self._recording.number("schedule", name, float(part[0].reshape(-1)[0]))
            rest = found[len(numbers):]
            if self._recording.is_detailed:
                self._keep("gradient", before, rest[:len(before)])
                self._keep("update", after, rest[len(before):])
            self._recording.advance()

        self._taps.send(deliver, [value for _, value in numbers + before + after])
        return result

    def _loss(self, function: Any, *arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        first = result
        while isinstance(first, tuple) and first:
            first = first[0]
        self._taps.send(self._keep_loss, [first])
        return result

    def _keep_loss(self, found: Any) -> None:
        part = found[0]
        if part is not None and part[0].size == 1:
            self._recording.number("loss", "loss", float(part[0].reshape(-1)[0]))
        elif part is not None and self._recording.is_detailed:
            self._recording.tensor("loss", "loss", *part)

    def _keep(self, channel: str, named: list[tuple[str, Any]], found: Any) -> None:
        for (name, _), part in zip(named, found):
            if part is not None:
                self._recording.tensor(channel, name, part[0], part[1],
                                       module=name.rpartition("/")[0])
                if channel == "initialisation":
                    self._weights.keep(name, part[0])


def _find(tree: Any, every: bool = False) -> list[tuple[str, Any]]:
    """Return the arrays of a tree with their paths; all leaves if ``every``."""
    return [("/".join(_to_name(key) for key in path), value)
            for path, value in jax.tree_util.tree_flatten_with_path(tree)[0]
            if every or hasattr(value, "dtype")]


def _to_name(key: Any) -> str:
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)


def _find_numbers(state: Any) -> dict[str, Any]:
    """Return what ``optax.inject_hyperparams`` keeps in a state, or in one of a chain."""
    found = getattr(state, "hyperparams", None)
    if isinstance(found, dict):
        return {name: value for name, value in found.items() if getattr(value, "ndim", 1) == 0}
    parts = state if isinstance(state, (tuple, list)) else ()
    return {name: value for part in parts for name, value in _find_numbers(part).items()}
