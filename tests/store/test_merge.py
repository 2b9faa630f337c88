"""Merging shards: what is taken in, and everything that is refused, by name."""

from __future__ import annotations

import copy
import math
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.errors import UsageError
from harness.files import lock
from harness.records import native_record, writing
from harness.records.native_record import NativeRecord
from harness.records.project import Project
from harness.records.record import NativeRun, Record
from harness.store.merge import Merged, merge
from harness.store.store import Store
from tests.kit.nights import ADAM, CASE, SGD, changed, named, of_commit, put

TORCH = "torch-2.13.0"


def shard(matrix: Project, name: str, *records: Record) -> Project:
    """Return another machine's runs, with records of this commit."""
    other = Project(matrix.root, matrix.root / name)
    put(other, *(of_commit(matrix, record) for record in records))
    return other


def merged(matrix: Project, *shards: Project, label: str | None = None) -> Merged:
    """Merge shards."""
    return merge(matrix, [other.runs for other in shards], label)


def test_shards_become_runs(matrix: Project, measured: Record) -> None:
    """Records of several shards are runs afterwards, to the bit, and logs come along."""
    first = shard(matrix, "a", named(measured, TORCH))
    second = shard(matrix, "b", changed(measured, "torch-2.14.1", math.nan))
    second.log_path("torch-2.14.1").parent.mkdir()
    second.log_path("torch-2.14.1").write_text("a warning\n")
    result = merged(matrix, first, second)
    assert (result.taken, result.refused, result.exit_code) == (
        [f"{CASE} {TORCH}", f"{CASE} torch-2.14.1"], [], 0)
    for other, name in ((first, TORCH), (second, "torch-2.14.1")):
        assert matrix.run_path(CASE, name).read_bytes() == other.run_path(CASE, name).read_bytes()
    assert matrix.log_path("torch-2.14.1").read_text() == "a warning\n"


def test_a_zip_and_a_folder_above(matrix: Project, measured: Record, tmp_path: Path) -> None:
    """An artifact may be zipped, and hold results/runs instead of what is in it."""
    other = shard(matrix, "a", named(measured, TORCH))
    archive = tmp_path / "shard.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(other.run_path(CASE, TORCH), f"results/runs/{CASE}/{TORCH}.json")
    assert merge(matrix, [archive]).taken == [f"{CASE} {TORCH}"]
    assert Store(matrix).run(CASE, TORCH).environment == TORCH


