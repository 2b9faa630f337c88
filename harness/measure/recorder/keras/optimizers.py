"""Optimizers: hyperparameters, gradients, and what an update changes.

Inside half.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, Iterator

import numpy as np

from harness.measure.recorder import sketch
from harness.measure.recorder.guarding import guarded
from harness.measure.recorder.initial import Initial
from harness.measure.recorder.keras import hyperparameters
from harness.measure.recorder.keras.buffers import Buffers
from harness.measure.recorder.keras.layers import Forwards
from harness.measure.recorder.keras.names import Names
from harness.measure.recorder.keras.wrapping import wrap
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.sketch import Memory


class Update:
    """An update that is going on: what was there before it."""

    def __init__(self, own: str, names: list[str], gradients: list[Any],
                 numbers: list[tuple[str, Any]], before: list[Any],
                 buffers: list[tuple[str, Any]]) -> None:
        self.own, self.names, self.gradients = own, names, gradients
        self.numbers, self.before, self.buffers = numbers, before, buffers


class Optimizers:
    """The seam of optimizers."""

    def __init__(self, recording: Recording, names: Names, initial: Initial,
                 forwards: Forwards, buffers: Buffers, backend: Any) -> None:
        self._recording, self._names, self._initial = recording, names, initial
        self._forwards, self._buffers, self._backend = forwards, buffers, backend
        self._numbers: dict[int, str] = {}
        self._is_applying = False
        self._after: dict[str, Memory] = {}
        """What is known of each weight after the last update that was looked at."""

    def install(self, classes: Iterator[Any]) -> None:
        """Wrap what applies gradients in all these classes."""
        for kind in classes:
            own = vars(kind)
            if "stateless_apply" in own:
                wrap(kind, "stateless_apply", self._apply_stateless)
            if "apply" in own and hasattr(kind, "stateless_apply"):
                wrap(kind, "apply", self._apply)
            elif "apply_gradients" in own:
                wrap(kind, "apply_gradients", self._apply_pairs)

    def _apply_pairs(self, call: Any, optimizer: Any, grads_and_vars: Any, *arguments: Any,
                     **options: Any) -> Any:
        pairs = list(grads_and_vars)
        return self._record(
            optimizer, lambda: call(optimizer, pairs, *arguments, **options),
            [gradient for gradient, _ in pairs], [weight for _, weight in pairs])

    def _apply(self, call: Any, optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
        grads = list(grads)
        weights = trainable_variables = None if trainable_variables is None else list(
            trainable_variables)
        if weights is None:
            weights = list(getattr(optimizer, "_trainable_variables", []))
        return self._record(optimizer, lambda: call(optimizer, grads, trainable_variables),
                            grads, weights)

    def _record(self, optimizer: Any, apply: Any, gradients: list[Any], weights: list[Any]) -> Any:
        if self._is_applying or self._recording.is_stopped:
            return apply()
        self._is_applying = True
        update = None
        with guarded(self._recording):
            kept = [(g, w) for g, w in zip(gradients, weights) if g is not None]
            update = self._begin(optimizer, [g for g, _ in kept], [w for _, w in kept])
            if self._backend.is_eager and update.numbers:
                update.numbers = self._read(update.numbers)
        try:
            result = apply()
        finally:
            self._is_applying = False
        if update is not None:
            with guarded(self._recording):
                self._end(update, [self._backend.snapshot(w) for _, w in kept])
        if self._backend.is_eager:
            self._backend.check()
        return result

    def _read(self, numbers: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Return numbers as they are now: the optimizer may change them in place."""
        return [(name, value if isinstance(value, (int, float)) else float(_get_host(value)))
                for name, value in numbers]

    def _apply_stateless(self, call: Any, optimizer: Any, optimizer_variables: Any, grads: Any,
                         trainable_variables: Any) -> Any:
        if self._is_applying or self._recording.is_stopped:
            return call(optimizer, optimizer_variables, grads, trainable_variables)
        self._is_applying = True
        update = None
        with guarded(self._recording), _get_scope(optimizer, optimizer_variables):
            kept = [i for i, gradient in enumerate(grads) if gradient is not None]
            weights = optimizer._trainable_variables
            update = self._begin(optimizer, [grads[i] for i in kept], [weights[i] for i in kept],
                                 [trainable_variables[i] for i in kept])
        try:
            result = call(optimizer, optimizer_variables, grads, trainable_variables)
        finally:
            self._is_applying = False
        if update is not None:
            with guarded(self._recording):
                self._end(update, [result[0][i] for i in kept])
        return result

    def _begin(self, optimizer: Any, gradients: list[Any], weights: list[Any],
               before: list[Any] | None = None) -> Update:
        self._backend.flush_outer()
        own = self._numbers.setdefault(id(optimizer), f"optimizer[{len(self._numbers)}]")
        if any(self._names.of_weight(weight) is None for weight in weights):
            for root in self._names.get_roots():  # one that was made while it was called
                self._forwards.take_initial(root)
        names = [self._name(own, i, weight) for i, weight in enumerate(weights)]
        buffers: list[tuple[str, Any]] = []  # of a stateless update the forward pass has them
        if before is None:
            self._initial.take(zip(names, weights))
            buffers = self._recording.safely(self._buffers.find) or []
            before = [self._backend.snapshot(weight) for weight in weights]
        if hasattr(optimizer, "inner_optimizer") and hasattr(optimizer, "stateless_apply"):
            self._recording.note("scaled", "gradients are those of the scaled loss")
        numbers = [(f"{own}.{name}", self._backend.freeze(value))
                   for name, value in hyperparameters.find(optimizer)]
        return Update(own, names, [self._backend.to_dense(g) for g in gradients], numbers, before,
                      buffers)

    def _name(self, own: str, place: int, weight: Any) -> str:
        found = self._names.of_weight(weight)
        if found is None:
            name = str(getattr(weight, "path", None) or weight.name).split(":")[0]
            found = self._names.name(
                weight, name if name.lower() != "variable" else f"{own}.parameter[{place}]")
        return found

    def _end(self, update: Update, after: list[Any]) -> None:
        numbers, count = update.numbers, len(update.names)
        plain = {name: value for name, value in numbers if isinstance(value, (int, float))}
        traced = [(name, value) for name, value in numbers if name not in plain]

        def deliver(found: Any) -> None:
            values = {**plain, **{name: float(part[0].reshape(-1)[0]) for (name, _), part
                                  in zip(traced, found) if part is not None}}
            self._keep_schedule(update.own, values)
            rest = found[len(traced):]
            if self._recording.is_detailed:
                self._buffers.keep([name for name, _ in update.buffers], rest[3 * count:])
                self._keep_gradients(update.names, rest[:count])
                self._keep_updates(update.names, rest[count:2 * count],
                                   rest[2 * count:3 * count])
            self._forwards.has_computed = False
            self._recording.advance()

        self._backend.send(deliver, [value for _, value in traced] + update.gradients
                           + update.before + after + [value for _, value in update.buffers])

    def _keep_schedule(self, own: str, values: dict[str, float]) -> None:
        for name, value in sorted(values.items()):
            if self._recording.is_detailed or name == f"{own}.{hyperparameters.LEARNING_RATE}":
                self._recording.number("schedule", name, value)

    def _keep_gradients(self, names: list[str], gradients: Any) -> None:
        for name, part in zip(names, gradients):
            if part is not None:
                self._recording.tensor("gradient", name, part[0], part[1],
                                       module=name.rpartition("/")[0])

    def _keep_updates(self, names: list[str], before: Any, after: Any) -> None:
        for name, old, new in zip(names, before, after):
            if old is None or new is None:
                continue
            self._after[name], found = self._remember(name, old).follow(*new)
            self._recording.add("update", name, found, name.rpartition("/")[0],
                                functools.partial(np.subtract, new[0], old[0]))

    def _remember(self, name: str, old: Any) -> Memory:
        """Return what is to be known of a weight before an update: what it was after the last."""
        memory = self._after.get(name)
        is_known = memory is not None and memory.size > sketch.SMALL and memory.seems(old[0])
        return memory if memory is not None and is_known else Memory(*old)


def _get_host(value: Any) -> Any:
    value = getattr(value, "value", value)
    value = value() if callable(value) else value
    return value.detach().cpu() if hasattr(value, "detach") else value


def _get_scope(optimizer: Any, values: Any) -> Any:
    """Return the scope in which the optimizer's variables have these values."""
    backend = sys.modules["keras.src.backend"]
    return backend.StatelessScope(state_mapping=list(zip(optimizer.variables, values)))
