"""The tally: what was scored, counted by rule, as tables for people.

Outside half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from harness.compare.detection import Detection
from tests.benchmark.clean import HARNESS, Trial
from tests.benchmark.rules import RULES

HEADINGS = ("rule", "faults seen", "right phases", "false alarms, own baseline",
            "false alarms, previous and reference")


@dataclass(frozen=True)
class Outcome:
    """What became of one fault in one environment.

    Args:
        detection: by the harness.
        alarms: by alternative, whether it saw the fault; empty if it had nothing to see.
        note: why it had not.
    """

    detection: Detection
    alarms: Mapping[str, bool]
    note: str = ""

    def is_seen(self, rule: str) -> bool:
        """Return whether a rule, or the harness, saw the fault."""
        return self.detection.seen if rule == HARNESS else self.alarms.get(rule, False)


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    count: int
    total: int

    def __str__(self) -> str:
        if not self.total:
            return "-"
        return f"{self.count} of {self.total} ({100 * self.count / self.total:.3g} %)"


@dataclass(frozen=True)
class Row:
    """One rule's counts; ``phases`` is None for a rule that names none."""

    rule: str
    seen: Share
    phases: Share | None
    own: Share
    others: Share

    @property
    def cells(self) -> list[str]:
        """The row in words, under ``HEADINGS``."""
        phases = "-" if self.phases is None else str(self.phases)
        return [self.rule, str(self.seen), phases, str(self.own), str(self.others)]


def rows(outcomes: Sequence[Outcome], trials: Sequence[Trial]) -> list[Row]:
    """Return the counts of the harness and of every rule."""
    right = Share(sum(o.detection.is_right for o in outcomes), len(outcomes))
    return [Row(rule, Share(sum(o.is_seen(rule) for o in outcomes), len(outcomes)),
                right if rule == HARNESS else None,
                _false_alarms(rule, [t for t in trials if t.against == "baseline"]),
                _false_alarms(rule, [t for t in trials if t.against != "baseline"]))
            for rule in (HARNESS, *(rule.name for rule in RULES))]


def table(rows: Iterable[Row]) -> Table:
    """Return the table of all rules."""
    found = Table(*HEADINGS, title="Who sees the faults, and who cries wolf",
                  header_style="bold", pad_edge=False)
    for row in rows:
        found.add_row(*row.cells)
    return found


def markdown(rows: Iterable[Row]) -> str:
    """Return the same table in Markdown."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def details(outcomes: Iterable[Outcome]) -> Table:
    """Return the table of every fault: which rules saw it."""
    found = Table("fault", "phase", "environment", "harness",
                  *(rule.short for rule in RULES), header_style="bold", pad_edge=False)
    for outcome in outcomes:
        d = outcome.detection
        said = d.phase or "seen" if d.seen else "-"
        found.add_row(d.fault.name, d.fault.phase, d.environment, said,
                      *("seen" if outcome.is_seen(rule.name) else "-" for rule in RULES))
    return found


def notes(outcomes: Sequence[Outcome], trials: Sequence[Trial]) -> list[str]:
    """Return what the numbers are of, and what they do not cover."""
    runs = {(trial.environment, trial.setting) for trial in trials}
    lines = [f"{len(outcomes)} faults in {_counted(o.detection.environment for o in outcomes)}",
             f"{len(trials)} clean comparisons of {len(runs)} runs in "
             f"{_counted(environment for environment, _ in runs)}"]
    return lines + [f"{o.detection.fault.name} {o.detection.environment}: {said}"
                    for o in outcomes for said in (o.note, _miss(o.detection)) if said]


def _miss(detection: Detection) -> str:
    """Return how the harness fails to see a fault for what it is; nothing if it does."""
    if detection.is_right:
        return ""
    if detection.seen:
        return (f"the harness sees it in {detection.phase or 'no phase'}, "
                f"it is in {detection.fault.phase}")
    return f"the harness misses it; {first_line(detection.problem)}"


def first_line(message: object) -> str:
    """Return what an error says first."""
    return (str(message).splitlines() or [""])[0]


def _false_alarms(rule: str, trials: Sequence[Trial]) -> Share:
    return Share(sum(trial.alarms[rule] for trial in trials), len(trials))


def _counted(environments: Iterable[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in Counter(environments).items())
