"""A callback for Hugging Face's ``Trainer``: ``Trainer(callbacks=[RecordingCallback()])``.

Needs ``transformers``. Python 3.8 up.
"""

from __future__ import annotations

from typing import Any, Mapping

from transformers import TrainerCallback

from harness import watching
from harness.callbacks.figures import record_all


class RecordingCallback(TrainerCallback):  # type: ignore[misc]
    """Records epochs, and the figures that the trainer logs and evaluates."""

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **options: Any) -> None:
        """Record which epoch begins."""
        watching.record("epoch", state.epoch)

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None,
               **options: Any) -> None:
        """Record what is logged."""
        record_all(logs, "log: ")

    def on_evaluate(self, args: Any, state: Any, control: Any,
                    metrics: Mapping[str, Any] | None = None, **options: Any) -> None:
        """Record what an evaluation finds."""
        record_all(metrics, "evaluation: ")
