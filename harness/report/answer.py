"""The answer in one sentence or two, from the verdicts alone.

Outside half. It claims no more than was compared: a report in which something
could not be compared never says that training behaves the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.compare.checks.finding import Comparison, Verdict
from harness.compare.checks.harm import weigh
from harness.compare.compare import Report
from harness.errors import DIFFERENCE, FAILURE, MATCH
from harness.report import causes, changes
from harness.report.changes import Cause
from harness.words import counted, few

if TYPE_CHECKING:
    from harness.report.causes import Second

_OUTCOMES = {MATCH: "match", DIFFERENCE: "difference", FAILURE: "failure"}
_ORDER = (Verdict.REGRESSION, Verdict.IMPROVEMENT, Verdict.DRIFT)
_WORDS = {Verdict.REGRESSION: "a regression", Verdict.IMPROVEMENT: "an improvement",
          Verdict.DRIFT: "drift"}
_SECOND = {"confirmed": "Confirmed: ", "host": "The machine changed, not the framework: ",
           "unstable": "It was gone when it was measured again: ",
           "unmeasured": "Not confirmed yet: "}
"""How a headline begins, by what the second measurement said."""
BEGINS = {"forward": "the forward pass", "loss": "the loss", "gradient": "the gradients",
          "update": "the updates", "initialisation": "the initialisation",
          "metric": "a metric", "data order": "the order of the data"}
"""Where a difference begins, in words."""
SEVERAL = {"gradient": "gradients are", "update": "updates are", "loss": "the loss is"}


def outcome(report: Report) -> str:
    """Return ``match``, ``difference`` or ``failure``, as the exit code says."""
    return _OUTCOMES[report.exit_code]


def answer(report: Report, seconds: Mapping[str, Second] | None = None) -> str:
    """Return whether training still behaves the same; if not, who differs, where and how badly.

    Of two versions that were compared with each other it says whether they differ, explained
    or not, and whether that matters.

    Args:
        seconds: what a second measurement said, by environment.
    """
    total = len(report.comparisons)
    problems = [c for c in report.comparisons if c.problem]
    differing = [c for c in report.comparisons if not c.problem and c.open_findings]
    waived = sum(c.is_waived for c in report.comparisons)
    if len(problems) == total:
        return "Nothing could be compared, so nothing can be said about how training behaves."
    if report.versions:
        return _of_two(report.comparisons, problems, *report.versions)
    if problems:
        rest = f"Of the other {total - len(problems)}, {_difference(differing)}. " \
               f"{_headline(report, seconds or {})}" if differing \
            else "What was compared shows no difference without a waiver."
        return (f"{len(problems)} of {counted(total, 'comparison')} could not be made "
                f"({_who(problems)}), so the question stays open. {rest}")
    if differing:
        return _headline(report, seconds or {})
    if waived:
        return (f"Nothing new: training behaves the same in {total - waived} of "
                f"{counted(total, 'comparison')}, and waivers explain the other {waived}.")
    return f"Training behaves the same in {_all(total)}."


def _headline(report: Report, seconds: Mapping[str, Second]) -> str:
    """Return who differs for the worst cause, from what, beginning where, and the harm."""
    found = sorted(changes.causes(report), key=_order)
    cause = found[0]
    first, phase = cause.changes[0].first, cause.shown.phase
    second = seconds.get(first.observed)
    where = BEGINS.get(phase, phase)
    verb = "comes right in" if cause.comes_right else "trains differently, beginning in"
    who = f"{first.observed} {verb} {where}" if where else f"{first.observed} trains differently"
    scaled = causes.factor(cause, report)
    size = f" ({SEVERAL[scaled[0]]} {scaled[1]:.6g} times the baseline's)" if scaled else ""
    cases = [change.first.case for change in cause.changes]
    variants = sum(len(change.variants) for change in cause.changes)
    degree, why = weigh(cause.findings, first.observed, causes.side(cause.sides[0]))
    also = "" if len(found) == 1 else f" {counted(len(found) - 1, 'more cause')} below."
    return (f"{_SECOND[second['outcome']] if second else ''}{who}{size}: "
            f"{counted(variants, 'variant')} of {few(cases, 3)} against "
            f"{causes.side(cause.sides[0])}. {degree.sentence}: {why}.{also}")


def _order(cause: Cause) -> tuple[object, ...]:
    first = cause.changes[0].first
    degree, _ = weigh(cause.findings, first.observed, causes.side(cause.sides[0]))
    return (causes.HARMS.index(degree), cause.comes_right,
            -max(change.verdict for change in cause.changes), -cause.shown.finding.excess)


def _of_two(comparisons: list[Comparison], problems: list[Comparison], baseline: str,
            observed: str) -> str:
    made = len(comparisons) - len(problems)
    differing = [c for c in comparisons if not c.problem and c.verdict.is_difference]
    start = "" if not problems else (
        f"{len(problems)} of {counted(len(comparisons), 'comparison')} could not be made, so the "
        "question stays open; in the others ")
    if not differing:
        same = f"training under {observed} behaves as under {baseline}, in "
        if problems:
            return f"{start}{same}all {made}."
        return f"It does not matter: {same}{_all(made)}."
    waived = sum(c.is_waived for c in differing)
    reasons = "waivers explain all of that" if waived == len(differing) else \
        f"waivers explain {waived} of them" if waived else "no waiver covers that"
    degree, why = weigh([f for c in differing for f in c.differences], observed, baseline)
    return (f"{start}{observed} differs from {baseline} in {len(differing)} of "
            f"{counted(made, 'comparison')}, {_counted(differing)}; {reasons}. "
            f"{degree.sentence}: {why}.")


def _counted(differing: list[Comparison]) -> str:
    """Return how many comparisons have each verdict, the worst first."""
    counts = Counter(c.verdict for c in differing)
    return ", ".join(f"{counts[verdict]} with {_WORDS[verdict]}"
                     for verdict in _ORDER if counts[verdict])


def _difference(differing: list[Comparison]) -> str:
    verb = "differs" if len(differing) == 1 else "differ"
    return f"{len(differing)} {verb} and no waiver covers that: {_counted(differing)}"


def _all(count: int) -> str:
    return "the only comparison" if count == 1 else f"all {count} comparisons"


def _who(comparisons: list[Comparison]) -> str:
    """Return the environments concerned, the most affected first."""
    return few([name for name, _ in Counter(c.observed for c in comparisons).most_common()], 3)
