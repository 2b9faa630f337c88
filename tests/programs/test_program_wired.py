"""Programs of users in every command that shows or keeps what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.history import history, unchanged
from harness.nightly import job, outputs
from harness.programs.saved import comparing, timeline, upgrade
from harness.records.project import Project
from harness.store import undo
from tests.kit import nights, traces
from tests.kit.programs import DOUBLED, NEW, OLD, declare, enter, furnish, of_commit, put

BETWEEN = "torch-2.12.2"
"""A version that no case was accepted in."""


@pytest.fixture
def toy(project: Project) -> Project:
    """Return a project with the toy, two baselines, and a run like its own."""
    return furnish(project)


def run(project: Project, *words: str) -> int:
    """Run a command in a project."""
    return main(["--root", str(project.root), *words])


def test_an_accept_of_a_program_is_taken_back(toy: Project,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    """The baseline before is back to the byte, and a first one is gone."""
    path = toy.program_baseline_path("toy", NEW)
    before = path.read_bytes()
    put(toy.program_run_path("toy", NEW), traces.train(DOUBLED))
    assert run(toy, "accept", NEW, "toy", "--reason", "why") == 0
    assert path.read_bytes() != before
    assert run(toy, "accept", "--undo") == 0
    assert path.read_bytes() == before
    assert f"as before: results/baselines/programs/toy/{NEW}.zip" in capsys.readouterr().out
    path.unlink()
    assert run(toy, "accept", NEW, "toy", "--reason", "first", "--harm", "nobody") == 0
    assert run(toy, "accept", "--undo") == 0
    assert not path.exists() and not undo.path_of(toy).exists()


def test_an_accept_without_names_takes_programs(matrix: Project) -> None:
    """All that was measured is accepted at once, and taken back at once."""
    declare(matrix)
    put(matrix.program_run_path("toy", NEW), traces.train())
    assert run(matrix, "accept", NEW, "--reason", "the first one") == 0
    assert matrix.program_baseline_path("toy", NEW).is_file()
    assert run(matrix, "accept", "--undo") == 0
    assert not matrix.program_baseline_path("toy", NEW).exists()


def test_an_accept_needs_a_reason_for_every_cause_of_a_program(
        toy: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """As of cases: one of the wrong number is refused, and nothing is written."""
    path = toy.program_baseline_path("toy", NEW)
    before = path.read_bytes()
    put(toy.program_run_path("toy", NEW), traces.train(DOUBLED))
    assert run(toy, "accept", NEW, "toy", "--reason", "one", "--reason", "two") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "2 reasons for 1 causes" in told and "gradient: toy program" in told
    assert path.read_bytes() == before


def test_an_upgrade_knows_programs(toy: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """From the baselines alone, with the version on the way at which it changed."""
    assert run(toy, "upgrade", OLD, NEW, "--case", "toy") == 0
    put(toy.program_baseline_path("toy", BETWEEN), traces.train(DOUBLED))
    put(toy.program_baseline_path("toy", NEW), traces.train(DOUBLED))
    assert run(toy, "upgrade", OLD, NEW, "--case", "toy") == 1
    told = " ".join(capsys.readouterr().out.split())
    assert f"{BETWEEN} after {OLD}" in told and "begins in gradient" in told
    assert "toy: program; as it runs" in told
    found = upgrade.ask(toy, OLD, NEW, ["toy"])
    assert found.way is not None and found.way.versions == [OLD, BETWEEN, NEW]
    assert [change.comparison.observed for line in found.way.lines
            for change in line.changes] == [BETWEEN]


def test_an_upgrade_between_runs_of_programs(toy: Project) -> None:
    """Without a baseline the last run stands for it."""
    for name in (OLD, NEW):
        toy.program_baseline_path("toy", name).unlink()
        put(toy.program_run_path("toy", name), traces.train())
    assert run(toy, "upgrade", OLD, NEW, "--case", "toy") == 0


@pytest.mark.parametrize("words", [(), (OLD, NEW), (NEW,), ("--label", "full")])
def test_a_report_shows_programs(toy: Project, words: tuple[str, ...]) -> None:
    """Whatever it is of: everything, an upgrade, one version, a label."""
    put(toy.program_run_path("toy", NEW), traces.train(DOUBLED))
    if len(words) > 1 and words[0] == OLD:
        put(toy.program_baseline_path("toy", NEW), traces.train(DOUBLED))
    assert run(toy, "report", *words) == 0
    told = json.loads((toy.root / "results" / "report.json").read_text())
    assert "toy" in [case["name"] for case in told["cases"]]
    assert any(one["phase"] == "gradient" for one in told["causes"])
    assert "toy" in (toy.root / "results" / "report.html").read_text()
    assert any(line["case"] == "toy" for one in told["timeline"] for line in one["lines"])
    found = told["chunks"]["toy/program"]["losses"]
    assert {"observed": NEW, "baseline": OLD if words[:1] == (OLD,) else NEW} in [
        one["sides"] for one in found]
    assert any(one["low"][-1] < one["high"][-1] for one in found)
    assert all(one["steps"] == list(range(len(one["observed"]))) for one in found)


def test_a_loss_that_cannot_be_read_is_no_curve(toy: Project) -> None:
    """What is damaged is told where it is compared; the report is written all the same."""
    path = toy.program_run_path("toy", NEW)
    path.write_bytes(path.read_bytes()[:-40])
    assert run(toy, "report") == 0
    told = json.loads((toy.root / "results" / "report.json").read_text())
    assert told["chunks"]["toy/program"]["losses"] == []


def test_a_timeline_takes_in_versions_of_programs_alone(matrix: Project) -> None:
    """A program's version that no case was accepted in has its place among the others."""
    declare(matrix)
    for name in (OLD, BETWEEN, NEW):
        put(matrix.program_baseline_path("toy", name),
            traces.train(None if name == OLD else DOUBLED))
    found, = (one for one in timeline.load(matrix) if one.family == "torch")
    assert list(found.versions) == [OLD, BETWEEN, NEW, "torch-2.14.1"]
    assert {line.case for line in found.lines} == {nights.CASE, "toy"}
    assert run(matrix, "timeline", "torch") == 1
    assert run(matrix, "timeline", "torch", "--variant", "bce_*") == 0


