"""Nothing is changed by looking: the same bits with and without the recorder."""

from __future__ import annotations

import sys


def test_output_and_weights_are_the_same(program, launch, record):
    """A program prints its losses, its final weights' digest and its next random number."""
    alone = launch([sys.executable, program])
    found, trace = record(program)
    assert alone.code == 0, alone.errors
    assert found == alone
    assert trace.header["ended"] == "end"
    assert trace.header["updates"] > 0
    channels = {row[1] for row in trace.rows()}
    assert {"initialisation", "schedule", "gradient", "update"} <= channels
    assert "loss" in channels or program == "functional.py"  # which calls no backward()
