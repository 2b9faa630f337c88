"""Numbers and places in words, as every sentence on a program has them.

Outside half.
"""

from __future__ import annotations

import math

_SMALL = 1e-4


def percent(value: float) -> str:
    """Return a relative difference in words: ``0.8 %``, or ``3.1e-06`` of what is small."""
    if not math.isfinite(value):
        return "beyond all measure"
    if value >= 0.995:
        return f"{value * 100:.0f} %" if value < 100 else f"{value:.1e} times"
    return f"{value * 100:.2g} %" if value >= _SMALL else f"{value:.1e}"


def number(value: float) -> str:
    """Return a number in six digits."""
    return f"{value:.6g}"


def rather(observed: float, baseline: float) -> str:
    """Return two numbers, in as many digits as tell them apart: ``1.2 rather than 1.3``."""
    for digits in range(6, 18):
        mine, theirs = f"{observed:.{digits}g}", f"{baseline:.{digits}g}"
        if mine != theirs:
            return f"{mine} rather than {theirs}"
    return f"{number(observed)} rather than {number(baseline)}"


def place(channel: str, tensor: str, step: int | None) -> str:
    """Return where a difference is: ``update of `a.weight` at step 3``.

    What goes into a module is an event of the forward pass only if no module returned it.
    """
    of = f" of `{tensor}`" if tensor and tensor != channel else ""
    if channel == "forward" and ":input[" in tensor:
        of += " (computed between modules)"
    return f"{channel}{of}" + ("" if step is None else f" at step {step}")
