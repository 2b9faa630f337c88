"""Operators: what each one returned in the step whose tensors are kept, in forward and backward.

Inside half. A dispatch mode (torch 1.13 up) sees every operator, and is on in that step only;
compiled functions would run uncompiled under it, so that a program that compiles does without.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.torch.forwards import Forwards
from harness.measure.recorder.torch.tensors import Reader, find

LARGEST = 2**30
"""Bytes of operators' outputs that are kept; that later ones are left out is said."""


class Operators:
    """Keeps what operators return, once the step has come."""

    def __init__(self, recording: Recording, forwards: Forwards, reader: Reader) -> None:
        self._recording, self._forwards, self._reader = recording, forwards, reader
        self._mode: Any = None
        self._bytes = 0

    def install(self) -> None:
        """Wait for the first forward pass of that step."""
        if self._recording.capture is not None:
            self._forwards.when_trained = self.begin

    def begin(self) -> None:
        """Look at operators from here on, if this is the step."""
        if self._mode is None and self._recording.is_captured and not self._forwards.has_compiled:
            self._mode = _make_mode(self)
            if self._mode is not None:
                self._mode.__enter__()

    def end(self) -> None:
        """Look no more."""
        if self._mode is not None:
            self._mode.__exit__(None, None, None)

    def keep(self, name: str, result: Any) -> None:
        """Keep what an operator returned, under the path of the module that runs.

        Memory that was only allocated holds what lay there before: no result.
        """
        if self._reader.is_reading or not self._recording.is_on or "empty" in name:
            return
        phase = self._forwards.place()
        for part, tensor in find(result):
            read = self._reader.read(tensor)
            if read is None or self._bytes + read[0].nbytes > LARGEST:
                self._recording.note("operators", "not all outputs are kept: they are too large")
                continue
            self._bytes += read[0].nbytes
            self._recording.keep_operator(f"{phase}:{name}{part}", np.array(read[0]))


def _make_mode(operators: Operators) -> Any:
    try:
        from torch.utils._python_dispatch import TorchDispatchMode
    except ImportError:
        return None

    class Mode(TorchDispatchMode):  # type: ignore[misc]
        """Passes on every operator as it is."""

        def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (),
                               options: Any = None) -> Any:
            result = function(*arguments, **(options or {}))
            operators._recording.safely(operators.keep, str(function), result)
            return result

    return Mode()
