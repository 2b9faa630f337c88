"""Errors of the recorder's own are noted, and never reach the program.

Inside half: standard library only.
"""

from __future__ import annotations

import contextlib
from typing import Iterator

from harness.measure.recorder.recording import Recording


@contextlib.contextmanager
def guarded(recording: Recording) -> Iterator[None]:
    """Keep an error of the recorder's from the program, and note it."""
    try:
        yield
    except Exception as error:
        recording.note("recorder", f"{type(error).__name__}: {error}")
