"""Models that are saved are saved as they are: no tap gets into a file.

Inside half.
"""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf
from tensorflow.python.saved_model import save as save_module

from harness.measure.recorder.tensorflow.taps import Taps


def leave_files_alone(taps: Taps) -> None:
    """Have nothing tapped while a model is traced to be saved."""
    for name in ("save", "save_and_return_nodes"):
        if hasattr(save_module, name):
            mute(save_module, name, taps)
    tf.saved_model.save = save_module.save


def mute(place: Any, name: str, taps: Taps) -> None:
    """Have nothing tapped while a function of a module or class runs."""
    original = getattr(place, name)

    @functools.wraps(original)
    def muted(*arguments: Any, **options: Any) -> Any:
        with taps.muted():
            return original(*arguments, **options)

    setattr(place, name, muted)
