"""A night: what is kept of one nightly comparison, its verdicts and its key figures.

Outside half.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import NamedTuple

WHOLE = "*"
"""The variant of what concerns a whole case."""
SECONDS = "seconds"
MINIMUM = {SECONDS: 0.1, "ratio": 0.01}
"""Smallest change that matters: a tenth of the time (of a second, if it is less), a hundredth
of the allowance."""
ROUNDING = 1e-9
"""The same for losses and deviations: below it, rounding may do as it likes."""


class Figure(NamedTuple):
    """What a figure is of.

    Args:
        variant: or ``*`` for the whole case.
        name: ``seconds``, or after the precision (``float64_``): ``final_loss``,
            ``baseline_deviation`` (largest, from the own baseline), ``reference_ratio``
            (largest deviation from the reference, to its allowance), ``probe_ratio`` and
            ``stress_ratio`` (largest error of a probe, to its allowance).
    """

    case: str
    variant: str
    environment: str
    name: str


class Side(NamedTuple):
    """What a verdict is of: ``environment`` against ``baseline``, another one's or its own."""

    case: str
    variant: str
    environment: str
    against: str
    baseline: str


class Told(NamedTuple):
    """What a verdict says; phase and check of the difference that tells most, if any."""

    verdict: str
    waived: bool
    phase: str | None
    check: str | None


@dataclass(frozen=True)
class Night:
    """One night.

    Args:
        at: time, ISO 8601, in UTC; no two nights have the same.
        outcome: ``silent`` for nothing to say, ``alarm`` for a difference, ``host`` for one of the
            host, ``unstable`` for one that did not come again, ``failed`` where something could
            not be measured.
        exit_code: the nightly command's.
        host: the machine's fingerprint, in words; nights with the same words compare.
        commit: of the checkout, None if unknown.
        builds: version of every pre-release build that it measured, by environment.
    """

    at: str
    outcome: str
    exit_code: int
    host: str
    commit: str | None = None
    figures: dict[Figure, float] = field(default_factory=dict)
    verdicts: dict[Side, Told] = field(default_factory=dict)
    builds: dict[str, str] = field(default_factory=dict)

    @property
    def measured(self) -> set[tuple[str, str]]:
        """Case and environment of everything that it tells of."""
        return {(figure.case, figure.environment) for figure in self.figures} \
            | {(side.case, side.environment) for side in self.verdicts}


def now() -> str:
    """Return the time in UTC, ISO 8601, so fine that two nights of one second are two."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def minimum(figure: str) -> float:
    """Return the smallest change of a figure that matters, relative to the larger of 1 and it."""
    return MINIMUM.get(figure.rpartition("_")[2], ROUNDING)
