"""Losses: what a backward pass starts from.

Inside half.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

import torch

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.torch.forwards import Forwards
from harness.measure.recorder.torch.tensors import Reader, find


class Losses:
    """The seam of backward passes."""

    def __init__(self, recording: Recording, reader: Reader, forwards: Forwards) -> None:
        self._recording, self._reader, self._forwards = recording, reader, forwards

    def install(self) -> None:
        """Wrap ``Tensor.backward`` and ``torch.autograd.backward``."""
        torch.Tensor.backward = self._wrap(torch.Tensor.backward)
        torch.autograd.backward = self._wrap(torch.autograd.backward)
        self._watch_scaler()

    def _wrap(self, backward: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(backward)
        def recorded(tensors: Any, *arguments: Any, **options: Any) -> Any:
            forwards = self._forwards
            if forwards.is_in_backward or not self._recording.is_on:
                return backward(tensors, *arguments, **options)
            self._recording.safely(self._keep, tensors)
            forwards.begin_pass()
            forwards.is_in_backward = True
            try:
                return backward(tensors, *arguments, **options)
            finally:
                forwards.is_in_backward = False

        return recorded

    def _watch_scaler(self) -> None:
        """Have it noted where losses are scaled, since they are larger than the program's."""
        kind = getattr(getattr(torch, "amp", None), "GradScaler", torch.cuda.amp.GradScaler)
        scale, recording = kind.scale, self._recording

        @functools.wraps(scale)
        def noted(self: Any, outputs: Any) -> Any:
            scaled = scale(self, outputs)
            if scaled is not outputs and recording.is_on:
                recording.note("scaled", "losses are multiplied by a gradient scaler")
            return scaled

        kind.scale = noted

    def _keep(self, tensors: Any) -> None:
        for _, tensor in find(tensors):
            if tensor.numel() == 1:
                self._recording.number("loss", "loss", float(tensor.detach()))
            elif self._recording.is_detailed:
                found = self._reader.read(tensor)
                if found is not None:
                    self._recording.tensor("loss", "loss", *found)
