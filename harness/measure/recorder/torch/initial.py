"""Initial parameters of a program in torch: recorded, and before that loaded or perturbed.

Inside half.
"""

from __future__ import annotations

from typing import Iterable

import numpy as np
import torch

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.torch.tensors import BFLOAT16, Reader, state, write
from harness.measure.recorder.weights import Weights


class Initial:
    """Takes in every parameter once, before it is first used in training."""

    def __init__(self, recording: Recording, weights: Weights, reader: Reader) -> None:
        self._recording, self._weights, self._reader = recording, weights, reader
        self._met: dict[str, tuple[int, int, int]] = {}

    def take(self, parameters: Iterable[tuple[str, torch.Tensor]]) -> None:
        """Record initial parameters that are new, by name."""
        for name, parameter in parameters:
            if name not in self._met and not isinstance(
                    parameter, torch.nn.parameter.UninitializedParameter):
                self._take(name, parameter)

    def take_changed(self, parameters: Iterable[tuple[str, torch.Tensor]]) -> None:
        """Record once more what the program has changed since, before the very first step.

        A program may run a model once before it loads the weights it goes on with.
        """
        for name, parameter in parameters:
            if self._met.get(name) != state(parameter):
                self._take(name, parameter)

    def _take(self, name: str, parameter: torch.Tensor) -> None:
        if self._weights.is_changing:
            self._change(name, parameter)
        self._met[name] = state(parameter)
        found = self._reader.read(parameter)
        if found is not None:
            self._recording.tensor("initialisation", name, *found,
                                   module=name.rpartition(".")[0])
            self._weights.keep(name, found[0])

    def _change(self, name: str, parameter: torch.Tensor) -> None:
        given = self._weights.take(name, tuple(parameter.shape))
        if given is not None:
            write(parameter, given)
        found = self._reader.read(parameter)
        if found is None or not (parameter.requires_grad and parameter.is_floating_point()):
            return
        values, dtype = found
        if dtype == BFLOAT16:
            moved = self._weights.move(name, _bits(values), dtype)
            moved = None if moved is None else (moved.astype(np.uint32) << 16).view(np.float32)
        else:
            moved = self._weights.move(name, values)
        if moved is not None:
            write(parameter, moved)


def _bits(values: np.ndarray) -> np.ndarray:
    """Return the bits of bfloat16 values that are given as float32."""
    return (np.ascontiguousarray(values).view(np.uint32) >> 16).astype(np.uint16)
