"""The curves of one variant: who shares which, how much they may deviate.

Outside half. Environments that agree to the bit are one line, and every other line is a
difference from the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.compare.checks.finding import Comparison
from harness.compare.checks.pair import Pair, envelopes
from harness.compare.checks.probes import judge, phase_of, with_margins
from harness.compare.compare import Report
from harness.environments import names
from harness.errors import HarnessError
from harness.records.environment import REFERENCE
from harness.records.record import CURVES, Probes, Record, Trajectory, VariantRecord
from harness.records.writing import encode_variant, key_of
from harness.report import arrays
from harness.report.arrays import Array, encode, rounded
from harness.vocabulary.case import PRECISIONS, Case
from harness.words import number

Records = Mapping[tuple[str, str], Record]
"""By case and environment."""
Member = tuple[str, str, Record]
"""Role, environment, record."""
Content = tuple[VariantRecord, list[tuple[str, str]]]
"""A variant as it was recorded, and environment and role of everyone whose record is the same."""


@dataclass
class Line:
    """One distinct training, and who trained so.

    Args:
        members: role (``reference``, ``baseline``, ``observed``) by environment.
    """

    trajectory: Trajectory
    probes: Probes | None
    members: dict[str, str] = field(default_factory=dict)


@dataclass
class Strips:
    """Distinct probes of one variant, as facts."""

    facts: list[dict[str, Any]] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    places: dict[tuple[int, str], tuple[Probes, int]] = field(default_factory=dict)
    judged: dict[tuple[int, int | None], dict[str, Any]] = field(default_factory=dict)

    def add(self, probes: Probes, precision: str) -> int:
        """Keep probes and return their index."""
        place = id(probes), precision
        if place not in self.places:  # spelling them out takes long; kept, so that ids stay theirs
            key = _key(None, probes, precision)
            if key not in self.known:
                self.known[key] = len(self.facts)
                self.facts.append({
                    "precision": precision, "tensors": probes.tensors,
                    "phases": [phase_of(tensor) for tensor in probes.tensors],
                    "errors": _short(probes.errors), "allowances": _short(with_margins(probes))})
            self.places[place] = probes, self.known[key]
        return self.places[place][1]

    def judge(self, observed: Probes, baseline: Probes | None, precision: str) -> None:
        """Judge one side's probes beside the other's, each pair once."""
        pair = (self.add(observed, precision),
                None if baseline is None else self.add(baseline, precision))
        if pair not in self.judged:
            self.judged[pair] = {"observed": pair[0], "baseline": pair[1], "checkpoints": {
                name: {"states": states, "first": first}
                for name, (states, first) in judge(observed, baseline, precision).items()}}


def judge_all(report: Report, beside: Records, comparisons: list[Comparison],
              strips: Strips) -> None:
    """Judge the probes of every comparison of a variant, of whichever record tells.

    Args:
        beside: stored records that are drawn as well.
    """
    stored = {**beside, **report.baselines}
    for c in comparisons:
        mine = [report.observed.get((c.case, c.observed)), stored.get((c.case, c.observed))]
        theirs = [stored.get((c.case, c.baseline)), report.observed.get((c.case, c.baseline))]
        for precision in PRECISIONS:
            sides = [[found for record in records if record and c.variant in record.variants
                      and (found := record.variants[c.variant].probes.get(precision))]
                     for records in (mine, theirs)]
            for observed in sides[0]:
                for baseline in (*sides[1], *([] if sides[1] else [None])):
                    strips.judge(observed, baseline, precision)


def collect(report: Report, newest: Records, case: Case, name: str,
            strips: Strips) -> dict[str, Any]:
    """Return one chart for every precision in which the variant was measured.

    Args:
        newest: what is drawn beside what was compared.
        name: the variant's.
        strips: takes in the probes that the lines refer to.
    """
    stored = {**newest, **report.baselines}
    contents = _contents(_members(stored, report.observed, case.name), name)
    charts = {}
    for precision in PRECISIONS:
        lines = _lines(contents, precision)
        if lines:
            pair = _reference_pair(stored, case, name, precision)
            charts[precision] = {
                "lines": _curves(lines, precision, strips),
                "allowance": _allowance(pair, precision),
                "chaotic_from": pair.chaotic_from(precision) if pair else None,
            }
    return charts


def lift(charts: dict[str, Any], block: bytearray) -> dict[str, Any]:
    """Return charts whose arrays have their numbers in a block."""
    def lifted(found: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
        return found | {name: arrays.lift(found[name], block) for name in names if found[name]}
    return {precision: lifted(chart, ["allowance"]) | {
        "lines": [lifted(line, CURVES) for line in chart["lines"]]}
        for precision, chart in charts.items()}


def _contents(members: Iterable[Member], variant: str) -> list[Content]:
    """Return what was measured of a variant, each distinct record once, and by whom."""
    contents: dict[str | int, Content] = {}
    for role, environment, record in members:
        if variant in record.variants:
            key = record.key(variant) or id(record)
            if key not in contents:
                contents[key] = record.variants[variant], []
            contents[key][1].append((environment, role))
    return list(contents.values())


def _lines(contents: list[Content], precision: str) -> list[Line]:
    """Return one line for every distinct training: the reference, baselines, observed.

    A baseline that its own environment still reproduces is not listed again.
    """
    lines: dict[str, Line] = {}
    for recorded, members in contents:
        if precision not in recorded.trajectories:
            continue
        trajectory, probes = recorded.trajectories[precision], recorded.probes.get(precision)
        line = lines.setdefault(_key(trajectory, probes, precision), Line(trajectory, probes))
        for environment, role in members:
            if line.members.get(environment) != REFERENCE:
                line.members.pop(environment, None)
                line.members[environment] = role
    return list(lines.values())


def _members(stored: Records, observed: Records, case: str) -> Iterator[Member]:
    """Yield everyone measured, with the role: the reference first, baselines, observed."""
    for role, records in (("baseline", stored), ("observed", observed)):
        mine = [(environment, record) for (name, environment), record in records.items()
                if name == case]
        for environment, record in sorted(mine, key=lambda item: names.sort_key(item[0])):
            is_reference = role == "baseline" and environment == REFERENCE
            yield REFERENCE if is_reference else role, environment, record


def _key(trajectory: Trajectory | None, probes: Probes | None, precision: str) -> str:
    """Return the key of curves and probes in one precision."""
    curves = {name: getattr(trajectory, name) for name in CURVES} if trajectory else None
    part = VariantRecord("", {precision: Trajectory(**curves)} if curves else {},
                         {precision: probes} if probes else {})
    return key_of(encode_variant(part))


def _curves(lines: list[Line], precision: str, strips: Strips) -> list[dict[str, Any]]:
    """Return the lines, every curve as its difference from the nearest one before it."""
    before: dict[str, dict[int, np.ndarray]] = {name: {} for name in CURVES}
    return [_line(line, place, before, precision, strips) for place, line in enumerate(lines)]


def _line(line: Line, place: int, before: dict[str, dict[int, np.ndarray]], precision: str,
          strips: Strips) -> dict[str, Any]:
    trajectory = line.trajectory
    broken = np.flatnonzero(~np.isfinite(np.asarray(trajectory.loss, np.float64)))
    found: dict[str, Array | None] = {}
    for name, others in before.items():
        curve = getattr(trajectory, name)
        found[name] = None if curve is None else encode(np.asarray(curve, precision), others)
        if curve is not None:
            others[place] = np.asarray(curve, precision)
    return {
        "members": [{"environment": environment, "role": role}
                    for environment, role in line.members.items()],
        "nonfinite_step": int(broken[0]) if broken.size else None, **found,
        "metrics": {name: [number(value) for value in values]
                    for name, values in trajectory.metrics.items()},
        "probes": None if line.probes is None else strips.add(line.probes, precision),
    }


def _reference_pair(stored: Records, case: Case, name: str, precision: str) -> Pair | None:
    """Return the reference with itself, which knows what may deviate from it."""
    variant = next((v for v in case.variants if v.name == name), None)
    record = stored.get((case.name, REFERENCE))
    recorded: VariantRecord | None = record.variants.get(name) if record else None
    if variant is None or recorded is None or precision not in recorded.trajectories:
        return None
    return Pair(case, variant, recorded, recorded, envelopes(recorded))


def _allowance(pair: Pair | None, precision: str) -> Array | None:
    """Return the allowed relative deviation from the reference by step, if there is one."""
    if pair is None:
        return None
    try:
        return rounded(pair.allowance(precision, "loss"))
    except HarnessError:
        return None


def _short(values: dict[str, list[float]]) -> dict[str, list[Any]]:
    """Return numbers with three digits, which is what a probe's are good for."""
    return {name: [number(float(f"{value:.3g}")) for value in row] for name, row in values.items()}
