"""What sketches tell of how two tensors differ: a factor, a sign, another order, another draw.

Outside half.
"""

from __future__ import annotations

import numpy as np

from harness.programs.traces.alignment import Numbers

AGREE = 0.02
"""Part of a factor's distance from 1 that projections and norm may leave unexplained."""
SAME_NORM = 1e-6
"""Relative difference up to which two norms are the same."""
NOTHING = 1e-5
"""Part of the other side's norm up to which a tensor is next to zero."""
REORDERED = "the same elements in another order, or with other signs"

DRAWN = 0.5
"""Part of a tensor by which another draw of it is off at least; independent ones by 1.4."""


def factor(observed: Numbers, baseline: Numbers) -> float | None:
    """Return by which factor one tensor is another, or None if it is no multiple of it.

    Args:
        observed, baseline: sketches, ``[4]``; all four must agree on the factor.
    """
    if not (np.isfinite(observed).all() and np.isfinite(baseline).all()):
        return None
    mine, theirs = observed[1:], baseline[1:]
    if min(observed[0], baseline[0]) <= NOTHING * max(observed[0], baseline[0]):
        return None
    aligned = float(mine @ theirs)
    is_turned = aligned < -SAME_NORM * observed[0] * baseline[0]
    found = float(observed[0] / baseline[0]) * (-1 if is_turned else 1)
    rest = float(np.sqrt(((mine - found * theirs) ** 2).mean()) / baseline[0])
    return found if found != 1 and rest <= AGREE * abs(found - 1) else None


def describe(observed: Numbers, baseline: Numbers, sizes: tuple[int, int]) -> str:
    """Return in words what two sketches tell; empty if nothing.

    Args:
        sizes: elements of the tensors; 0 of plain numbers, which have no pattern.
    """
    size = sizes[1]
    if sizes[0] != size:
        return f"{sizes[0]} elements rather than {size}"
    if not size:
        return ""
    for side, mine, theirs in (("observed", observed, baseline), ("baseline", baseline, observed)):
        if not np.isfinite(mine).all() and np.isfinite(theirs).all():
            return f"not finite on the {side} side only"
        if not mine[0] and theirs[0]:
            return f"all zeros on the {side} side only"
        if mine[0] <= NOTHING * theirs[0]:
            return f"next to zero on the {side} side only"
    found = factor(observed, baseline)
    if found is not None:
        return "the opposite sign" if abs(found + 1) < 1e-6 else f"{times(found)} the baseline's"
    if size > 1 and abs(observed[0] / baseline[0] - 1) <= SAME_NORM:
        return REORDERED
    return ""


def draw(observed: Numbers, baseline: Numbers, sizes: Numbers) -> str:
    """Return how initial weights differ: another draw of the same scale, or another scale.

    Args:
        observed, baseline: norms, ``[n]``.
        sizes: elements, ``[n]``.
    """
    with np.errstate(all="ignore"):
        ratios = observed / baseline
    ratios = ratios[np.isfinite(ratios) & (sizes > 1)]
    sizes = sizes[np.isfinite(observed / np.where(baseline, baseline, np.nan)) & (sizes > 1)]
    if not ratios.size:
        return ""
    unlike = np.abs(np.log(np.maximum(ratios, 1e-300))) > 5 / np.sqrt(2 * sizes)
    if not unlike.any():
        return "other random numbers of the same scale"
    at = int(np.argmax(np.where(unlike, sizes, 0)))
    return f"norm {times(float(ratios[at]))} the baseline's"


def times(value: float) -> str:
    """Return a factor in words: ``1.002 x``, in as many digits as tell it from 1."""
    off = abs(value - 1)
    digits = 4 if off >= 1e-2 or not off else min(12, int(np.ceil(-np.log10(off))) + 2)
    return f"{value:.{digits}g} x"
