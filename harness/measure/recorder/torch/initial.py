"""Initial parameters of a program in torch: recorded, and before that loaded or perturbed.

Inside half.
"""

from __future__ import annotations

from typing import Iterable

import numpy as np
import torch

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.torch.tensors import BFLOAT16, Reader, write
from harness.measure.recorder.weights import Weights


class Initial:
    """Takes in every parameter once, before it is first used in training."""

    def __init__(self, recording: Recording, weights: Weights, reader: Reader) -> None:
        self._recording, self._weights, self._reader = recording, weights, reader
        self._met: set[str] = set()

    def take(self, parameters: Iterable[tuple[str, torch.Tensor, str]]) -> None:
        """Record initial parameters.

        Args:
            parameters: name, parameter, and path of the module it belongs to.
        """
        for name, parameter, module in parameters:
            if name in self._met:
                continue
            self._met.add(name)
            if self._weights.is_changing:
                self._change(name, parameter)
            found = self._reader.read(parameter)
            if found is not None:
                self._recording.tensor("initialisation", name, *found, module=module)
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
