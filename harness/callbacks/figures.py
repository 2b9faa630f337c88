"""Figures that a training loop reports, as they are recorded: those that a machine's speed tells
are left out.

Python 3.8 up, standard library only.
"""

from __future__ import annotations

from typing import Any, Mapping

from harness import watching

OF_THE_MACHINE = ("runtime", "per_second", "time", "memory")
"""Ends of names of figures that no two runs share."""


def record_all(figures: Mapping[str, Any] | None, prefix: str = "") -> None:
    """Record figures by name; texts, times and speeds are left out.

    Args:
        figures: numbers, or tensors of one element, by name.
        prefix: what the recorded names begin with.
    """
    for name, value in (figures or {}).items():
        if not isinstance(value, (str, bool)) and not str(name).endswith(OF_THE_MACHINE):
            watching.record(f"{prefix}{name}", value)
