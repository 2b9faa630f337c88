"""A callback for Lightning's ``Trainer``: ``Trainer(callbacks=[RecordingCallback()])``.

Needs ``lightning`` or ``pytorch_lightning``, whichever the program uses. Python 3.8 up.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from harness import watching
from harness.callbacks.figures import record_all


def _find_lightning() -> Any:
    """Return the Lightning that the program has imported, or the one that is installed."""
    for name in ("lightning.pytorch", "pytorch_lightning"):
        if name in sys.modules:
            return sys.modules[name]
    try:
        return importlib.import_module("lightning.pytorch")
    except ImportError:
        return importlib.import_module("pytorch_lightning")


class RecordingCallback(_find_lightning().Callback):  # type: ignore[misc]
    """Records epochs, and the figures that the module logs."""

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Record which epoch begins."""
        watching.record("epoch", trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record what the epoch logs."""
        record_all(trainer.callback_metrics, "epoch: ")

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record what a validation logs, but for the one that only tries whether it runs."""
        if not trainer.sanity_checking:
            record_all(trainer.callback_metrics, "validation: ")
