"""The curves of one variant: who shares which, how much they may deviate.

Outside half. Curves are kept by content, so environments that agree to the bit
become one line, and a chart is a list of references to curves.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness import environments
from harness.case import PRECISIONS, Case
from harness.compare import REFERENCE, Report
from harness.errors import HarnessError
from harness.finding import Comparison
from harness.pair import Pair, envelopes
from harness.record import Record, Trajectory, VariantRecord

Member = tuple[str, str, Trajectory]
"""Role (``reference``, ``baseline``, ``observed``), environment, trajectory."""


@dataclass
class Curves:
    """Curves by content, as JSON: a value that is not finite is None, a gap."""

    values: dict[str, list[float | None]] = field(default_factory=dict)

    def add(self, curve: Sequence[float], precision: str) -> str:
        """Keep a curve and return its name, the same for the same bits.

        Values are the shortest decimals that read back to the same bits.
        """
        values = np.asarray(curve, precision)
        name = hashlib.sha256(precision.encode() + values.tobytes()).hexdigest()[:12]
        if name not in self.values:
            self.values[name] = [float(str(value)) if math.isfinite(value) else None
                                 for value in values]
        return name


def collect(report: Report, case: Case, name: str, comparisons: list[Comparison],
            curves: Curves) -> dict[str, Any]:
    """Return one chart for every precision in which the variant was measured.

    Args:
        name: the variant's.
        comparisons: of this variant, for the steps at which differences begin.
        curves: takes in what the charts refer to.
    """
    charts = {}
    for precision in PRECISIONS:
        members = list(_members(report, case.name, name, precision))
        if members:
            charts[precision] = {
                "lines": _lines(members, precision, curves),
                "allowance": _allowance(report, case, name, precision, curves),
                "marks": _marks(comparisons, precision),
            }
    return charts


def _members(report: Report, case: str, variant: str, precision: str) -> Iterator[Member]:
    """Yield everyone measured: the reference first, then baselines, then observed."""
    for role, records in (("baseline", report.baselines), ("observed", report.observed)):
        for environment, record in _sorted(records, case):
            recorded = record.variants.get(variant)
            if recorded is None or precision not in recorded.trajectories:
                continue
            is_reference = role == "baseline" and environment == REFERENCE
            yield (REFERENCE if is_reference else role, environment,
                   recorded.trajectories[precision])


def _sorted(records: dict[tuple[str, str], Record], case: str) -> list[tuple[str, Record]]:
    found = [(environment, record) for (name, environment), record in records.items()
             if name == case]
    return sorted(found, key=lambda item: environments.sort_key(item[0]))


def _lines(members: list[Member], precision: str, curves: Curves) -> list[dict[str, Any]]:
    """Return one line for every distinct curve, with all who share it.

    A baseline that its own environment still reproduces is not listed again.
    """
    lines: dict[str, dict[str, Any]] = {}
    for role, environment, trajectory in members:
        curve = curves.add(trajectory.loss, precision)
        line = lines.setdefault(curve, {"curve": curve, "members": [], "nonfinite_step": None})
        line["members"] = [m for m in line["members"]
                           if m["environment"] != environment or m["role"] == REFERENCE]
        if not any(m["environment"] == environment for m in line["members"]):
            line["members"].append({"environment": environment, "role": role})
        line["nonfinite_step"] = _nonfinite_step(trajectory)
    return list(lines.values())


def _nonfinite_step(trajectory: Trajectory) -> int | None:
    broken = np.flatnonzero(~np.isfinite(trajectory.loss))
    return int(broken[0]) if broken.size else None


def _allowance(report: Report, case: Case, name: str, precision: str,
               curves: Curves) -> str | None:
    """Return the curve of allowed relative deviation from the reference, if there is one."""
    variant = next((v for v in case.variants if v.name == name), None)
    recorded = _reference(report, case.name, name)
    if variant is None or recorded is None or precision not in recorded.trajectories:
        return None
    pair = Pair(case, variant, recorded, recorded, envelopes(recorded))
    try:
        return curves.add(pair.allowance(precision, "loss").tolist(), "float64")
    except HarnessError:
        return None


def _reference(report: Report, case: str, name: str) -> VariantRecord | None:
    record = report.baselines.get((case, REFERENCE))
    return record.variants.get(name) if record else None


def _marks(comparisons: list[Comparison], precision: str) -> list[dict[str, Any]]:
    """Return where trajectories first leave their allowance."""
    return [{"observed": c.observed, "against": c.against, "baseline": c.baseline,
             "step": f.step, "sentence": f.sentence, "waived": f.waiver is not None}
            for c in comparisons for f in c.findings
            if f.verdict.is_difference and f.step is not None
            and f.check == f"{precision}_trajectory"]
