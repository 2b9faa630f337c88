"""The manifest: a night believes what was written down of its runs, and nothing else."""

from __future__ import annotations

import json
import os
import threading
import zipfile
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.errors import RecordError, UsageError
from harness.measure import native_runs
from harness.nightly import job
from harness.records import freshness, manifest
from harness.records.paths import Paths
from harness.records.project import Project
from harness.records.record import Record
from harness.store.merge import merge
from tests.kit.nights import CASE, EXPECTED, NIGHT, Machine, named, of_commit, put

TORCH = "torch-2.14.1"
FILE = f"{CASE}/{TORCH}.json"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Return a checkout with one record, of which nobody has written anything down."""
    paths = Paths(tmp_path)
    paths.run_path(CASE, TORCH).parent.mkdir(parents=True)
    paths.run_path(CASE, TORCH).write_text("{}")
    return paths


def why_not(paths: Paths, name: str = NIGHT) -> str | None:
    """Return why the record is not of a night."""
    return manifest.why_not(paths, manifest.read(paths, TORCH), paths.run_path(CASE, TORCH), name)


def test_what_a_run_measured_is_of_its_night(paths: Paths) -> None:
    """From its end on, with what was installed; of no other night, and not when it changes."""
    record = paths.run_path(CASE, TORCH)
    assert "no run says that it measured that" in str(why_not(paths))
    manifest.begin(paths, TORCH, [record], [], NIGHT, ["bce_*"])
    assert why_not(paths) is not None
    manifest.end(paths, TORCH, [record, paths.failure_path(CASE, TORCH)], NIGHT)
    assert why_not(paths) is None
    assert "in the night tonight, and this is the night another" in str(why_not(paths, "another"))
    found = manifest.read(paths, TORCH)
    assert found is not None and found.started is not None and found.ended is not None
    assert (list(found.records), found.selection) == ([FILE], ["bce_*"])
    assert "numpy" in found.packages
    record.write_text("{} ")
    assert "not the one that was measured tonight" in str(why_not(paths))


def test_what_is_kept_is_of_the_night(paths: Paths) -> None:
    """A record that is still true belongs to the night that found it so, beside what is due."""
    kept, due = paths.run_path(CASE, TORCH), paths.run_path("xor", TORCH)
    manifest.end(paths, TORCH, [kept], "last")
    manifest.begin(paths, TORCH, [], [kept], NIGHT)
    assert why_not(paths) is None
    manifest.begin(paths, TORCH, [due], [kept], "next")
    assert why_not(paths, "next") is None
    found = manifest.read(paths, TORCH)
    assert found is not None and found.ended is None
    assert "never ended" in str(manifest.why_not(paths, found, due, "next"))


def harness_run(project: Project, *arguments: str) -> int:
    """Measure with the reference."""
    return main(["--root", str(project.root), "run", "--environment", "reference", *arguments])


def test_the_command_writes_it_down(project: Project, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture[str]) -> None:
    """What is due when it ends, what is kept at once, a run that is killed as begun only."""
    record, failure = (path("xor", "reference") for path in (project.run_path,
                                                             project.failure_path))

    def measure(*_: object) -> dict[str, str]:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text("{}")
        failure.write_text("one variant raised an error")
        return {}

    def interrupt(*_: object) -> dict[str, str]:
        raise KeyboardInterrupt

    def why(name: str, path: Path = record) -> str | None:
        return manifest.why_not(project, manifest.read(project, "reference"), path, name)

    monkeypatch.setenv(manifest.NIGHT, NIGHT)
    monkeypatch.setattr(native_runs, "run", measure)
    assert harness_run(project, "xor", "--again", "--dry-run") == 0
    assert manifest.read(project, "reference") is None
    assert harness_run(project, "xor", "--again") == 0
    assert (why(NIGHT), why(NIGHT, failure)) == (None, None)
    monkeypatch.setenv(manifest.NIGHT, "next")
    monkeypatch.setattr(freshness, "due", lambda *_: {"xor": None})
    assert harness_run(project, "xor", "--dry-run") == 0
    assert "in the night tonight" in str(why("next"))
    assert harness_run(project, "xor") == 0
    assert why("next") is None
    assert "kept, nothing changed" in capsys.readouterr().out
    monkeypatch.setattr(native_runs, "run", interrupt)
    assert harness_run(project, "xor", "--again") == 3
    record.unlink()
    assert "never ended" in str(why("next"))


def test_no_night_has_anything_to_do_with_faults(project: Project,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """What is trained under a fault on purpose is in no manifest."""
    monkeypatch.setattr(native_runs, "run", lambda *_: {})
    main(["--root", str(project.root), "run", "--environment", "torch-2.13.0", "--faults"])
    assert manifest.read(project, "torch-2.13.0") is None


@pytest.mark.parametrize("text", [
    "", "[]", "{}", "[" * 100_000, '{"manifest": 2}', "\udcff",
    json.dumps({"manifest": 1, "environment": "torch-2.13.0", "asked": [], "selection": [],
                "packages": {}, "records": {}}),
    json.dumps({"manifest": 1, "environment": TORCH, "asked": [5], "selection": [],
                "packages": {}, "records": {}}),
    json.dumps({"manifest": 1, "environment": TORCH, "asked": [], "selection": [],
                "packages": {}, "records": {FILE: {"sha256": 5, "night": None, "at": ""}}}),
    json.dumps({"manifest": 1, "environment": TORCH, "asked": [], "selection": [],
                "packages": {}, "records": {}, "more": 1}),
    *(json.dumps({"manifest": 1, "environment": TORCH, "asked": [], "selection": [],
                  "packages": {}, "started": "2026-11-25T20:00:00Z", "ended": None, "records": {
                      FILE: {"sha256": "0" * 64, "night": None, "at": "2026-11-25T20:00:00Z"}},
                  **others}) for others in (
        {"started": "\x1b[31m"}, {"ended": 5},
        {"records": {FILE: {"sha256": "0" * 64, "night": "\ud800", "at": "2026-11-25T20:00:00Z"}}},
        {"records": {FILE: {"sha256": "0" * 64, "night": NIGHT, "at": "::error::\n"}}},
        {"records": {FILE: {"sha256": "0" * 63, "night": NIGHT, "at": "2026-11-25T20:00:00Z"}}},
        {"records": {FILE: "0" * 64}})),
    " " * (manifest.LARGEST + 1)])
def test_a_damaged_manifest_says_nothing(paths: Paths, text: str) -> None:
    """It is refused in four parts, never a traceback, and the next run writes it anew."""
    path = paths.manifest_path(TORCH)
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecordError, match="manifest") as caught:
        manifest.read(paths, TORCH)
    assert caught.value.where and caught.value.numbers and caught.value.next_command
    manifest.end(paths, TORCH, [paths.run_path(CASE, TORCH)], NIGHT)
    assert why_not(paths) is None


def test_a_manifest_that_is_a_pipe_is_not_waited_for(paths: Paths) -> None:
    """Only a regular file is read."""
    path = paths.manifest_path(TORCH)
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(RecordError, match="damaged"):
        manifest.read(paths, TORCH)


def test_a_record_that_is_a_pipe_is_not_waited_for(paths: Paths) -> None:
    """What is no file is no record."""
    record = paths.run_path(CASE, TORCH)
    record.unlink()
    os.mkfifo(record)
    manifest.end(paths, TORCH, [record], NIGHT)
    assert "there is no record of it" in str(why_not(paths))


def test_many_runs_at_once_lose_nothing(paths: Paths) -> None:
    """Every case that ended is there, whoever wrote at the same time."""
    files = [paths.run_path(f"case_{number}", TORCH) for number in range(8)]
    for path in files:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    threads = [threading.Thread(target=manifest.end, args=(paths, TORCH, [path], NIGHT))
               for path in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = manifest.read(paths, TORCH)
    assert found is not None and len(found.records) == len(files)


@pytest.mark.parametrize("name", ["", "a b", "a\n", "../a", "x" * 101, "\u00e4"])
def test_a_night_has_a_plain_name(name: str) -> None:
    """Anything else is wrong use; no name is no night."""
    with pytest.raises(UsageError, match="name of a night"):
        manifest.night({manifest.NIGHT: name})
    assert manifest.night({}) is None
    assert manifest.night({manifest.NIGHT: "17093-2026.11"}) == "17093-2026.11"


def shard(matrix: Project, name: str, *records: Record, night: str | None = NIGHT) -> Path:
    """Return another machine's folder of runs, measured in a night."""
    project = Project(matrix.root, matrix.root / name)
    put(project, *(of_commit(matrix, record) for record in records), night=night)
    return project.runs


