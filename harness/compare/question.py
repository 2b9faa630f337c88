"""What is asked of a comparison, and what it answers: the question and the report.

Outside half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.compare.checks.finding import Comparison, Waiver
from harness.errors import DIFFERENCE, FAILURE, MATCH
from harness.records.environment import REFERENCE
from harness.records.record import Record

KINDS = ("baseline", "previous", REFERENCE)
"""The three comparisons: has anything under the pin moved, what does the upgrade
change, is it right at all."""
ALL_KINDS = (*KINDS, "next", "named")
"""Those, the next version of a release without a baseline, and what was asked for by name."""


@dataclass
class Report:
    """Everything that was compared, and what was not.

    Args:
        observed: by (case, environment), the record that was looked at; of a user's program its
            provenance, without any variant.
        baselines: by (case, environment), the records it was compared with.
        notes: what was not measured or compared, and why.
        usual: those of the notes that hold whatever was measured.
        losses: by case, observed and baseline environment, what tells the losses of a user's
            program on both sides, with the envelope of the baseline's own runs.
        figures: by case, variant, environment and name, what a history keeps of users' programs.
        versions: baseline and observed, where two were compared with each other.
        unused: waivers that matched nothing; only known after a full comparison.
    """

    comparisons: list[Comparison] = field(default_factory=list)
    observed: dict[tuple[str, str], Record] = field(default_factory=dict)
    baselines: dict[tuple[str, str], Record] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    usual: set[str] = field(default_factory=set)
    losses: dict[tuple[str, str, str], Callable[[], dict[str, Any] | None]] = field(
        default_factory=dict)
    figures: dict[tuple[str, str, str, str], float] = field(default_factory=dict)
    versions: tuple[str, str] | None = None
    unused: list[Waiver] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 match, 1 a difference that is not waived, 3 something could not be compared."""
        if not any(not c.problem for c in self.comparisons):
            return FAILURE
        if any(c.problem for c in self.comparisons):
            return FAILURE
        return DIFFERENCE if any(c.open_findings for c in self.comparisons) else MATCH


@dataclass(frozen=True)
class Question:
    """What to compare.

    Args:
        environments: observed; empty for everything measured last and imported.
        against: ``baseline``, ``previous``, ``reference``, an environment, or all three.
        cases: names; empty for all.
        variants: shell patterns; empty for all.
        is_upgrade: from the environment ``against``, as from a previous version, and from
            stored records where there are any.
    """

    environments: tuple[str, ...] = ()
    against: str | None = None
    cases: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    is_upgrade: bool = False

    @property
    def versions(self) -> tuple[str, str] | None:
        """Baseline and observed, if two environments are to be compared with each other."""
        if self.against is None or self.against in KINDS or len(self.environments) != 1:
            return None
        return self.against, self.environments[0]

    @property
    def is_whole(self) -> bool:
        """Whether it leaves out no case, no variant and no side."""
        return not (self.against or self.cases or self.variants)
