"""Waivers: reading results/waivers.toml and covering findings with it.

Outside half.
"""

from __future__ import annotations

import dataclasses
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

from harness.errors import HarnessError
from harness.finding import Comparison, Finding, Waiver


def load(path: Path) -> list[Waiver]:
    """Return the waivers in a file; none if there is no file.

    Raises:
        HarnessError: the file is not TOML, or a waiver lacks a field, has an unknown
            one, or gives no reason.
    """
    if not path.exists():
        return []
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("waiver", [])
    except tomllib.TOMLDecodeError as error:
        raise HarnessError(f"waivers do not parse: {error}", str(path)) from None
    return [_waiver(entry, f"{path} waiver {number}") for number, entry in enumerate(entries, 1)]


def _waiver(entry: dict[str, object], where: str) -> Waiver:
    fields = {field.name for field in dataclasses.fields(Waiver)}
    wrong = sorted(fields.symmetric_difference(entry))
    if wrong:
        raise HarnessError("a waiver must have exactly the fields of the others", where,
                           f"missing or unknown: {', '.join(wrong)}")
    values = {name: str(value) for name, value in entry.items()}
    if not values["reason"].strip():
        raise HarnessError("a waiver must give its reason", where)
    try:
        at_most = float(values.pop("at_most"))
    except ValueError:
        raise HarnessError("at_most must be a number", where) from None
    return Waiver(at_most=at_most, **values)


def cover(comparison: Comparison, waivers: list[Waiver]) -> None:
    """Give every difference of a comparison the first waiver that matches it."""
    comparison.findings = [
        dataclasses.replace(finding, waiver=next(
            (w for w in waivers if _matches(w, comparison, finding)), None))
        if finding.verdict.is_difference else finding
        for finding in comparison.findings]


def _matches(waiver: Waiver, comparison: Comparison, finding: Finding) -> bool:
    return (_any(waiver.environment, comparison.observed)
            and (_any(waiver.against, comparison.against)
                 or _any(waiver.against, comparison.baseline))
            and _any(waiver.case, comparison.case)
            and _any(waiver.variant, comparison.variant)
            and _any(waiver.check, finding.check)
            and (finding.deviation is None or finding.deviation <= waiver.at_most))


def _any(patterns: str, name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())
