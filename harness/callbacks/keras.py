"""A callback for ``fit`` of Keras 2 and 3: ``callbacks=[RecordingCallback()]``.

Needs the Keras that the program uses. Python 3.8 up.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, Mapping

from harness import watching
from harness.callbacks.figures import record_all


def _find_keras() -> Any:
    """Return the Keras that the program has imported, or the one that is installed."""
    for name in ("tf_keras", "keras"):
        if name in sys.modules:
            return sys.modules[name]
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"].keras
    return importlib.import_module("keras")


class RecordingCallback(_find_keras().callbacks.Callback):  # type: ignore[misc]
    """Records epochs, and the figures of training and of validation that Keras reports."""

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record which epoch begins."""
        watching.record("epoch", epoch)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record what the epoch reports."""
        record_all(logs, "epoch: ")

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Record what an evaluation reports."""
        record_all(logs, "evaluation: ")
