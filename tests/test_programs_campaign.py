"""The tables of known changes and of clean pairs, and what a result is worth."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.benchmark.programs_campaign import CLEAN, KNOWN, PROGRAMS, outcome, pairs

CHANNELS = {"initialisation", "data", "schedule", "forward", "loss", "gradient", "update",
            "evaluation", "reported"}
PAIRS = list(pairs())


def test_there_are_enough_changes_and_clean_pairs() -> None:
    """At least 45 known changes in all channels, and 100 pairs without one."""
    kinds = Counter(pair.kind for pair in PAIRS)
    assert kinds[KNOWN] >= 45 and kinds[CLEAN] >= 100
    assert {channel for pair in PAIRS for channel in pair.channels} == CHANNELS
    assert max(Counter((pair.name, pair.kind) for pair in PAIRS).values()) == 1


def test_every_change_names_a_channel_and_a_pair_that_differs() -> None:
    """A change is expected somewhere, and between two sides."""
    for pair in PAIRS:
        assert bool(pair.channels) == (pair.kind == KNOWN)
        assert pair.baseline != pair.observed


def test_every_program_runs_in_old_interpreters_and_knows_nothing_of_the_harness() -> None:
    """Programs are written as users write them, in the grammar of Python 3.8."""
    named = {pair.program for pair in PAIRS}
    assert named == {path.stem for path in PROGRAMS.glob("*.py")}
    for name in named:
        text = (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text, feature_version=(3, 8)))
        assert "harness" not in text


@pytest.mark.parametrize(("kind", "verdict", "channel", "expected"), [
    (KNOWN, "drift", "update", "right"), (KNOWN, "drift", "loss", "other channel"),
    (KNOWN, "equivalent", "", "MISSED"), (CLEAN, "equivalent", "", "silent"),
    (CLEAN, "regression", "loss", "ALARM"), (CLEAN, "error", "", "error")])
def test_a_result_is_worth_what_it_says(kind: str, verdict: str, channel: str,
                                        expected: str) -> None:
    """A difference under a clean pair is an alarm, none under a known change is a miss."""
    row = {"kind": kind, "verdict": verdict, "channel": channel, "expected": ["update"]}
    assert outcome(row) == expected
