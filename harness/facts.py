"""Findings and waivers as plain data, for every JSON that tells of them.

Outside half. Strict JSON: a number that is not finite becomes the string that
records use for it.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from harness.finding import Finding, Waiver


def waiver_facts(waiver: Waiver) -> dict[str, Any]:
    """Return a waiver's fields."""
    return {name: number(value) for name, value in dataclasses.asdict(waiver).items()}


def number(value: Any) -> Any:
    """Return the value, or the record format's word for a number that is not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def finding_facts(finding: Finding) -> dict[str, Any]:
    """Return a finding's fields."""
    fields = {field.name: number(getattr(finding, field.name))
              for field in dataclasses.fields(finding)}
    fields["verdict"] = finding.verdict.word
    fields["waiver"] = None if finding.waiver is None else waiver_facts(finding.waiver)
    return fields
