"""The answer in one sentence, from the verdicts alone.

Outside half. It claims no more than was compared: a report in which something
could not be compared never says that training behaves the same.
"""

from __future__ import annotations

from collections import Counter

from harness.compare.checks.finding import Comparison, Verdict
from harness.compare.checks.harm import weigh
from harness.compare.compare import Report
from harness.errors import DIFFERENCE, FAILURE, MATCH

_OUTCOMES = {MATCH: "match", DIFFERENCE: "difference", FAILURE: "failure"}
_ORDER = (Verdict.REGRESSION, Verdict.IMPROVEMENT, Verdict.DRIFT)
_WORDS = {Verdict.REGRESSION: "a regression", Verdict.IMPROVEMENT: "an improvement",
          Verdict.DRIFT: "drift"}


def outcome(report: Report) -> str:
    """Return ``match``, ``difference`` or ``failure``, as the exit code says."""
    return _OUTCOMES[report.exit_code]


def answer(report: Report) -> str:
    """Return whether training still behaves the same, in one sentence.

    Of two versions that were compared with each other it says whether they differ, explained
    or not, and whether that matters.
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
        rest = f"of the other {total - len(problems)} {_difference(differing)}" if differing \
            else "what was compared shows no difference without a waiver"
        return (f"{len(problems)} of {total} comparisons could not be made ({_who(problems)}), "
                f"so the question stays open; {rest}.")
    if differing:
        return ("Training does not behave the same everywhere: "
                f"of {total} comparisons {_difference(differing)}.")
    if waived:
        return (f"Nothing new: training behaves the same in {total - waived} of {total} "
                f"comparisons, and waivers explain the other {waived}.")
    return f"Training behaves the same in all {total} comparisons."


def _of_two(comparisons: list[Comparison], problems: list[Comparison], baseline: str,
            observed: str) -> str:
    made = len(comparisons) - len(problems)
    differing = [c for c in comparisons if not c.problem and c.verdict.is_difference]
    start = "" if not problems else (
        f"{len(problems)} of {len(comparisons)} comparisons could not be made, so the question "
        "stays open; in the others ")
    if not differing:
        same = f"training under {observed} behaves as under {baseline}, in "
        if problems:
            return f"{start}{same}all {made}."
        return f"It does not matter: {same}all {made} comparisons."
    waived = sum(c.is_waived for c in differing)
    reasons = "waivers explain all of that" if waived == len(differing) else \
        f"waivers explain {waived} of them" if waived else "no waiver covers that"
    degree, why = weigh([f for c in differing for f in c.differences], observed, baseline)
    return (f"{start}{observed} differs from {baseline} in {len(differing)} of {made} "
            f"comparisons, {_counted(differing)}; {reasons}. {degree.sentence}: {why}.")


def _counted(differing: list[Comparison]) -> str:
    """Return how many comparisons have each verdict, the worst first."""
    counts = Counter(c.verdict for c in differing)
    return ", ".join(f"{counts[verdict]} with {_WORDS[verdict]}"
                     for verdict in _ORDER if counts[verdict])


def _difference(differing: list[Comparison]) -> str:
    return (f"{len(differing)} differ and no waiver covers that: {_counted(differing)} "
            f"({_who(differing)})")


def _who(comparisons: list[Comparison]) -> str:
    """Return the environments concerned, the most affected first."""
    names = [name for name, _ in Counter(c.observed for c in comparisons).most_common()]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
