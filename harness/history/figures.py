"""The key figures: what of a report is kept as a night.

Outside half.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.compare.checks.finding import Comparison, Finding
from harness.compare.compare import Report
from harness.history.night import SECONDS, WHOLE, Figure, Night, Side, Told
from harness.records.environment import REFERENCE

RATIOS = {"trajectory": "reference_ratio", "probes": "probe_ratio", "stress": "stress_ratio"}
"""By check, the figure that its ratio to the allowance against the reference becomes."""


def night_of(report: Report, at: str, outcome: str, host: str, commit: str | None = None,
             seconds: Mapping[tuple[str, str], float] | None = None,
             exit_code: int | None = None, builds: Mapping[str, str] | None = None) -> Night:
    """Return what is kept of a report.

    Args:
        seconds: by case and environment, how long measuring took.
        exit_code: if not the report's.
        builds: version of every pre-release build, by environment.
    """
    night = Night(at, outcome, report.exit_code if exit_code is None else exit_code, host, commit,
                  builds=dict(builds or {}))
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
    night.figures.update({Figure(*place): value for place, value in report.figures.items()})
    for (case, environment), value in (seconds or {}).items():
        night.figures[Figure(case, WHOLE, environment, SECONDS)] = float(value)
    return night


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
