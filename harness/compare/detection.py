"""Detection: which faults the harness sees, by which check, at which step, in which phase.

Outside half. What was trained under a fault is compared with the environment's own
baseline, as a nightly run would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.compare.checks import finding as findings
from harness.compare.checks.finding import Comparison
from harness.compare.compare import Question, compare
from harness.errors import HarnessError, UsageError
from harness.records.environment import require
from harness.records.paths import FAULTS
from harness.records.project import Project
from harness.store.store import Store
from harness.vocabulary.faults import CATALOGUE, INEXPRESSIBLE, Fault

RIGHT_PHASES = 0.95
"""Share of the faults seen whose phase must be named right."""


@dataclass(frozen=True)
class Detection:
    """What became of one fault in one environment.

    Args:
        seen: whether any comparison with the baseline shows a difference.
        check, step, phase: of the finding that tells the phase.
        problem: why it could not be told; a framework that cannot have the fault
            included (``expressible`` is then false).
    """

    fault: Fault
    environment: str
    seen: bool = False
    check: str = ""
    step: int | None = None
    phase: str = ""
    sentence: str = ""
    problem: str = ""
    expressible: bool = True

    @property
    def is_right(self) -> bool:
        """Whether it was seen and its phase named right."""
        return self.seen and self.phase == self.fault.phase


def detect(project: Project, environments: Sequence[str] = ()) -> list[Detection]:
    """Return what became of every fault in the environments, or in all trained in.

    Raises:
        UsageError: nothing was trained under faults.
    """
    folder = project.root / "results" / FAULTS
    trained = sorted({path.stem for path in folder.glob("*/*/*-*.json")})
    if not (environments or trained):
        raise UsageError("nothing was trained under faults", str(folder),
                         next_command="tox run -e faults")
    for name in environments:
        Store(project).require_known(name)
    return [_detect(project, fault, name) for name in environments or trained
            for fault in CATALOGUE]


def is_proof(found: Sequence[Detection]) -> bool:
    """Return whether every fault that can be was seen, nearly all in the right phase."""
    possible = [d for d in found if d.expressible]
    right = sum(d.is_right for d in possible)
    return all(d.seen for d in possible) and right >= RIGHT_PHASES * len(possible)


def render(found: Sequence[Detection]) -> RenderableType:
    """Return the table of all faults and the totals."""
    table = Table("fault", "environment", "seen by", "step", "phase", "what it says",
                  header_style="bold", pad_edge=False)
    for d in found:
        mark = "" if d.is_right or not d.seen else f" [red](is {d.fault.phase})[/red]"
        missed = "[red]missed[/red]" if d.expressible else "[dim]-[/dim]"
        table.add_row(d.fault.name, escape(d.environment), escape(d.check) if d.seen else missed,
                      "" if d.step is None else str(d.step), d.phase + mark,
                      Text(d.problem or d.sentence))
    possible = [d for d in found if d.expressible]
    return Group(table, Text(
        f"{len(possible)} faults: {sum(d.seen for d in possible)} seen, "
        f"{sum(d.is_right for d in possible)} with the right phase; "
        f"{len(found) - len(possible)} that a framework cannot have"))


def _detect(project: Project, fault: Fault, environment: str) -> Detection:
    reason = INEXPRESSIBLE.get((require(environment).adapter, fault.name))
    if reason:
        return Detection(fault, environment, problem=reason, expressible=False)
    question = Question((environment,), "baseline", (fault.case,), fault.variants)
    try:
        comparisons = compare(project.under(fault.name), question).comparisons
    except HarnessError as error:
        return Detection(fault, environment, problem=str(error))
    return _summarize(fault, environment, comparisons)


def _summarize(fault: Fault, environment: str, comparisons: list[Comparison]) -> Detection:
    """Return the detection by the finding that tells the phase of all that differs."""
    problems = [c.problem for c in comparisons if c.problem]
    different = [c for c in comparisons if c.open_findings]
    if problems or not different:
        return Detection(fault, environment, problem="; ".join(problems))
    differing = [f for c in different for f in c.open_findings]
    cause = findings.cause(differing) or findings.worst(differing)
    assert cause is not None
    return Detection(fault, environment, True, cause.check, cause.step, cause.phase or "",
                     cause.sentence)
