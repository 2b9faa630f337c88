"""Losses: what gradients are taken of.

Inside half.
"""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.tensorflow.taps import Taps


class Losses:
    """The seam of gradient tapes."""

    def __init__(self, recording: Recording, taps: Taps) -> None:
        self._recording, self._taps = recording, taps

    def install(self) -> None:
        """Wrap ``GradientTape.gradient``."""
        kind: Any = tf.GradientTape
        take, seam = kind.gradient, self

        @functools.wraps(take)
        def gradient(self: Any, target: Any, *arguments: Any, **options: Any) -> Any:
            seam._taps.send(seam._deliver, [part for part in tf.nest.flatten(target)
                                            if isinstance(part, tf.Tensor)])
            return take(self, target, *arguments, **options)

        kind.gradient = gradient

    def _deliver(self, found: Any) -> None:
        for part in found:
            if part is None:
                continue
            if part[0].size == 1:
                self._recording.number("loss", "loss", float(part[0].reshape(-1)[0]))
            elif self._recording.is_detailed:
                self._recording.tensor("loss", "loss", *part)