@pytest.mark.parametrize(("night", "outcome"), [
    (NIGHT, "silent"), ("eight-days-ago", "failed"), (None, "failed")])
def test_a_merged_shard_keeps_its_night(matrix: Project, measured: Record, night: str | None,
                                        outcome: str) -> None:
    """What another machine measured counts for the night in which it measured it, zipped too."""
    runs = shard(matrix, "a", *(named(measured, name) for name in EXPECTED), night=night)
    archive = matrix.root / "a.zip"
    with zipfile.ZipFile(archive, "w") as stream:
        for path in runs.rglob("*.json"):
            stream.write(path, path.relative_to(runs))
    before = manifest.read(Project(matrix.root, runs), TORCH)
    for source in (runs, archive):
        found = job.run(matrix, EXPECTED, NIGHT, [source], measure=Machine())
        assert found.outcome == outcome
        after = manifest.read(matrix, TORCH)
        assert before and after and after.records == before.records


def test_a_shard_that_says_nothing_of_its_records(matrix: Project, measured: Record) -> None:
    """Records without a manifest are merged, and of no night; an old local one says nothing."""
    put(matrix, *(named(measured, name) for name in EXPECTED))
    runs = shard(matrix, "a", named(measured, TORCH))
    Project(matrix.root, runs).manifest_path(TORCH).unlink()
    assert merge(matrix, [runs]).exit_code == 0
    found = job.run(matrix, EXPECTED, NIGHT, measure=Machine())
    problem, = (c for c in found.report.comparisons if c.problem)
    assert (problem.observed, found.exit_code) == (TORCH, 3)
    assert "no run says that it measured that" in problem.problem


def test_an_empty_shard_is_red(matrix: Project, measured: Record) -> None:
    """A machine that measured nothing, and left a manifest, a log and a lock, is said."""
    runs = shard(matrix, "a", *(named(measured, name) for name in EXPECTED))
    empty = Project(matrix.root, matrix.root / "b")
    manifest.end(empty, TORCH, [], NIGHT)
    empty.log_path(TORCH).parent.mkdir()
    empty.log_path(TORCH).write_text("killed")
    found = job.run(matrix, EXPECTED, NIGHT, [runs, empty.runs], measure=Machine())
    assert (found.outcome, found.exit_code) == ("failed", 3)
    assert "no run in this shard" in found.problems[0]
