"""Forward passes: what goes into an outermost layer, and what comes out of every layer.

Inside half.
"""

from __future__ import annotations

import threading
from typing import Any, Iterator

from harness.measure.recorder import arrays
from harness.measure.recorder.guarding import guarded
from harness.measure.recorder.initial import Initial
from harness.measure.recorder.keras.buffers import Buffers
from harness.measure.recorder.keras.names import Names
from harness.measure.recorder.keras.wrapping import find_owner, wrap
from harness.measure.recorder.recording import Recording

EVALUATIONS = 16
"""Forward passes in evaluation whose outputs are kept, in one step and of one model."""

CALLS = 16
"""Calls of one layer in one pass whose outputs are kept: a cell is called at every time step."""


class Pass:
    """A forward pass that is going on."""

    def __init__(self, root: Any, is_training: bool, place: Any) -> None:
        self.root, self.is_training, self.place = root, is_training, place
        self.parts: list[str] = []
        self.found: list[tuple[str, str, Any]] = []
        """Path, what it is (input or output, and where in there), tensor."""
        self._calls: dict[str, int] = {}

    def add(self, path: str, output: Any, backend: Any) -> None:
        """Keep what a layer puts out, unless it is in a loop within the graph, or called often."""
        calls = self._calls[path] = self._calls.get(path, 0) + 1
        if self.is_training and calls <= CALLS and backend.get_place() is self.place:
            self.found.append((path, "output", output))


class Forwards:
    """The seam of layers."""

    def __init__(self, recording: Recording, names: Names, initial: Initial, buffers: Buffers,
                 backend: Any, is_symbolic: Any) -> None:
        self._recording, self._names, self._initial = recording, names, initial
        self._buffers, self._backend, self._is_symbolic = buffers, backend, is_symbolic
        self._local = threading.local()
        self.has_computed = False

    def install(self, layer: Any) -> None:
        """Wrap the calls of all layers."""
        wrap(find_owner(layer, "__call__"), "__call__", self._call)
        owner = find_owner(layer, "stateless_call")
        if owner is not None:
            wrap(owner, "stateless_call", self._call_stateless)

    def _call_stateless(self, call: Any, layer: Any, *arguments: Any, **options: Any) -> Any:
        """Take the call of a model over JAX, which goes past ``__call__``, for one."""
        if getattr(self._local, "going", None) is not None or self._is_hidden():
            return call(layer, *arguments, **options)
        result = self._call_root(call, layer, arguments, options, arguments[2:], _get_first)
        if self._backend.is_training(options):
            with guarded(self._recording):
                self._buffers.send(layer, result[1])
        return result

    def _is_hidden(self) -> bool:
        return bool(getattr(self._local, "is_hidden", False)) or self._recording.is_stopped

    def _call(self, call: Any, layer: Any, *arguments: Any, **options: Any) -> Any:
        local = self._local
        going = getattr(local, "going", None)
        if self._is_hidden() or (going is not None and going.root is layer):
            return call(layer, *arguments, **options)
        if going is None and (self._is_symbolic() or _is_symbolic((arguments, options))):
            local.is_hidden = True
            try:
                return call(layer, *arguments, **options)
            finally:
                local.is_hidden = False
        if going is None:
            return self._call_root(call, layer, arguments, options, arguments, _get_same)
        going.parts.append(str(layer.name))
        self._recording.modules.setdefault(self._names.of_layer(going.root, going.parts),
                                           type(layer).__name__)
        try:
            output = call(layer, *arguments, **options)
            going.add("/".join(going.parts), output, self._backend)
        finally:
            going.parts.pop()
        return output

    def _call_root(self, call: Any, layer: Any, arguments: Any, options: Any, inputs: Any,
                   get_output: Any) -> Any:
        going = None
        with guarded(self._recording):
            going = self._begin(layer, inputs, options)
        self._local.going = going
        try:
            output = call(layer, *arguments, **options)
        finally:
            self._local.going = None
        if going is not None:
            with guarded(self._recording):
                self._end(going, get_output(output))
        return output

    def _begin(self, root: Any, arguments: Any, options: Any) -> Pass:
        going = Pass(root, self._backend.is_training(options), self._backend.get_place())
        if going.is_training:
            if root.built and (self._backend.is_eager or going.place is not None):
                self.take_initial(root)
            if not self._backend.fitting:
                going.found.extend(("", f"input{place}", tensor)
                                   for place, tensor in _find(arguments))
        return going

    def take_initial(self, root: Any) -> None:
        """Take in the weights of an outermost layer, unless they are being traced."""
        if getattr(root, "weights", None) and self._can_read(root.weights[0]):
            self._initial.take(list(self._names.learn(root)))

    def _can_read(self, weight: Any) -> bool:
        try:
            return self._backend.read_weight(weight) is not None
        except Exception:  # a value that is traced
            return False

    def _end(self, going: Pass, output: Any) -> None:
        events = [(path, what + place, tensor) for path, what, value in going.found
                  for place, tensor in _find(value)] if going.is_training else []
        events += [("", f"output{place}", tensor) for place, tensor in _find(output)]
        named = [(self._names.of_layer(going.root, [path]) if path
                  else self._names.of_root(going.root), what) for path, what, _ in events]
        deliver = self._keep if going.is_training else self._evaluate
        self._backend.send(lambda found: deliver(named, found), [tensor for *_, tensor in events])

    def _keep(self, named: list[tuple[str, str]], found: Any) -> None:
        is_detailed = self._recording.is_detailed
        for (path, what), part in zip(named, found):
            if part is None:
                continue
            is_data = what.startswith("input") and not self.has_computed
            if is_data or is_detailed:
                self._recording.tensor("data" if is_data else "forward", f"{path}:{what}",
                                       part[0], part[1], module=path)
        self.has_computed = True

    def _evaluate(self, named: list[tuple[str, str]], found: Any) -> None:
        for (path, what), part in zip(named, found):
            name = f"{path}:{what}"
            if part is not None and self._recording.events.count("evaluation", name) < EVALUATIONS:
                self._recording.tensor("evaluation", name, part[0], part[1], module=path)


def _get_same(value: Any) -> Any:
    return value


def _get_first(value: Any) -> Any:
    return value[0]


def _find(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the tensors in a value: not those of a model that is being made."""
    return (found for found in arrays.find(value) if not _is_symbolic(found[1]))


def _is_symbolic(value: Any, depth: int = 3) -> bool:
    """Whether there is a symbolic tensor of Keras in there: a model is being made, not used."""
    if isinstance(value, (list, tuple)):
        return depth > 0 and any(_is_symbolic(part, depth - 1) for part in value)
    if isinstance(value, dict):
        return depth > 0 and any(_is_symbolic(part, depth - 1) for part in value.values())
    return "KerasTensor" in type(value).__name__
