"""Buffers: what a model keeps beside its trained weights, such as moving statistics.

Inside half. No gradient shows them and no training uses them, but evaluation does.
"""

from __future__ import annotations

import math
from typing import Any, Iterator, Sequence

from harness.measure.recorder import sketch
from harness.measure.recorder.initial import Initial
from harness.measure.recorder.keras.names import Names
from harness.measure.recorder.recording import BUFFER, Recording


class Buffers:
    """The floating weights of models that no optimizer trains; recorded once they have changed."""

    def __init__(self, recording: Recording, names: Names, initial: Initial,
                 backend: Any) -> None:
        self._recording, self._names = recording, names
        self._initial, self._backend = initial, backend

    def find(self) -> list[tuple[str, Any]]:
        """Return name and present value of all that may have to be recorded at an update."""
        if self._backend.is_eager and not self._recording.is_detailed:
            return []
        found = {name: weight for root in self._names.get_roots()
                 for name, weight in self._choose(root, root.non_trainable_weights)}
        return [(name, self._backend.snapshot(weight)) for name, weight in found.items()]

    def send(self, root: Any, values: Sequence[Any]) -> None:
        """Record what a pass over JAX makes of a model's variables that are not trained."""
        given = {id(variable): value
                 for variable, value in zip(root.non_trainable_variables, values)}
        named = list(self._choose(root, root.non_trainable_weights))
        names = [name for name, _ in named]
        if named:
            self._backend.send(lambda found: self.keep(names, found),
                               [given[id(weight)] for _, weight in named])

    def keep(self, names: Sequence[str], found: Any) -> None:
        """Record every one that is no longer what it was at the beginning."""
        if not self._recording.is_detailed:
            return
        for name, part in zip(names, found):
            first = self._initial.digests.get(name)
            if first is None or part is None or part[0].dtype.kind != "f":
                continue
            if sketch.digest(sketch.flatten(part[0])) != first:
                self._recording.tensor("forward", name, *part, module=name.rpartition("/")[0])

    def _choose(self, root: Any, weights: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        metrics = {id(weight) for metric in getattr(root, "metrics", ())
                   for weight in metric.variables}
        for weight in weights:
            name = self._names.of_weight(weight)
            if name is not None and id(weight) not in metrics and _count(weight) <= BUFFER:
                yield name, weight


def _count(weight: Any) -> int:
    """Return the number of a weight's elements."""
    return math.prod(int(length) for length in weight.shape)
