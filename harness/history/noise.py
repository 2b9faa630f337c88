"""The noise around a trend: how much is left of it, and how much each night of it is worth.

Outside half.
"""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import NDArray

CORRELATED = 1.65
"""Standard errors beyond which neighbouring nights count as correlated: one in twenty."""


def around_line(data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the values lie from Theil and Sen's line."""
    nights = np.arange(len(data))
    slope, intercept = scipy.stats.theilslopes(data, nights)[:2]
    return np.asarray(data - intercept - slope * nights)


def around_rise(data: NDArray[np.float64], rises: bool) -> NDArray[np.float64]:
    """Return how far the values lie from the best curve that only rises, or only falls."""
    return np.asarray(data - scipy.optimize.isotonic_regression(data, increasing=bool(rises)).x)


def around_levels(data: NDArray[np.float64], steps: list[int]) -> NDArray[np.float64]:
    """Return how far the values lie from the median of their level."""
    return np.concatenate([part - np.median(part) for part in np.split(data, steps)])


def misfit(noise: NDArray[np.float64], parameters: int) -> float:
    """Return Schwarz's criterion of a description that leaves such noise; the smallest is best.

    Of Laplace's distribution, which forgives what falls out.

    Source:
        Schwarz, Ann. Statist. 6, 1978.
    """
    error = float(np.abs(noise).mean())
    if error == 0:
        return -math.inf
    return len(noise) * math.log(error) + parameters / 2 * math.log(len(noise))


def share_of_independent(noise: NDArray[np.float64]) -> float:
    """Return which share of so many independent nights these are worth.

    Noise that hangs together from night to night, as a busy machine's, is worth fewer:
    ``(1 - r) / (1 + r)`` where the correlation r of neighbours is more than chance.

    Args:
        noise: in ranks, so that its tails do not matter.

    Source:
        Hamed & Rao, J. Hydrol. 204, 1998, with the first lag alone.
    """
    noise = noise - noise.mean()
    power = float(noise @ noise)
    r = float(noise[1:] @ noise[:-1]) / power if power > 1e-9 else 0.0
    return (1 - r) / (1 + r) if r > CORRELATED / math.sqrt(len(noise)) else 1.0


def weakened(chance: float, share: float) -> float:
    """Return what is left of a test's chance if only a share of its nights count."""
    if chance in (0.0, 1.0) or share == 1.0:
        return chance
    normal = scipy.stats.norm
    return float(2 * normal.sf(normal.isf(min(chance, 1.0) / 2) * math.sqrt(share)))
