"""Shards: balanced, complete, and the same in every order of asking."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness.commands.cli import main
from harness.errors import UsageError
from harness.records.project import Project
from harness.records.record import Record
from harness.store.accepting import accept
from harness.store.shards import balance
from harness.store.store import Store
from tests.kit.nights import ACCEPTED, EXPECTED, named


@pytest.fixture
def timed(matrix: Project, measured: Record) -> Project:
    """Return a project whose baselines say that they took 10, 20, 30, ... minutes."""
    accept(Store(matrix), [dataclasses.replace(named(measured, name), provenance={
        **measured.provenance, "seconds": 600.0 * number})
        for number, name in enumerate(ACCEPTED, 1)], "for a test")
    return matrix


def test_the_longest_are_apart(timed: Project) -> None:
    """By what the baselines took: 10 + 40, 20 + 30 and 50 minutes."""
    assert balance(timed, list(ACCEPTED), 3) == [
        ["keras-3.15.1"], [ACCEPTED[0], ACCEPTED[3]], [ACCEPTED[1], ACCEPTED[2]]]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_every_environment_is_in_one_shard(matrix: Project, count: int) -> None:
    """Nothing is lost or doubled, no shard is empty, and asking again gives the same."""
    shards = balance(matrix, list(EXPECTED), count)
    assert sorted(name for shard in shards for name in shard) == sorted(EXPECTED)
    assert all(shards)
    assert len(shards) == min(count, len(EXPECTED))
    assert balance(matrix, list(EXPECTED), count) == shards


def test_no_shard_is_wrong_use(matrix: Project) -> None:
    """There is no way to measure on no machine."""
    with pytest.raises(UsageError, match="a shard at least"):
        balance(matrix, list(EXPECTED), 0)


@pytest.mark.parametrize(("arguments", "expected"), [
    (["--label", "small"], "\n".join(EXPECTED)),
    (["--label", "small", "--json"], json.dumps(list(EXPECTED))),
    (["--label", "small", "--shards", "1"], ",".join(EXPECTED)),
    (["--label", "small", "--shards", "1", "--json"], json.dumps([",".join(EXPECTED)])),
])
def test_the_command_lists_them(matrix: Project, capsys: pytest.CaptureFixture[str],
                                arguments: list[str], expected: str) -> None:
    """One a line, or as JSON, which is what a workflow's matrix is made of."""
    assert main(["--root", str(matrix.root), "list", *arguments]) == 0
    assert capsys.readouterr().out.strip() == expected


@pytest.mark.parametrize("arguments", [["--json"], ["--shards", "2"], ["--label", "weekly"],
                                       ["--label", "small", "--shards", "0"]])
def test_wrong_use(matrix: Project, capsys: pytest.CaptureFixture[str],
                   arguments: list[str]) -> None:
    """Shards need a label, which must exist, and a positive number."""
    assert main(["--root", str(matrix.root), "list", *arguments]) == 2
    assert "next:" in capsys.readouterr().err
