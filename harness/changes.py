"""What changed: differences that no waiver covers, one entry for all variants of a place.

Outside half. The summary lists them, the report begins with them.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.compare import Report
from harness.environments import is_build
from harness.faults import CATALOGUE, Fault
from harness.finding import Comparison, Finding


@dataclass(frozen=True)
class Change:
    """Variants of a case that differ in the same place, from all sides that show it.

    Args:
        comparisons: one for each side and variant.
        finding: the one of them with the largest deviation.
        phase: in which it begins; empty if unknown.
    """

    comparisons: tuple[Comparison, ...]
    finding: Finding
    phase: str

    @property
    def first(self) -> Comparison:
        """One of the comparisons; environment, case and verdict are all the same."""
        return self.comparisons[0]

    @property
    def sides(self) -> list[Comparison]:
        """One comparison for each side: own baseline, previous version, reference."""
        return list({c.side: c for c in reversed(self.comparisons)}.values())[::-1]

    @property
    def variants(self) -> list[str]:
        """The variants that differ."""
        return list(dict.fromkeys(c.variant for c in self.comparisons))

    @property
    def where(self) -> str:
        """The probe's checkpoint, or the first step that differs."""
        return where(self.finding)

    @property
    def faults(self) -> list[Fault]:
        """The historical bugs with this signature.

        Such a fault begins in the same phase of the same case, and every variant that it
        was shown in is among those that differ.
        """
        return [fault for fault in CATALOGUE
                if (fault.case, fault.phase) == (self.first.case, self.phase)
                and all(any(fnmatchcase(name, pattern) for name in self.variants)
                        for pattern in fault.variants)]

    @property
    def commands(self) -> list[str]:
        """What to type to see it, and to accept it."""
        c, name = self.first, shlex.quote(self.first.observed)
        against = c.baseline if c.against == "named" else c.against
        side = f" --against {shlex.quote(against)}" if len(self.sides) == 1 else ""
        return [f"harness compare {name}{side} --case {c.case}",
                *([] if is_build(c.observed) else
                  [f'harness accept {name} {c.case} --reason "..."'])]


def collect(report: Report) -> list[Change]:
    """Return what changed, in the order of the comparisons."""
    groups: dict[tuple[str, ...], list[Comparison]] = {}
    for c in report.comparisons:
        if c.open_findings:
            key = c.side, c.observed, c.case, c.verdict.word, where(_shown(c)), _phase(c)
            groups.setdefault(key, []).append(c)
    merged: dict[tuple[str, ...], list[Comparison]] = {}
    for (_, *place), group in groups.items():
        merged.setdefault((*place, *(c.variant for c in group)), []).extend(group)
    return [Change(tuple(group), max(map(_shown, group), key=lambda f: f.deviation or 0.0),
                   _phase(group[0])) for group in merged.values()]


def where(finding: Finding) -> str:
    """Return the probe's checkpoint, or the first step that differs."""
    if finding.checkpoint:
        return f"probe {finding.checkpoint}"
    return "" if finding.step is None else f"step {finding.step}"


def _phase(comparison: Comparison) -> str:
    return comparison.cause.phase or "" if comparison.cause else ""


def _shown(comparison: Comparison) -> Finding:
    """Return the open difference with a size, if any has one, that comes first."""
    return min(comparison.open_findings, key=lambda f: (
        f.deviation is None, -f.verdict, f.step if f.step is not None else 1 << 62))
