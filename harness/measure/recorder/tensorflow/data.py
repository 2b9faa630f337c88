"""Data: the batches that a loop of the program's own takes from a dataset.

Inside half.
"""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf
from tensorflow.python.data.ops import iterator_ops

from harness.measure.recorder import arrays
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.tensorflow.taps import Taps


class Data:
    """The seam of datasets."""

    def __init__(self, recording: Recording, taps: Taps) -> None:
        self._recording, self._taps = recording, taps

    def install(self) -> None:
        """Wrap what hands out the batches."""
        kind: Any = iterator_ops.OwnedIterator
        fetch, seam = kind.__next__, self

        @functools.wraps(fetch)
        def __next__(self: Any) -> Any:
            batch = fetch(self)
            if tf.executing_eagerly() and not seam._recording.loops:
                seam._keep(batch)
            return batch

        kind.__next__ = __next__

    def _keep(self, batch: Any) -> None:
        arrays.send_batch(self._recording, self._taps.send, batch)
