"""Waivers: reading results/waivers.toml and covering findings with it.

Outside half.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path

from packaging.version import InvalidVersion, Version

from harness.compare.checks.finding import Comparison, Finding, Waiver
from harness.environments import names
from harness.errors import HarnessError
from harness.files import read_text
from harness.records.environment import parse
from harness.records.paths import Paths
from harness.words import few, is_asked

NEIGHBOURS = {"next": "previous"}
"""Kind of comparison -> the one whose waivers hold for it, too: the way between two versions."""


def known(paths: Paths) -> list[Waiver]:
    """Return the waivers of a checkout; see ``load``."""
    return load(paths.root / "results" / "waivers.toml")


def load(path: Path) -> list[Waiver]:
    """Return the waivers in a file; none if there is no file.

    Raises:
        HarnessError: the file is not TOML, or a waiver lacks a field, has an unknown
            one, or gives no reason.
    """
    if not path.exists():
        return []
    try:
        entries = tomllib.loads(read_text(path)).get("waiver", [])
    except (ValueError, RecursionError) as error:
        raise HarnessError(f"waivers do not parse: {error}", str(path)) from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise HarnessError("waivers must each begin with [[waiver]]", str(path))
    return [_waiver(entry, f"{path} waiver {number}") for number, entry in enumerate(entries, 1)]


def _waiver(entry: dict[str, object], where: str) -> Waiver:
    fields = {field.name for field in dataclasses.fields(Waiver)}
    optional = {field.name for field in dataclasses.fields(Waiver)
                if field.default is not dataclasses.MISSING}
    wrong = sorted(fields.symmetric_difference(entry) - (optional - entry.keys()))
    if wrong:
        raise HarnessError("a waiver must have exactly the fields of the others", where,
                           f"missing or unknown: {', '.join(wrong)}")
    odd = [name for name, value in entry.items()
           if isinstance(value, bool) or not isinstance(value, (str, int, float, date))]
    if odd:
        raise HarnessError("a waiver's fields must be text, and at_most a number", where,
                           ", ".join(odd))
    values = {name: str(value) for name, value in entry.items()}
    if not values["reason"].strip():
        raise HarnessError("a waiver must give its reason", where)
    try:
        at_most = float(values.pop("at_most"))
        if not at_most >= 0:
            raise ValueError
    except ValueError:
        raise HarnessError("at_most must be a number, 0 or larger", where,
                           repr(entry["at_most"])) from None
    if values.get("from_version"):
        try:
            Version(values["from_version"])
        except InvalidVersion:
            raise HarnessError("from_version must be a version", where,
                               values["from_version"]) from None
    return Waiver(at_most=at_most, **values)


def careless(waivers: Iterable[Waiver]) -> list[tuple[str, bool]]:
    """Return warnings, and whether each is usual: of waivers without a bound it is.

    A NaN has no bound but infinity; a waiver that covers anything at all is a mistake.
    """
    listed = list(waivers)
    warnings = [(f"a waiver covers everything everywhere: {_named(w)}: say in results/waivers.toml "
                 "what it is for", False) for w in listed if all(
                     map(_is_any, (w.environment, w.against, w.case, w.variant, w.check)))]
    unbounded = [_named(w) for w in listed if math.isinf(w.at_most)]
    if unbounded:
        warnings.append((f"a waiver has no bound (at_most = inf), so that it covers whatever it "
                         f"becomes: {few(unbounded, 1)}", True))
    return warnings


def _named(waiver: Waiver) -> str:
    """Return what a waiver is for, short enough for a warning."""
    reason = waiver.reason if len(waiver.reason) <= 60 else f"{waiver.reason[:60]}..."
    return f"{waiver.environment} against {waiver.against}, {waiver.case}, {waiver.variant} " \
           f"({reason})"


def _is_any(patterns: str) -> bool:
    """Return whether one of the patterns matches every name."""
    return any(set(pattern) == {"*"} for pattern in patterns.split())


def cover(comparison: Comparison, waivers: list[Waiver]) -> Comparison:
    """Return a comparison, every difference with the first waiver that matches it."""
    return dataclasses.replace(comparison, findings=tuple(
        dataclasses.replace(finding, waiver=next(
            (w for w in waivers if _matches(w, comparison, finding)), None))
        if finding.verdict.is_difference else finding
        for finding in comparison.findings))


def _matches(waiver: Waiver, comparison: Comparison, finding: Finding) -> bool:
    return (_concerns(waiver, comparison) and _any(waiver.check, finding.check)
            and (finding.deviation is None or finding.deviation <= waiver.at_most))


def _is_crossed(version: str, comparison: Comparison) -> bool:
    """Return whether one side is before a version of the observed framework, and one is not."""
    if not version:
        return True
    observed, baseline = (names.release(name)
                          for name in (comparison.observed, comparison.baseline))
    first = Version(version)
    is_from = observed is None or observed >= first
    is_kin = parse(comparison.observed).family == parse(comparison.baseline).family
    was_from = is_kin and (baseline is None or baseline >= first)
    return is_from != was_from


def unused(waivers: list[Waiver], comparisons: list[Comparison],
           known: Iterable[str]) -> list[Waiver]:
    """Return the waivers that match nothing any more, of those that these comparisons can judge.

    Args:
        known: all environments; a waiver is judged where each that it names was looked at, and
            against a side that it names.
    """
    used = {w for c in comparisons for w in c.waivers}
    observed = {c.observed for c in comparisons}
    known = list(known)
    return [w for w in waivers if w not in used
            and any(_concerns(w, comparison) for comparison in comparisons)
            and all(name in observed for name in known if _any(w.environment, name))]


def _concerns(waiver: Waiver, comparison: Comparison) -> bool:
    """Return whether a waiver is about a comparison, whatever came out of it."""
    return (_any(waiver.environment, comparison.observed)
            and (_any(waiver.against, NEIGHBOURS.get(comparison.against, comparison.against))
                 or _any(waiver.against, comparison.baseline))
            and _any(waiver.case, comparison.case)
            and _any(waiver.variant, comparison.variant)
            and _is_crossed(waiver.from_version, comparison))


@cache
def _any(patterns: str, name: str) -> bool:
    return is_asked(name, patterns.split())
