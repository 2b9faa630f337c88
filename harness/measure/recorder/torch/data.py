"""Data: the batches that a ``DataLoader`` hands out.

Inside half.
"""

from __future__ import annotations

import functools
from typing import Any

from torch.utils.data import dataloader

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.torch.forwards import Forwards
from harness.measure.recorder.torch.tensors import Reader, find


class Data:
    """The seam of data loaders."""

    def __init__(self, recording: Recording, reader: Reader, forwards: Forwards) -> None:
        self._recording, self._reader, self._forwards = recording, reader, forwards

    def install(self) -> None:
        """Wrap what hands out the batches."""
        kind: Any = dataloader._BaseDataLoaderIter
        fetch = kind.__next__
        seam = self

        @functools.wraps(fetch)
        def __next__(self: Any) -> Any:
            batch = fetch(self)
            if seam._recording.is_on and not seam._recording.loops:
                seam._recording.safely(seam._keep, batch)
            return batch

        kind.__next__ = __next__

    def _keep(self, batch: Any) -> None:
        self._forwards.begin_pass()
        for place, tensor in find(batch):
            found = self._reader.read(tensor)
            if found is not None:
                self._recording.tensor("data", f"batch{place}", *found)
                self._forwards.seen.add(tensor)
