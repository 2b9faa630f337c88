"""The header of a trace: what ran, on what, how it ended, and what is not in the trace.

Inside half: standard library only.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
from importlib import metadata
from typing import Any

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.seams import SEAMS
from harness.records import settings

WORKED = 5.0
"""Seconds of computing in child processes beyond which an empty trace may be due to them."""


def rank() -> int:
    """Return which of several processes of one training this is, by what launchers set."""
    value = os.environ.get("RANK") or os.environ.get("OMPI_COMM_WORLD_RANK") or "0"
    return int(value) if value.isdigit() else 0


def describe(recording: Recording, program: list[str], ended: str) -> dict[str, Any]:
    """Return the header of a recording, but for what its events say.

    Args:
        program: its words.
        ended: ``end``, ``steps``, ``capture`` or ``failed: ...``.
    """
    _note_what_is_missing(recording)
    return {
        "program": program, "ended": ended, "updates": recording.step,
        "python": platform.python_version(), "packages": packages(),
        "settings": settings.chosen(), "devices": sorted(recording.devices),
        "modules": recording.modules, "tensors": recording.tensors,
        "processes": {"rank": rank(), "world_size": _world_size()},
        "notes": recording.notes,
    }


def packages() -> dict[str, str]:
    """Return the installed distributions and their versions."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(name.lower().replace("_", "-"), distribution.version)
    return dict(sorted(found.items()))


def _world_size() -> int:
    value = os.environ.get("WORLD_SIZE") or "1"
    return int(value) if value.isdigit() else 1


def _note_what_is_missing(recording: Recording) -> None:
    """Say why a trace is empty, and what runs beside the process that is recorded."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = children.ru_utime + children.ru_stime
    if recording.step == 0:
        text = "no optimizer finished an update in this process"
        if seconds > WORKED:
            text += f"; child processes computed for {seconds:.0f} s, which is not recorded"
        recording.note("no training", text)
    if _world_size() > 1:
        recording.note("processes", f"{_world_size()} processes train; this is rank 0")
    for what in recording.beside:
        recording.note("processes", f"{what} trains, which is not recorded")
    if recording.step == 0 and not any(name in sys.modules for name in SEAMS):
        recording.note("no framework", "the program imported no framework that is recorded")
