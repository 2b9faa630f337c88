"""Initial weights of a program: recorded, and before that loaded or perturbed.

Inside half.
"""

from __future__ import annotations

import functools
from typing import Any, Iterable

import numpy as np

from harness.measure.recorder import arrays
from harness.measure.recorder.guarding import guarded
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.weights import Weights


class Initial:
    """Takes in every weight once, before it is first used in training.

    Args:
        backend: reads and writes weights (``keras.backends``, ``jax.taps``).

    Attributes:
        digests: of every weight as it was taken in, by name.
    """

    def __init__(self, recording: Recording, weights: Weights, backend: Any) -> None:
        self._recording, self._weights, self._backend = recording, weights, backend
        self._met: set[str] = set()
        self.digests: dict[str, int] = {}

    def take(self, named: Iterable[tuple[str, Any]]) -> None:
        """Record initial weights, by name."""
        for name, weight in named:
            if name in self._met:
                continue
            self._met.add(name)
            with guarded(self._recording):
                if self._backend.is_ready(weight):
                    self._take(name, weight)
                else:
                    self._backend.defer(functools.partial(self._take, name, weight))

    def take_value(self, name: str, value: Any) -> Any:
        """Record an initial value, and return what is to be instead."""
        found = self._backend.read_weight(value)
        if found is None:
            return value
        changed = self._change(name, value, *found)
        values = found[0] if changed is None else changed
        self._recording.tensor("initialisation", name, values, found[1],
                               module=name.rpartition("/")[0])
        self._weights.keep(name, values)
        return value if changed is None else self._backend.make(changed, value)

    def _take(self, name: str, weight: Any) -> None:
        found = self._backend.read_weight(weight)
        if found is None:
            return
        changed = self._change(name, weight, *found)
        if changed is not None:
            self._backend.write_weight(weight, changed)
            found = (changed, found[1])
        self.digests[name] = self._recording.tensor(
            "initialisation", name, found[0], found[1], module=name.rpartition("/")[0]).digest
        self._weights.keep(name, found[0])

    def _change(self, name: str, weight: Any, values: np.ndarray, dtype: str) -> np.ndarray | None:
        """Return what a weight is to become; None to leave it."""
        if not self._weights.is_changing:
            return None
        given = self._weights.take(name, values.shape)
        values = values if given is None else given.astype(values.dtype)
        if not getattr(weight, "trainable", True) or values.dtype.kind != "f":
            return given
        if dtype == arrays.BFLOAT16:
            moved = self._weights.move(arrays.get_bits(values), dtype)
            moved = None if moved is None else arrays.from_bits(moved)
        else:
            moved = self._weights.move(values)
        return given if moved is None else moved
