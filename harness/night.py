"""A night: what is kept of one nightly comparison, its verdicts and its key figures.

Outside half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.compare import REFERENCE, Report
from harness.finding import Comparison, Finding

OUTCOMES = ("silent", "alarm", "host", "unstable", "failed")
"""Nothing to say, a difference, a difference of the host, one that did not come again,
something that could not be measured."""
WHOLE = "*"
"""The variant of what concerns a whole case."""
SECONDS = "seconds"
RATIOS = {"trajectory": "reference_ratio", "probes": "probe_ratio", "stress": "stress_ratio"}
"""By check, the figure that its ratio to the allowance against the reference becomes."""
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
        outcome: one of ``OUTCOMES``.
        exit_code: the nightly command's.
        host: the machine's fingerprint, in words; nights with the same words compare.
        commit: of the checkout, None if unknown.
    """

    at: str
    outcome: str
    exit_code: int
    host: str
    commit: str | None = None
    figures: dict[Figure, float] = field(default_factory=dict)
    verdicts: dict[Side, Told] = field(default_factory=dict)

    @property
    def measured(self) -> set[tuple[str, str]]:
        """Case and environment of everything that it tells of."""
        return {(figure.case, figure.environment) for figure in self.figures} \
            | {(side.case, side.environment) for side in self.verdicts}


def night_of(report: Report, at: str, outcome: str, host: str, commit: str | None = None,
             seconds: Mapping[tuple[str, str], float] | None = None,
             exit_code: int | None = None) -> Night:
    """Return what is kept of a report.

    Args:
        seconds: by case and environment, how long measuring took.
        exit_code: if not the report's.
    """
    night = Night(at, outcome, report.exit_code if exit_code is None else exit_code, host, commit)
    for (case, environment), record in report.observed.items():
        for variant, measured in record.variants.items():
            for precision, trajectory in measured.trajectories.items():
                figure = Figure(case, variant, environment, f"{precision}_final_loss")
                night.figures[figure] = float(trajectory.loss[-1])
    for comparison in report.comparisons:
        night.verdicts[Side(comparison.case, comparison.variant, comparison.observed,
                            comparison.against, comparison.baseline)] = _told(comparison)
        for finding in comparison.findings:
            _keep(night, comparison, finding)
    for (case, environment), value in (seconds or {}).items():
        night.figures[Figure(case, WHOLE, environment, SECONDS)] = float(value)
    return night


def minimum(figure: str) -> float:
    """Return the smallest change of a figure that matters, relative to the larger of 1 and it."""
    return MINIMUM.get(figure.rpartition("_")[2], ROUNDING)


def _told(comparison: Comparison) -> Told:
    cause, worst = comparison.cause, comparison.worst
    return Told(comparison.verdict.word, comparison.is_waived, cause.phase if cause else None,
                worst.check if worst else None)


def _keep(night: Night, comparison: Comparison, finding: Finding) -> None:
    """Keep a finding's number, if it is one of the key figures."""
    precision, _, check = finding.check.partition("_")
    name, value = None, None
    if comparison.against == REFERENCE and check in RATIOS:
        name, value = RATIOS[check], finding.required
    elif comparison.against == "baseline" and check == "trajectory":
        name, value = "baseline_deviation", finding.deviation
    if name is not None and value is not None:
        night.figures[Figure(comparison.case, comparison.variant, comparison.observed,
                             f"{precision}_{name}")] = float(value)
