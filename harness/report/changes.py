"""What changed: the differences of a report, one entry for all that has one cause.

Outside half. The terminal and the summary list them, the report begins with them.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Container, Iterable
from dataclasses import dataclass

from harness.compare.checks import finding as findings
from harness.compare.checks.finding import Comparison, Finding, Verdict
from harness.compare.compare import Report
from harness.environments.names import is_build
from harness.vocabulary.faults import CATALOGUE, Fault
from harness.words import is_asked

APART = ("fingerprint", "reported_metrics")
"""Checks of what no training step depends on: each phase that they name is a cause of its own."""
WAIVERS = "results/waivers.toml"


@dataclass(frozen=True)
class Change:
    """Variants of a case that differ for one cause, from all sides that show it.

    Args:
        comparisons: one for each side and variant.
        findings: what has this cause in them.
        phase: in which it begins; empty if unknown.
    """

    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    phase: str

    @property
    def first(self) -> Comparison:
        """One of the comparisons; environment and case are the same in all."""
        return self.comparisons[0]

    @property
    def finding(self) -> Finding:
        """The finding to show."""
        found = findings.worst(self.findings)
        assert found is not None
        return found

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of any finding."""
        return max(f.verdict for f in self.findings)

    @property
    def sides(self) -> list[Comparison]:
        """One comparison for each side: own baseline, previous version, reference."""
        return list({c.side: c for c in reversed(self.comparisons)}.values())[::-1]

    @property
    def is_own(self) -> bool:
        """Whether the environment's own baseline shows it: what accepting can settle."""
        return any(c.against == "baseline" for c in self.comparisons)

    @property
    def variants(self) -> list[str]:
        """The variants that differ."""
        return list(dict.fromkeys(c.variant for c in self.comparisons))

    @property
    def where(self) -> str:
        """The probe's checkpoint, or the first step that differs."""
        return self.finding.where

    @property
    def reasons(self) -> list[str]:
        """Why it differs, if waivers cover all of it; otherwise nothing."""
        waivers = [f.waiver for f in self.findings]
        return [] if None in waivers else list(dict.fromkeys(
            f"{w.reason} ({w.upstream})" for w in waivers if w is not None))

    @property
    def faults(self) -> list[Fault]:
        """The historical bugs with this signature.

        Such a fault begins in the same phase of the same case, and every variant that it
        was shown in is among those that differ.
        """
        return [fault for fault in CATALOGUE
                if (fault.case, fault.phase) == (self.first.case, self.phase)
                and all(any(is_asked(name, [pattern]) for name in self.variants)
                        for pattern in fault.variants)]

    @property
    def commands(self) -> list[str]:
        """What to type to see it, and to accept it where that settles it."""
        c, name = self.first, shlex.quote(self.first.observed)
        against = c.baseline if c.against in ("named", "next") else c.against
        side = f" --against {shlex.quote(against)}" if len(self.sides) == 1 else ""
        accept = f'harness accept {name} {c.case} --reason "..."'
        return [f"harness compare {name}{side} --case {c.case}",
                *([accept] if self.is_own and not is_build(c.observed) else [])]

    @property
    def waiver(self) -> str:
        """The entry that settles what accepting cannot; empty where none does."""
        kinds = list(dict.fromkeys("previous" if c.against == "next" else c.against
                                   for c in self.comparisons
                                   if c.against not in ("baseline", "named")))
        if not kinds or self.reasons:
            return ""
        found = [f for f in self.findings if f.waiver is None]
        size = max((f.deviation for f in found if f.deviation is not None), default=0.0)
        fields = {"environment": self.first.observed, "against": " ".join(kinds),
                  "case": self.first.case, "variant": " ".join(self.variants),
                  "check": " ".join(dict.fromkeys(f.check for f in found))}
        words = [f'{name} = "{value}"' for name, value in fields.items()]
        return f"{', '.join(words)}, at_most = {_above(size)}; reason, upstream, date"


def collect(report: Report) -> list[Change]:
    """Return what changed, in the order of the comparisons.

    That is what no waiver covers; where two versions were compared with each other, it is
    what differs, explained or not.
    """
    found: dict[tuple[str, str, str, str], list[tuple[Comparison, list[Finding]]]] = {}
    for c in report.comparisons:
        differing = c.differences if report.versions else c.open_findings
        for phase, group in _causes(differing).items():
            found.setdefault((c.observed, c.case, c.variant, phase), []).append((c, group))
    groups: dict[tuple[object, ...], list[tuple[Comparison, list[Finding]]]] = {}
    for (observed, case, _, phase), parts in found.items():
        is_own = any(c.against == "baseline" for c, _ in parts)
        reasons = report.versions and all(f.waiver for _, group in parts for f in group)
        groups.setdefault((observed, case, phase, is_own, reasons), []).extend(parts)
    return [Change(tuple(c for c, _ in parts), tuple(f for _, group in parts for f in group),
                   str(key[2])) for key, parts in groups.items()]


@dataclass(frozen=True)
class Cause:
    """What differs in one environment for one cause, in any case.

    Args:
        changes: one for each case.
    """

    changes: tuple[Change, ...]

    @property
    def findings(self) -> list[Finding]:
        """All that has this cause."""
        return [f for change in self.changes for f in change.findings]

    @property
    def shown(self) -> Change:
        """The change that stands for all."""
        finding = findings.worst(self.findings)
        return next(change for change in self.changes if finding in change.findings)

    @property
    def comes_right(self) -> bool:
        """Whether what tells the phase is an error that is gone."""
        found = findings.cause(self.findings)
        return found is not None and found.comes_right

    @property
    def sides(self) -> list[Comparison]:
        """One comparison for each side that shows it."""
        return list({c.side: c for change in self.changes for c in change.sides}.values())


def causes(report: Report, only: Container[str] | None = None) -> list[Cause]:
    """Return what is open, or what differs between two versions, by its cause, the worst first.

    Args:
        only: environments to look at; None for all.
    """
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in collect(report):
        if only is not None and change.first.observed not in only:
            continue
        key = change.first.observed, change.phase, change.is_own, bool(change.reasons)
        groups.setdefault(key, []).append(change)
    return sorted((Cause(tuple(group)) for group in groups.values()),
                  key=lambda cause: -max(change.verdict for change in cause.changes))


def _causes(found: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Return the differences of one comparison by the phase that they begin in.

    What training shows has one cause; fingerprints and reports have their own.
    """
    groups: dict[str, list[Finding]] = {}
    training = []
    for f in found:
        if f.check in APART:
            groups.setdefault(f.phase or "", []).append(f)
        else:
            training.append(f)
    if training:
        cause = findings.cause(training)
        phase = cause.phase if cause and cause.phase else ""
        groups[phase] = training + groups.get(phase, [])
    return groups


def _above(size: float) -> str:
    """Return the size in two digits, rounded up, as TOML writes a number."""
    if size == 0 or not math.isfinite(size):
        return "inf" if size else "0"
    exponent = math.floor(math.log10(size)) - 1
    return f"{math.ceil(size / 10.0**exponent) * 10.0**exponent:.1e}"
