"""Causes: what differs, one entry for all that has one cause, for whoever is on call.

Outside half. The entry says where it begins, how large it is, whether it comes right, whether it
does harm, what a second measurement said of it, what else differs between the two sides, and what
to type next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict

import numpy as np

from harness.compare.checks import finding as findings
from harness.compare.checks.finding import Comparison, Finding
from harness.compare.checks.harm import Harm, weigh
from harness.compare.checks.probes import phase_of
from harness.compare.compare import Report
from harness.compare.timeline import Change, Line, Timeline
from harness.records.record import Record, VariantRecord
from harness.report import changes
from harness.report.changes import Cause
from harness.vocabulary.checkpoint import parse
from harness.words import number

Keep = Callable[[Finding], int]
"""Makes of a finding its index in the document's list."""
SIDES = {"baseline": "its own baseline", "previous": "the previous version {}",
         "next": "the next version {}", "reference": "the reference", "named": "{}"}
"""What a kind of comparison is with, in words; braces stand for the baseline's name."""
HARMS = (Harm.HARMFUL, Harm.POSSIBLE, Harm.UNLIKELY, Harm.BETTER)
"""The worst first."""
NORMS = {"loss": "loss", "gradient": "gradient_norm", "update": "update_norm"}
"""By phase, the curve that tells its size as a whole."""
ALIKE = 0.01
"""Relative difference of two lengths that are one."""
PACKAGES = 12
"""Packages that are told of; the detail shows all."""


class Second(TypedDict):
    """What a second measurement, beside a control, said of an alarm."""

    outcome: str
    why: str
    control: str | None


def collect(report: Report, keep: Keep, seconds: Mapping[str, Second],
            way: Timeline | None = None) -> list[dict[str, Any]]:
    """Return the causes, the most harmful first; between two versions, what came on the way.

    Args:
        keep: takes in the finding that an entry shows.
        seconds: by environment.
        way: the versions between two that were compared with each other.
    """
    found = [_of(cause, report, keep, seconds) for cause in changes.causes(report)] \
        if way is None else [_step(group, keep) for group in _steps(way)]
    return sorted(found, key=lambda one: one.pop("order"))


def side(comparison: Comparison) -> str:
    """Return what a comparison is with, in words."""
    return SIDES[comparison.against].format(comparison.baseline)


def factor(cause: Cause, report: Report) -> tuple[str, float] | None:
    """Return the phase and the factor by which all of it is off, if it is one number.

    At step 0 the weights are the same: there a whole that is ``k`` times as long as the right one,
    and ``|k - 1|`` of its length away from it, is ``k`` times it, since only then a triangle's
    sides add up. At every other checkpoint of training it must be as far away.
    """
    for c in (c for change in cause.changes for c in change.comparisons):
        found = _factor(_variant(report.observed, c.case, c.observed, c.variant),
                        _variant(report.baselines, c.case, c.baseline, c.variant),
                        cause.shown.phase)
        if found is not None:
            return cause.shown.phase, found
    return None


def _factor(observed: VariantRecord | None, baseline: VariantRecord | None,
            phase: str) -> float | None:
    if observed is None or baseline is None or phase not in NORMS:
        return None
    for precision, trajectory in observed.trajectories.items():
        other, probes = baseline.trajectories.get(precision), observed.probes.get(precision)
        norms = [getattr(side, NORMS[phase], None) for side in (trajectory, other)]
        if probes is None or not norms[0] or not norms[1] or not norms[1][0]:
            continue
        mine = [phase_of(tensor) == phase for tensor in probes.tensors]
        away = np.array([np.linalg.norm(np.asarray(row)[mine]) for name, row
                         in probes.errors.items() if not parse(name).is_stress])
        ratio = float(norms[0][0]) / float(norms[1][0])
        if away.size and np.isfinite(ratio) and ratio != 1 and np.all(
                np.abs(away - abs(ratio - 1)) <= ALIKE * abs(ratio - 1)):
            return ratio
    return None


def _variant(records: Mapping[tuple[str, str], Record], case: str, environment: str,
             variant: str) -> VariantRecord | None:
    record = records.get((case, environment))
    return record.variants.get(variant) if record else None


