"""Tensors of torch as NumPy sees them, and parameters written to.

Inside half. Reading allocates no more than a copy on the host, and changes nothing.
"""

from __future__ import annotations

import weakref
from typing import Any, Iterator

import numpy as np
import torch

from harness.measure.recorder import arrays
from harness.measure.recorder.recording import Recording

BFLOAT16 = "bfloat16"


def read(tensor: torch.Tensor) -> tuple[np.ndarray, str]:
    """Return a tensor's elements, shared with it if they are contiguous, and its element type.

    Of a sparse tensor those that are stored; bfloat16 becomes float32, which is exact.

    Raises:
        Exception: whatever torch raises where a tensor has no elements to show.
    """
    found = tensor.detach()
    if found.layout is torch.sparse_coo:
        found = found.coalesce().values()
    if found.device.type != "cpu":
        found = found.cpu()
    if found.dtype is torch.bfloat16:
        return found.float().numpy(), BFLOAT16
    if getattr(found, "is_conj", bool)():
        found = found.resolve_conj()
    if getattr(found, "is_neg", bool)():
        found = found.resolve_neg()
    return found.contiguous().numpy(), ""  # torch copies with all its threads, NumPy with one


class Reader:
    """Reads tensors, and says once what cannot be read."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.is_reading = False

    def read(self, tensor: Any) -> tuple[np.ndarray, str] | None:
        """Return elements and element type of a tensor; None of anything else."""
        if not isinstance(tensor, torch.Tensor):
            return None
        self._recording.devices.add(str(tensor.device))
        self.is_reading = True
        try:
            with torch.no_grad():
                return read(tensor)
        except Exception as error:  # a fake, nested or functional tensor has no elements
            text = str(error).splitlines()[0] if str(error) else ""
            self._recording.note("unreadable", f"{type(tensor).__name__} of {tensor.dtype}: {text}")
            return None
        finally:
            self.is_reading = False


def write(parameter: torch.Tensor, values: np.ndarray) -> None:
    """Write elements into a parameter, in place, on whatever device it lies.

    Behind autograd's back: a graph that holds the parameter already does not mind.
    """
    parameter.data.copy_(torch.from_numpy(np.ascontiguousarray(values)))


def find(value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors in nested tuples, lists and mappings, each with its path in there."""
    return arrays.find(value, is_wanted=_is_tensor)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def state(parameter: torch.Tensor) -> tuple[int, int, int]:
    """Return what changes when a parameter is changed in place, or replaced."""
    return id(parameter), _place(parameter) or 0, _version(parameter)


class Seen:
    """Tensors met in this step, as they were then: what need not be looked at again."""

    def __init__(self) -> None:
        self._met: dict[int, tuple[Any, int]] = {}

    def clear(self) -> None:
        """Forget all."""
        self._met.clear()

    def __contains__(self, tensor: torch.Tensor) -> bool:
        found = self._met.get(id(tensor))
        return found is not None and found[0]() is tensor and found[1] == _version(tensor)

    def shares(self, tensor: torch.Tensor) -> bool:
        """Return whether a tensor has the memory of one that was met and is still there."""
        place = _place(tensor)
        return place is not None and any(
            found is not None and _place(found) == place
            for found in (reference() for reference, _ in self._met.values()))

    def add(self, tensor: torch.Tensor) -> None:
        """Keep in mind that a tensor was met, until it is changed in place."""
        self._met[id(tensor)] = (weakref.ref(tensor), _version(tensor))


def _place(tensor: torch.Tensor) -> int | None:
    try:
        return int(tensor.data_ptr())
    except RuntimeError:  # a tensor without memory of its own
        return None


def _version(tensor: torch.Tensor) -> int:
    try:
        return int(tensor._version)
    except RuntimeError:  # a tensor of inference mode counts none
        return -1
