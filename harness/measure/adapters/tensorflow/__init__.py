"""TensorFlow: Keras layers, losses and optimizers, many steps in one graph.

Inside half. One code for Keras 2 (inside TensorFlow up to 2.15) and Keras 3 (on its
TensorFlow backend): ``tf.keras`` is whichever the environment holds. Every Keras
name is looked up when a task is built or run, none at import.
"""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import tensorflow as tf

from harness.measure.adapters.task import Task, Training
from harness.measure.adapters.tensorflow.training import GraphTraining
from harness.records import provenance

PACKAGES = tuple(name for name in ("tensorflow-cpu", "tensorflow", "tf-nightly-cpu", "tf-nightly",
                                   "keras", "keras-nightly", "numpy")
                 if name in provenance.packages())


def describe() -> dict[str, Any]:
    """Return the settings that could change the numbers."""
    return {
        "intraop_threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "interop_threads": tf.config.threading.get_inter_op_parallelism_threads(),
        "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
    }


def build(task: Task) -> Training:
    """Return the task's Keras model, loss and optimizer, ready to train."""
    return GraphTraining(task)
