"""The seam of the Keras that TensorFlow carries in itself, up to 2.5; later it is a package.

Inside half; imported only once the program has imported TensorFlow.
"""

from __future__ import annotations

import tensorflow as tf

from harness.measure.recorder import keras
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.weights import Weights

OWN_KERAS = (2, 6)
"""Version of TensorFlow from which on Keras is a package of its own."""


def install(recording: Recording, weights: Weights) -> None:
    """Hook TensorFlow's own Keras, if it has one."""
    if tuple(int(part) for part in tf.__version__.split(".")[:2]) < OWN_KERAS:
        keras.hook(tf.keras, recording, weights)
