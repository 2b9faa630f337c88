"""Seeding all that Keras draws from.

Inside half: standard library, NumPy and TensorFlow only.
"""

from __future__ import annotations

import random

import numpy as np
import tensorflow as tf

keras = tf.keras


def set_seed(seed: int) -> None:
    """Seed Python's, NumPy's and TensorFlow's generators, as users do."""
    if hasattr(keras.utils, "set_random_seed"):
        keras.utils.set_random_seed(seed)
    else:  # TensorFlow before 2.7
        random.seed(seed)
        np.random.seed(seed)
        tf.random.set_seed(seed)
