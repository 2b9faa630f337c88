"""Reports of a few comparisons, for tests of what is made of them."""

from pathlib import Path

import numpy as np

from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver
from harness.compare.compare import Report
from harness.records.project import Project
from harness.records.record import Record, Trajectory, VariantRecord
from harness.report import facts as reporting


class Unaccepted(Project):
    """The checkout without its accepted records."""

    @property
    def baselines(self):
        """A folder with nothing in it."""
        return self.root / "results" / "nothing"


ACCEPTED = Project(Path(__file__).resolve().parents[2])
PROJECT = Unaccepted(ACCEPTED.root)
CASE, VARIANT, STEPS = "xor", "bce_sigmoid-sgd_0.1", 20
LOSS = [float(np.float32(0.7 * 0.9 ** step)) for step in range(STEPS)]
ENVELOPE = [1e-7 * (step + 1) for step in range(STEPS)]
WAIVER = Waiver("torch-*", "reference", CASE, "*", "*", 1.0, "known since <1.12>",
                "issue 7", "2026-01-01")


def record(environment, loss=LOSS, variant=VARIANT, accepted=None, **provenance):
    """Return a record of one variant in both precisions."""
    float32 = Trajectory(list(loss))
    if environment == "reference":
        float32.envelope = {"loss": ENVELOPE}
    trajectories = {"float64": Trajectory(list(loss)), "float32": float32}
    return Record(CASE, environment, {"data_sha256": "0", "recorded": "2026-01-01T00:00:00Z",
                                      **provenance},
                  {variant: VariantRecord("0", trajectories)}, accepted)


def comparison(verdict, observed="torch-2.13.0", against="reference", waiver=None, **finding):
    """Return a comparison with one finding."""
    found = Finding(finding.pop("check", "float32_trajectory"), verdict,
                    finding.pop("sentence", "in words"), waiver=waiver, **finding)
    return Comparison(CASE, VARIANT, observed, against, "reference", [found])


def report_of(*comparisons, observed=None, **fields):
    """Return a report with a reference and one observed record."""
    accepted = {"reason": "first", "at": "2026-01-01T00:00:00Z"}
    records = observed or [record("torch-2.13.0")]
    return Report(list(comparisons) or [comparison(Verdict.IDENTICAL)],
                  {(CASE, r.environment): r for r in records},
                  {(CASE, "reference"): record("reference", accepted=accepted)}, **fields)


def collect(report):
    """Return the report's facts."""
    return reporting.collect(report, PROJECT, "2026-01-01T00:00:00Z")
