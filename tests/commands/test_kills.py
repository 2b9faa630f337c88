"""The short form of ``tests.benchmark attack``: every command is killed a few times."""

from __future__ import annotations

from pathlib import Path

from tests.benchmark.attack_kills import OPERATIONS, Scene, attack


def test_kills_at_random_moments(tmp_path: Path) -> None:
    """No process, no temporary file and no half-written record is left, and no record is lost."""
    tallies = attack(Scene(tmp_path), len(OPERATIONS), seed=7)
    assert {tally.kills for tally in tallies.values()} == {1}
    assert {name: dict(tally.found) for name, tally in tallies.items() if tally.found} == {}
