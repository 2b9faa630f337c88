"""Figures that callbacks record."""

from __future__ import annotations

from harness import watching
from harness.callbacks.figures import record_all


def test_figures_are_recorded_but_for_times_and_texts(monkeypatch):
    """What the machine's speed tells is in no trace."""
    found = []
    monkeypatch.setattr(watching, "record", lambda name, value: found.append((name, value)))
    record_all({"loss": 0.5, "eval_runtime": 1.0, "train_samples_per_second": 3.0, "note": "x"},
               "epoch: ")
    assert found == [("epoch: loss", 0.5)]


def test_nothing_happens_without_figures():
    """Callbacks are called with none at times."""
    record_all(None)
