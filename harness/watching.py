"""What a training program may hand to the recorder itself; without one nothing happens.

Standard library only: a user's program imports it in an environment of its own.
"""

from __future__ import annotations

from typing import Any

recording: Any = None
"""The recording that is going on in this process (``measure.recorder``), if any."""


def record(name: str, value: Any) -> None:
    """Keep a figure or a tensor of a training program in the trace, under a recorder.

    Args:
        name: what it is called, the same in every run: ``"validation accuracy"``.
        value: a number (channel ``reported``), or an array or a tensor of a framework
            (channel ``forward``: what a function outside any module computed).
    """
    if recording is not None:
        recording.report(name, value)


def watch(thing: Any) -> Any:
    """Have what has no seam of its own recorded, such as ``optax.adam(1e-3)``.

    Args:
        thing: what trains.

    Returns:
        The thing itself, or one that computes the same and is recorded.
    """
    return thing if recording is None else recording.watch(thing)
