"""Whether a module that drops out drops another share, or the same share of other elements.

Outside half. A sketch does not tell; whole tensors of its output do.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.programs.judging import causes
from harness.programs.judging.verdict import Cause, Judgement
from harness.programs.showing import capture

CHANCE = 4.0
"""Standard deviations by which the numbers of dropped elements differ that are no chance."""
_WHOLE = re.compile(r"\d[dD]$|Spatial|Path|Depth|Feature")
"""Names of modules that drop maps, rows or features as a whole: their elements are not drawn one
by one."""


def revise(judgement: Judgement, observed: Path, baseline: Path) -> Judgement:
    """Return the judgement, in which no other random stream is said where another share is dropped.

    Args:
        observed, baseline: captures of the step of the first difference.

    Raises:
        RecordError: a file is damaged or too large.
    """
    cause = judgement.first
    if cause is None or cause.kind != "random stream":
        return judgement
    mine, theirs = (capture.read(path, capture.key(cause)) for path in (observed, baseline))
    told = "" if mine is None or theirs is None else describe(mine, theirs, cause)
    if not told:
        return judgement
    found = causes.with_sentence(replace(cause, kind="value", pattern=told))
    return replace(judgement, causes=tuple(found if one is cause else one
                                           for one in judgement.causes))


def describe(observed: NDArray[Any], baseline: NDArray[Any], cause: Cause) -> str:
    """Return in words which shares are dropped; empty where they are the same but for chance.

    The elements that one side alone drops are counted: at one rate each is dropped on either side
    with the same chance (McNemar's test). Where they are too few to tell, the scale may: what both
    sides keep is equal at one rate.

    Args:
        observed, baseline: what the module returned, of any shape.
    """
    if observed.shape != baseline.shape or not observed.size:
        return ""
    mine, theirs = observed == 0, baseline == 0
    only_mine, only_theirs = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
    together = observed.size // observed.shape[0] if observed.ndim and _WHOLE.search(
        cause.module_class) else 1
    is_chance = abs(only_mine - only_theirs) <= CHANCE * np.sqrt(
        (only_mine + only_theirs) * together)
    if is_chance:
        return capture.scale(observed.astype(float), baseline.astype(float))
    shares = float(mine.mean()), float(theirs.mean())
    digits = next((n for n in range(2, 6) if round(shares[0], n) != round(shares[1], n)), 6)
    return (f"another share is dropped: {shares[0]:.{digits}f} of the output is 0 rather than "
            f"{shares[1]:.{digits}f}")