def test_an_environment_of_a_program_alone_is_known(
        toy: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """It can be compared and is listed, though no case was ever measured there."""
    put(toy.program_run_path("toy", "torch-2.7.0"), traces.train())
    assert run(toy, "compare", "torch-2.7.0") == 0  # with the next version
    assert run(toy, "list") == 0
    table = capsys.readouterr().out
    assert any("torch-2.7.0" in line and "run" in line for line in table.splitlines())


def test_a_version_without_a_baseline_is_compared_with_its_neighbours(toy: Project) -> None:
    """As cases are: the versions before and after it."""
    put(toy.program_run_path("toy", BETWEEN), traces.train())
    report = comparing.compare(toy, comparing.Question((BETWEEN,), cases=("toy",)))
    assert [(c.against, c.baseline) for c in report.comparisons] == [
        ("previous", OLD), ("next", NEW)]


def test_a_program_that_was_asked_for_and_not_measured_is_missing(
        toy: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """An environment that it is declared for, and none that it is not."""
    assert run(toy, "compare", "torch-2.15.0", "--case", "toy") == 3
    assert "tox run -e torch-2.15.0 -- toy" in capsys.readouterr().out


def test_a_history_keeps_figures_of_programs(matrix: Project,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    """The last loss, how far it is from the baseline, and seconds."""
    declare(matrix)
    put(matrix.program_baseline_path("toy", NEW), traces.train())
    for fault in (None, DOUBLED):
        put(matrix.program_run_path("toy", NEW), traces.train(fault), provenance={"seconds": 1.0})
        nights.put(matrix)
        enter(matrix, NEW, nights.NIGHT)
        found = job.run(matrix, [NEW], nights.NIGHT, measure=nights.Machine())
        outputs.write(matrix, found)
    known = history.load(history.path_of(matrix), "toy")
    values = {series.figure.name: series.values for series in known.series}
    assert set(values) == {"seconds", "final_loss", "baseline_deviation"}
    assert list(values["seconds"]) == [1.0, 1.0] and values["baseline_deviation"][0] == 0
    assert run(matrix, "history", "toy") == 0
    assert "toy, 2 nights" in capsys.readouterr().out


def test_a_silent_night_needs_the_programs_of_this_night(toy: Project) -> None:
    """Runs of another night are no reason to repeat the last one."""
    for case in toy.case_names():
        path = toy.run_path(case, NEW)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
        nights.manifest.end(toy, NEW, [path], nights.NIGHT)
    assert unchanged.digest(toy, [NEW], nights.NIGHT, "2026-01-01") is None
    enter(toy, NEW, nights.NIGHT)
    assert unchanged.digest(toy, [NEW], nights.NIGHT, "2026-01-01") is not None
    assert unchanged.digest(toy, [NEW], "another", "2026-01-01") is None


def test_merged_runs_belong_to_the_night_that_measured_them(toy: Project, tmp_path: Path) -> None:
    """What a shard's manifest says of a program's runs is taken over."""
    shard = Project(tmp_path, tmp_path / "shard")
    put(shard.program_run_path("toy", OLD), traces.train(), inputs=of_commit(toy))
    enter(shard, OLD, nights.NIGHT)
    assert run(toy, "merge", str(shard.runs)) == 0
    path = toy.program_run_path("toy", OLD)
    assert nights.manifest.why_not(toy, nights.manifest.read(toy, OLD), path,
                                   nights.NIGHT) is None


@pytest.mark.parametrize(("inputs", "word"), [
    ({"harness": "f" * 64}, "the harness changed"), ({"case": "f" * 64}, "the case changed"),
    (None, "the harness changed"), ([], "the harness changed")])
def test_runs_of_another_commit_are_refused(
        toy: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str],
        inputs: dict[str, str] | list[str] | None, word: str) -> None:
    """Another recorder or another program, and runs that do not say; another shard's are taken."""
    shards = [Project(tmp_path, tmp_path / name) for name in ("one", "two")]
    put(shards[0].program_run_path("toy", OLD), traces.train(DOUBLED),
        inputs={**of_commit(toy), **inputs} if isinstance(inputs, dict) else inputs)
    assert run(toy, "merge", str(shards[0].runs)) == 3
    told = capsys.readouterr()
    assert f"measured from another commit: {word}" in told.out + told.err
    assert not toy.program_run_path("toy", OLD).exists()
    put(shards[1].program_run_path("toy", OLD), traces.train(), inputs=of_commit(toy))
    assert run(toy, "merge", *(str(shard.runs) for shard in shards)) == 3
    assert toy.program_run_path("toy", OLD).read_bytes() == \
        shards[1].program_run_path("toy", OLD).read_bytes()


def test_the_control_of_a_program_is_an_accepted_version(matrix: Project) -> None:
    """Also one that was not measured tonight."""
    declare(matrix)
    for name in (NEW, "torch-2.14.1"):
        put(matrix.program_baseline_path("toy", name), traces.train())
    put(matrix.program_run_path("toy", "torch-2.14.1"), traces.train(DOUBLED))
    enter(matrix, "torch-2.14.1", nights.NIGHT)
    measured: list[str] = []
    found = job.run(matrix, ["torch-2.14.1"], nights.NIGHT,
                    measure=lambda name, *_: measured.append(name))
    assert [one.alarm.control for one in found.confirmations] == [NEW]
    assert set(measured) == {NEW, "torch-2.14.1"}
