"""Judging what the runs of a saved program left, and telling it as findings like any case's.

Outside half.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from harness.compare.checks.finding import Finding, Verdict
from harness.programs.judging import judge as judging
from harness.programs.judging.verdict import Cause, Judgement
from harness.programs.runs import figures
from harness.programs.saved.kept import Kept
from harness.programs.showing import facts
from harness.programs.traces.trace import Trace

PHASES = {"data": "data order", "evaluation": "metric", "reported": "metric"}
"""Channels whose phase has another name in findings."""


def judge(observed: Kept, baseline: Kept) -> Judgement:
    """Return the verdict on what one environment's runs left against another's.

    Raises:
        HarnessError: nothing can be said of them.
    """
    by_chance = _by_chance(baseline) | _by_chance(observed)
    like = [figure for figure in baseline.figures() if figure.name not in by_chance]

    def whole(kept: Kept, folder: str = "", is_alike: bool = False) -> Trace:
        told = [one for one in kept.figures(folder) if one.name not in by_chance]
        return figures.add(kept.trace(folder), told, like, is_alike)

    is_alike = judging.is_identical(observed.trace(), baseline.trace())
    perturbed = [whole(baseline, folder) for folder in baseline.folders
                 if folder.startswith("perturbed-")]
    repeated = whole(baseline, "repeated/") if "repeated/" in baseline.folders else None
    found = judging.judge(whole(observed, is_alike=is_alike), whole(baseline), perturbed, repeated)
    if found.problem is not None:
        raise found.problem
    return found


def losses(observed: Kept, baseline: Kept) -> dict[str, Any] | None:
    """Return the losses of both sides for a page, with the envelope of the baseline's own runs."""
    return facts.losses(observed.trace(), baseline.trace(),
                        [baseline.trace(folder) for folder in baseline.folders])


def findings(judgement: Judgement) -> list[Finding]:
    """Return a judgement as findings: one for each cause, the first with the harm that is done."""
    if judgement.is_identical:
        return []
    found = [_finding(cause) for cause in judgement.causes]
    if not found:
        return [Finding("program", Verdict.EQUIVALENT,
                        "equal within what rounding does to this program")]
    at = next((i for i, cause in enumerate(judgement.causes) if cause.verdict.is_difference), None)
    if at is not None:
        harm = f"; {judgement.outcome.sentence}" if judgement.outcome else ""
        found[at] = dataclasses.replace(found[at], verdict=judgement.verdict,
                                        sentence=found[at].sentence + harm)
    return found


def _finding(cause: Cause) -> Finding:
    required = cause.deviation / cause.allowance \
        if cause.deviation is not None and cause.allowance else None
    return Finding(f"program_{cause.channel}", cause.verdict, cause.sentence, cause.step, None,
                   PHASES.get(cause.channel, cause.channel),
                   f"{cause.channel} of {cause.tensor}" if cause.tensor else None,
                   cause.observed, cause.baseline, cause.deviation, cause.allowance, required)


def _by_chance(kept: Kept) -> set[str]:
    """Return the names of the figures that an unchanged run told otherwise."""
    if "repeated/" not in kept.folders:
        return set()
    one, other = Counter(kept.figures()), Counter(kept.figures("repeated/"))
    return {figure.name for figure in (one - other) + (other - one)}