def _of(cause: Cause, report: Report, keep: Keep,
        seconds: Mapping[str, Second]) -> dict[str, Any]:
    first, shown = cause.changes[0].first, cause.shown
    scaled = factor(cause, report)
    return {
        **_told(cause.findings, first.observed, side(cause.sides[0]), keep),
        "environment": first.observed, "phase": shown.phase, "since": None,
        "against": [{"against": c.against, "baseline": c.baseline} for c in cause.sides],
        "cases": [{"case": change.first.case, "variants": change.variants,
                   "where": change.where, "finding": keep(change.finding)}
                  for change in cause.changes],
        "factor": None if scaled is None else number(scaled[1]),
        "second": seconds.get(first.observed), "reasons": shown.reasons,
        "packages": _packages(report, cause.sides[0]),
        "faults": [{"name": fault.name, "summary": fault.summary, "source": fault.source}
                   for fault in dict.fromkeys(f for c in cause.changes for f in c.faults)],
        "commands": _commands(cause, seconds.get(first.observed)),
        "waivers": [] if cause.changes[0].is_own else
        [change.waiver for change in cause.changes if change.waiver],
    }


def _commands(cause: Cause, second: Second | None) -> list[str]:
    """Return what to type; the machine is looked into before anything is accepted on it."""
    if second and second["outcome"] == "host" and second["control"]:
        return [f"tox run -e {second['control']} -- {change.first.case} --again"
                for change in cause.changes]
    return list(dict.fromkeys(text for change in (cause.shown, *cause.changes)
                              for text in change.commands))


def _told(found: list[Finding], observed: str, baseline: str, keep: Keep) -> dict[str, Any]:
    """Return what findings say together: the worst of them, its size, and the harm."""
    worst, telling = findings.worst(found), findings.cause(found)
    assert worst is not None
    degree, why = weigh(found, observed, baseline)
    verdict = max(f.verdict for f in found)
    right = telling is not None and telling.comes_right
    return {
        "verdict": verdict.word, "comes_right": right, "finding": keep(worst),
        "cause": None if telling is None else keep(telling),
        "excess": number(worst.excess) if worst.excess else None,
        "harm": {"degree": degree.name.lower(), "sentence": degree.sentence, "why": why},
        "order": (HARMS.index(degree), right, -verdict, -worst.excess),
    }


def _packages(report: Report, c: Comparison) -> list[list[str | None]]:
    """Return what is installed in another version than on the other side."""
    mine, theirs = (_installed(records.get((c.case, name))) for records, name in (
        (report.observed, c.observed), (report.baselines, c.baseline)))
    if not mine or not theirs or c.against == "reference":
        return []
    return [[name, theirs.get(name), mine.get(name)] for name in sorted({*mine, *theirs})
            if mine.get(name) != theirs.get(name)][:PACKAGES]


def _installed(record: Record | None) -> dict[str, str]:
    packages = record.provenance.get("packages") if record else None
    return {str(name): str(version) for name, version in packages.items()} \
        if isinstance(packages, dict) else {}


def _steps(way: Timeline) -> Iterable[list[tuple[Line, Change]]]:
    """Return the changes on the way, those together that came at once, in one case and phase."""
    groups: dict[tuple[object, ...], list[tuple[Line, Change]]] = {}
    for line in way.lines:
        for change in line.changes:
            telling = findings.cause(change.findings)
            reasons = tuple(dict.fromkeys(f.waiver and f.waiver.reason for f in change.findings))
            key = (change.comparison.observed, telling and telling.phase, reasons)
            groups.setdefault(key, []).append((line, change))
    return groups.values()


def _step(group: list[tuple[Line, Change]], keep: Keep) -> dict[str, Any]:
    found = [f for _, change in group for f in change.findings]
    c, telling = group[0][1].comparison, findings.cause(found)
    cases: dict[str, dict[str, list[Any]]] = {}
    for line, change in group:
        entry = cases.setdefault(line.case, {"variants": [], "findings": []})
        entry["variants"] += [line.variant] if line.variant not in entry["variants"] else []
        entry["findings"] += change.findings
    waivers = [f.waiver for f in found]
    return {
        **_told(found, c.observed, c.baseline, keep),
        "environment": c.observed, "phase": (telling and telling.phase) or "",
        "since": c.observed, "against": [{"against": "previous", "baseline": c.baseline}],
        "cases": [{"case": case, "variants": entry["variants"],
                   "where": (shown := findings.worst(entry["findings"]) or found[0]).where,
                   "finding": keep(shown)} for case, entry in cases.items()],
        "factor": None, "second": None, "packages": [], "faults": [],
        "reasons": [] if None in waivers else list(dict.fromkeys(
            f"{w.reason} ({w.upstream})" for w in waivers if w is not None)),
        "commands": [f"harness upgrade {c.baseline} {c.observed}"], "waivers": [],
    }