def damage(path: Path) -> None:
    """Cut the last variant of a record in two."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-len(text) // 4], encoding="utf-8")


@pytest.mark.parametrize(("spoil", "words"), [
    (damage, ("truncated or damaged",)),
    (lambda path: path.write_text(path.read_text().replace('"loss":[', '"loss":["x",', 1)),
     (f"{TORCH}.json",)),
    (lambda path: path.rename(path.with_name("torch-2.12.1.json")), ("belongs to another file",)),
])
def test_a_damaged_record_is_refused(matrix: Project, measured: Record,
                                     spoil: Callable[[Path], object],
                                     words: tuple[str, ...]) -> None:
    """It is named with what is wrong; the other records of the shard are taken in."""
    other = shard(matrix, "a", named(measured, TORCH), named(measured, "torch-2.14.1"))
    spoil(other.run_path(CASE, TORCH))
    result = merged(matrix, other)
    assert (result.taken, result.exit_code) == ([f"{CASE} torch-2.14.1"], 3)
    assert len(result.refused) == 1
    assert all(word in result.refused[0] for word in words)
    assert not matrix.run_path(CASE, TORCH).exists()


@pytest.mark.parametrize("part", ["harness", "case"])
def test_another_commit_is_refused(matrix: Project, measured: Record, part: str) -> None:
    """A record of another harness or case is refused, with both digests."""
    other = shard(matrix, "a")
    record = of_commit(matrix, named(measured, TORCH), **{part: "f" * 64})
    put(other, record, of_commit(matrix, named(measured, "torch-2.14.1")))
    result = merged(matrix, other)
    expected = of_commit(matrix, record).provenance["inputs"][part][:12]
    assert (result.taken, result.exit_code) == ([f"{CASE} torch-2.14.1"], 3)
    assert all(words in result.refused[0] for words in (
        "measured from another commit", f"the {part} changed", "f" * 12, expected))


def test_a_record_that_does_not_say_its_commit_is_refused(matrix: Project,
                                                          measured: Record) -> None:
    """However the file is laid out, digests must be there."""
    other = Project(matrix.root, matrix.root / "a")
    put(other, named(measured, TORCH))
    path = other.run_path(CASE, TORCH)
    path.write_text(path.read_text().replace(",\n", ", ").replace("{\n", "{"))
    result = merged(matrix, other)
    assert result.taken == []
    assert "measured from another commit" in result.refused[0]


def test_shards_that_agree_are_noted(matrix: Project, measured: Record) -> None:
    """The same case and environment twice, equal to the bit NaN included, is fine."""
    record = changed(measured, TORCH, math.nan)
    later = copy.deepcopy(record)
    later.provenance["recorded"] = "2026-11-22T00:00:00Z"
    result = merged(matrix, shard(matrix, "a", record), shard(matrix, "b", later))
    assert (result.taken, result.exit_code) == ([f"{CASE} {TORCH}"], 0)
    assert "equal to the bit" in result.notes[0]


def part(record: Record, **said: object) -> Record:
    """Return one of the variants of a record alone."""
    return Record(CASE, TORCH, {**record.provenance, **said}, {SGD: record.variants[SGD]})


@pytest.mark.parametrize("said", [{}, {"selection": ["*sgd*"]}, {"selection": []}])
def test_a_part_of_a_case_is_refused(matrix: Project, measured: Record,
                                     said: dict[str, object]) -> None:
    """Whatever a record says of what it was asked for, another shard's whole one counts."""
    shards = [shard(matrix, "a", named(measured, TORCH)),
              shard(matrix, "b", part(measured, **said))]
    result = merged(matrix, *shards)
    assert (result.taken, result.exit_code) == ([f"{CASE} {TORCH}"], 3)
    assert ("only a part" if any(said.values()) else f"{ADAM}: not measured") in result.refused[0]
    assert list(Store(matrix).run(CASE, TORCH).variants) == [SGD, ADAM]


def test_shards_that_disagree_are_refused(matrix: Project, measured: Record) -> None:
    """One last bit is enough: neither is taken in, and both are named."""
    shards = [shard(matrix, "a", named(measured, TORCH), named(measured, "torch-2.14.1")),
              shard(matrix, "b", changed(measured, TORCH, 1 + 2**-52))]
    result = merged(matrix, *shards)
    assert (result.taken, result.exit_code) == ([f"{CASE} torch-2.14.1"], 3)
    assert all(word in result.refused[0] for word in (
        "disagree", f"{CASE} {TORCH}", *(str(other.runs) for other in shards)))
    assert not matrix.run_path(CASE, TORCH).exists()


def test_failures_are_taken_in(matrix: Project, measured: Record) -> None:
    """A failure replaces an earlier record; one beside its record stays with it."""
    put(matrix, named(measured, TORCH))
    other = shard(matrix, "a", named(measured, "torch-2.14.1"))
    other.failure_path(CASE, TORCH).write_text("killed\n")
    other.failure_path(CASE, "torch-2.14.1").write_text("1 variants raised an error\n")
    result = merged(matrix, other)
    assert (set(result.taken), result.exit_code) == (
        {f"{CASE} {TORCH} (failed)", f"{CASE} torch-2.14.1"}, 0)
    assert not matrix.run_path(CASE, TORCH).exists()
    assert matrix.failure_path(CASE, TORCH).read_text() == "killed\n"
    assert "raised an error" in matrix.failure_path(CASE, "torch-2.14.1").read_text()


def test_a_record_counts_more_than_another_shards_failure(matrix: Project,
                                                          measured: Record) -> None:
    """Where one machine failed and another one measured, the record is taken, with a note."""
    failing = shard(matrix, "a", named(measured, "torch-2.14.1"))
    failing.failure_path(CASE, TORCH).write_text("killed\n")
    result = merged(matrix, failing, shard(matrix, "b", named(measured, TORCH)))
    assert f"{CASE} {TORCH}" in result.taken
    assert "failed in" in result.notes[0]
    assert not matrix.failure_path(CASE, TORCH).exists()


