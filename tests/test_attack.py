"""A few hundred damaged files of every kind: no traceback, no hang, nothing outside, all seen."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from harness.records.project import Project
from tests.benchmark.attack_records import Attack

MUTATIONS = 220


@pytest.fixture
def attack(checkout: Project, tmp_path: Path) -> Attack:
    """Return an attack on a project with real baselines."""
    return Attack(checkout, tmp_path, seed=13)


def test_no_reader_is_surprised(attack: Attack) -> None:
    """Records, pins, waivers, data, histories and archives, each damaged in many ways."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's, of a name that is there twice
        tallies = attack.run(MUTATIONS, list(attack.readers))
    assert sum(tally.mutations for tally in tallies.values()) == MUTATIONS
    assert not [failure for tally in tallies.values() for failure in tally.failures]


def test_no_special_file_is_read(attack: Attack) -> None:
    """Pipes, devices, folders, loops and 100 MB in the place of every file that is read."""
    tally = attack.special()
    assert not tally.failures
    assert tally.refused > 0.9 * tally.mutations


def test_a_verdict_that_goes_away_unseen_is_noted(attack: Attack) -> None:
    """The attack sees what it looks for: a comparison that leaves everything out."""
    case = "masked_sequences"
    seen = attack.seen[case]
    assert {check for _, against, check in seen if against == "baseline"} >= {
        "float64_trajectory", "float32_trajectory", "float64_probes", "float32_stress", "health"}
    tally = attack.tallies.setdefault("records", type(attack.special())())
    attack._judge(tally, case, attack.drifting[case].encode(), 0, set())
    assert tally.unseen
