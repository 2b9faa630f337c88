"""Buffers: what a module keeps beside its parameters, such as running statistics.

Inside half. No gradient shows them and no training uses them, but evaluation does.
"""

from __future__ import annotations

import weakref
from typing import Any, Iterator

import torch

from harness.measure.recorder import sketch
from harness.measure.recorder.recording import BUFFER, Recording
from harness.measure.recorder.torch.names import Names
from harness.measure.recorder.torch.tensors import Reader


class Buffers:
    """The floating buffers of modules that are trained; recorded once they have changed."""

    def __init__(self, recording: Recording, names: Names, reader: Reader) -> None:
        self._recording, self._names, self._reader = recording, names, reader
        self._met: weakref.WeakKeyDictionary[Any, dict[str, int]] = weakref.WeakKeyDictionary()

    def meet(self, root: torch.nn.Module) -> None:
        """Take in the buffers of an outermost module, as they are before its first pass."""
        for module in root.modules():
            if module not in self._met:
                self._met[module] = {name: self._digest(found)
                                     for name, found in self._find(module)}

    def keep(self) -> None:
        """Record every buffer that is no longer what it was."""
        for module, first in list(self._met.items()):
            path = self._names.of_module(module)
            for name, found in self._find(module):
                if self._digest(found) != first.get(name):
                    self._recording.tensor("forward", f"{path}.{name}", *found, module=path)

    def _find(self, module: torch.nn.Module) -> Iterator[tuple[str, Any]]:
        for name, buffer in module._buffers.items():
            if buffer is not None and buffer.is_floating_point() and buffer.numel() <= BUFFER:
                found = self._reader.read(buffer)
                if found is not None:
                    yield name, found

    def _digest(self, found: Any) -> int:
        return sketch.digest(sketch.flatten(found[0]))
