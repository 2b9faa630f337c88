"""The seams of TensorFlow, 2.4 up: what every training loop passes by.

Inside half; imported only once the program has imported TensorFlow.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.tensorflow.compiled import Functions
from harness.measure.recorder.tensorflow.data import Data
from harness.measure.recorder.tensorflow.losses import Losses
from harness.measure.recorder.tensorflow.saving import leave_files_alone
from harness.measure.recorder.tensorflow.taps import Taps
from harness.measure.recorder.weights import Weights

_taps: dict[int, Taps] = {}


def install(recording: Recording, weights: Weights) -> None:
    """Hook TensorFlow."""
    taps = find_taps(recording)
    taps.install()
    Functions(taps).install()
    Losses(recording, taps).install()
    Data(recording, taps).install()
    leave_files_alone(taps)
    recording.takers.append(lambda name, value: _take(recording, taps, name, value))


def find_taps(recording: Recording) -> Taps:
    """Return the taps of a recording, which Keras shares."""
    return _taps.setdefault(id(recording), Taps(recording))


def _take(recording: Recording, taps: Taps, name: str, value: Any) -> bool:
    """Record a tensor of a graph that the program records; return whether it is one."""
    if not isinstance(value, tf.Tensor) or hasattr(value, "numpy"):
        return False

    def deliver(found: Any) -> None:
        if found[0] is not None:
            recording.keep_reported(name, *found[0])

    taps.send(deliver, [value])
    return True
