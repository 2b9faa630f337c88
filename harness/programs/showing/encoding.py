"""A judgement as JSON, of the form in ``docs/verdict-program.schema.json``.

Outside half.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.programs.judging.verdict import Cause, Judgement
from harness.programs.showing.capture import Whole
from harness.words import number

FORMAT = 1


def to_json(judgement: Judgement, whole: Whole | None = None) -> dict[str, Any]:
    """Return a judgement as JSON data; numbers that are not finite are words.

    Args:
        whole: what whole tensors of the first difference tell.
    """
    problem, outcome = judgement.problem, judgement.outcome
    return {
        "format": FORMAT, "verdict": judgement.verdict.word, "exit_code": judgement.exit_code,
        "causes": [_cause(cause) for cause in judgement.causes],
        "outcome": None if outcome is None else {
            "verdict": outcome.verdict.word, "sentence": outcome.sentence,
            "largest": number(outcome.largest), "final": number(outcome.final),
            "envelope": number(outcome.envelope), "trains": list(outcome.trains)},
        "notes": list(judgement.notes),
        "problem": None if problem is None else {
            "what": problem.what, "where": problem.where, "numbers": problem.numbers,
            "next": problem.next_command},
        "compared": judgement.compared,
        "updates": {"observed": judgement.updates[0], "baseline": judgement.updates[1]},
        "chaotic_from": judgement.chaotic_from, "needs_weights": judgement.needs_weights,
        "capture": None if whole is None else whole.to_json(),
    }


def _cause(cause: Cause) -> dict[str, Any]:
    found = dataclasses.asdict(cause)
    found["verdict"] = cause.verdict.word
    found["following"] = dict(cause.following)
    for name in ("deviation", "allowance", "factor", "observed", "baseline"):
        found[name] = number(found[name])
    return found