def test_native_runs_are_merged(matrix: Project, measured: Record) -> None:
    """Native records are checked in the same way, and taken in or refused."""
    origin = of_commit(matrix, measured).provenance
    run = NativeRun(0, math.nan, None, 0.5, False)
    for name, provenance in (("a", origin), ("b", {**origin, "inputs": {}})):
        native_record.write(
            NativeRecord(CASE, f"torch-2.1{3 + (name == 'b')}.0", provenance, {SGD: [run]}),
            matrix.root / name / CASE / "native" / f"torch-2.1{3 + (name == 'b')}.0.json")
    result = merge(matrix, [matrix.root / "a", matrix.root / "b"])
    assert result.taken == [f"{CASE} native {TORCH}"]
    assert "another commit" in result.refused[0]
    assert Store(matrix).native(CASE, TORCH, True).runs[SGD][0].seed == 0


def test_missing_environments_are_named(matrix: Project, measured: Record) -> None:
    """With a label, what no shard measured nor failed to measure is missing."""
    other = shard(matrix, "a", named(measured, TORCH))
    other.failure_path(CASE, "reference").write_text("killed\n")
    result = merged(matrix, other, label="small")
    assert (result.missing, result.exit_code) == (["torch-2.14.1", "keras-nightly"], 3)


@pytest.mark.parametrize(("make", "words"), [
    (lambda path: None, "no such folder"),
    (lambda path: path.mkdir(), "no run in this shard"),
    (lambda path: path.write_bytes(b"PK\x03\x04 half of a zip"), "the zip of runs is damaged"),
])
def test_a_source_that_is_none_is_refused(matrix: Project, measured: Record, tmp_path: Path,
                                          make: Callable[[Path], object], words: str) -> None:
    """Nothing there, nothing in it, a zip cut short: said, and the others are merged."""
    make(tmp_path / "source")
    other = shard(matrix, "a", named(measured, TORCH))
    result = merge(matrix, [tmp_path / "source", other.runs])
    assert (result.taken, result.exit_code) == ([f"{CASE} {TORCH}"], 3)
    assert words in result.refused[0]


def test_an_unknown_case_is_refused(matrix: Project, measured: Record) -> None:
    """A folder that is no case of this checkout is said, not skipped; hidden ones are."""
    other = shard(matrix, "a", named(measured, TORCH))
    shutil.copytree(other.runs / CASE, other.runs / "mnist")
    (other.runs / "locks").mkdir(exist_ok=True)
    (other.runs / ".cache").mkdir()
    result = merged(matrix, other)
    assert len(result.refused) == 1
    assert "'mnist' is no case" in result.refused[0]


def test_what_is_being_measured_is_not_overwritten(matrix: Project, measured: Record) -> None:
    """While a run of the environment is under way its record is refused."""
    other = shard(matrix, "a", named(measured, TORCH))
    with lock(matrix.lock_path(TORCH), "harness run"):
        result = merged(matrix, other)
    assert (result.taken, result.exit_code) == ([], 3)
    assert "another process is at work" in result.refused[0]


def test_an_unknown_label_is_wrong_use(matrix: Project) -> None:
    """Nothing is merged under a label that tox does not have."""
    with pytest.raises(UsageError, match="unknown label"):
        merge(matrix, [], "weekly")


def test_the_command_says_what_became_of_it(matrix: Project, measured: Record,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    """Refusals and missing environments are printed, and the exit code is 3; or 0."""
    good = shard(matrix, "a", named(measured, TORCH))
    bad = shard(matrix, "b", named(measured, "torch-2.14.1"))
    damage(bad.run_path(CASE, "torch-2.14.1"))
    arguments = ["--root", str(matrix.root), "merge", str(good.runs)]
    assert main([*arguments, "--label", "one"]) == 0
    assert "merged: 1 record; 0 refused, 0 environments missing" in capsys.readouterr().out
    assert main([*arguments, str(bad.runs), "--label", "small"]) == 3
    text = capsys.readouterr().out
    assert f"refused: {bad.runs}" in text
    assert "missing: reference has no run" in text


def test_a_merged_record_is_still_strict(matrix: Project, measured: Record) -> None:
    """What was merged reads back as the record that was sent."""
    sent = of_commit(matrix, changed(measured, TORCH, math.inf))
    merged(matrix, shard(matrix, "a", sent))
    assert writing.dumps(Store(matrix).run(CASE, TORCH)) == writing.dumps(sent)
