"""Accepting: every cause gets its reason, harm is named, and the last one can be taken back."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import files
from harness.commands.cli import main
from harness.errors import HarnessError, UsageError
from harness.records.project import Project
from harness.records.record import Record
from harness.store import accepting, baselines, contents, undo
from harness.store.store import Store
from tests.kit.nights import ADAM, CASE, SGD, changed, named, put

TORCH, NEXT = "torch-2.13.0", "torch-2.14.1"


def provenance(record: Record, **fields: Any) -> Record:
    """Return the record with other fields of provenance."""
    return dataclasses.replace(record, provenance={**record.provenance, **fields})


def accept(project: Project, *arguments: str) -> int:
    """Run the command on the run of one version."""
    return main(["--root", str(project.root), "accept", TORCH, *arguments])


def head(project: Project, environment: str = TORCH) -> dict[str, Any]:
    """Return what a baseline says of its acceptance."""
    accepted: dict[str, Any] = json.loads(
        project.baseline_path(CASE, environment).read_text("utf-8"))["accepted"]
    return accepted


def stored(project: Project) -> dict[str, bytes]:
    """Return every file of the baselines."""
    return {str(path.relative_to(project.root)): path.read_bytes()
            for path in project.baselines.rglob("*") if path.is_file()}


def later(measured: Record, environment: str = TORCH) -> Record:
    """Return a record in which one variant trains on from its step 7, and one reports otherwise."""
    record = changed(measured, environment)
    trajectory = record.variants[ADAM].trajectories["float64"]
    name = next(name for name in trajectory.metrics if name != "step")
    trajectory.metrics = {**trajectory.metrics}
    trajectory.reported = {**trajectory.metrics,
                           name: [1 - value for value in trajectory.metrics[name]]}
    return record


def worse(measured: Record) -> Record:
    """Return a record whose loss does not fall in one variant."""
    record = copy.deepcopy(named(measured, TORCH))
    for trajectory in record.variants[SGD].trajectories.values():
        trajectory.loss = [float(value) for value in reversed(trajectory.loss)]
    return record


def test_why_is_shown_and_stored(matrix: Project, measured: Record,
                                 capsys: pytest.CaptureFixture[str]) -> None:
    """Cause, variants and the part that changed stand beside the reason."""
    put(matrix, provenance(changed(measured, TORCH), packages={"torch": "2.13.0", "numpy": "3.0"}))
    assert accept(matrix, "--reason", "NumPy 3 adds up in another order") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "changed: the pins: numpy none -> 3.0" in said
    assert f"cause 1: update: {CASE} {SGD}: behaviour changed" in said
    accepted = head(matrix)
    assert accepted["reason"] == "NumPy 3 adds up in another order"
    assert accepted["changed"] == {"pins": "numpy none -> 3.0"}
    assert accepted["causes"] == [{"phase": "update", "variants": [SGD],
                                   "reason": "NumPy 3 adds up in another order"}]
    assert "harm" not in accepted and "together" not in accepted


def test_every_cause_gets_its_reason(matrix: Project, measured: Record,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    """One reason for two causes is refused with both of them, and each keeps its own."""
    put(matrix, later(measured))
    before = stored(matrix)
    for reasons in (["all of it is fine"], ["a", "b", "c"]):
        assert accept(matrix, *(part for text in reasons for part in ("--reason", text))) == 2
        said = capsys.readouterr().err
        assert f"{len(reasons)} reasons for 2 causes" in said
        assert "1. " in said and "2. " in said and "metric: " in said
    assert stored(matrix) == before
    command = said.rpartition("next:")[2].split("harness accept")[1]
    assert shlex.split(command) == [TORCH, "--reason", "...", "--reason", "..."]
    assert accept(matrix, "--reason", "first", "--reason", "second") == 0
    accepted = head(matrix)
    assert accepted["reason"] == "first; second"
    assert [cause["reason"] for cause in accepted["causes"]] == ["first", "second"]
    assert {cause["phase"] for cause in accepted["causes"]} == {"update", "metric"}


@pytest.mark.parametrize("texts", [["  "], ["fine", ""]])
def test_a_blank_reason_is_none(matrix: Project, measured: Record, texts: list[str]) -> None:
    """Nothing is accepted for spaces."""
    put(matrix, later(measured))
    before = stored(matrix)
    assert accept(matrix, *(part for text in texts for part in ("--reason", text))) == 2
    assert accept(matrix, "--reason", "a", "--reason", "b", "--harm", " ") == 2
    assert stored(matrix) == before


@pytest.mark.parametrize(("digests", "packages", "parts"), [
    ({"case": "c2", "harness": "h1"}, {}, 1),
    ({"case": "c1", "harness": "h2"}, {}, 1),
    ({"case": "c1", "harness": "h1"}, {"numpy": "3.0"}, 1),
    ({"case": "c2", "harness": "h2"}, {}, 2),
    ({"case": "c1", "harness": "h2"}, {"numpy": "3.0"}, 2),
    ({"case": "c2", "harness": "h2"}, {"numpy": "3.0"}, 3)])
def test_one_thing_at_a_time(matrix: Project, measured: Record, digests: dict[str, str],
                             packages: dict[str, str], parts: int,
                             capsys: pytest.CaptureFixture[str]) -> None:
    """Where two of pins, case and harness changed, nobody can say what the difference is of."""
    before = provenance(named(measured, TORCH), inputs={"case": "c1", "harness": "h1"})
    accepting.accept(Store(matrix), [before], "as it was")
    after = provenance(changed(measured, TORCH), inputs=digests,
                       packages={**measured.provenance["packages"], **packages})
    put(matrix, after)
    assert accept(matrix, "--reason", "new") == (0 if parts == 1 else 2)
    said = capsys.readouterr().err
    if parts > 1:
        assert "several things changed at once" in said
        assert "measure the new code on the old pins first" in said
        assert head(matrix)["reason"] == "as it was"
        assert accept(matrix, "--reason", "new", "--together", "the old pins are gone") == 0
        assert head(matrix)["together"] == "the old pins are gone"
    assert len(head(matrix)["changed"]) == parts


def test_what_changes_no_number_may_change_at_once(matrix: Project, measured: Record) -> None:
    """Pins, case and harness may all move where every number stays."""
    accepting.accept(Store(matrix), [provenance(named(measured, TORCH), inputs={
        "case": "c1", "harness": "h1"})], "as it was")
    put(matrix, provenance(named(measured, TORCH), packages={"numpy": "3.0"},
                           inputs={"case": "c2", "harness": "h2"}))
    assert accept(matrix, "--reason", "nothing moved") == 0
    assert set(head(matrix)["changed"]) == {"pins", "case", "harness"}


def test_a_regression_needs_a_word_on_its_harm(matrix: Project, measured: Record,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused, shown with the promise that is broken, and kept with the word."""
    put(matrix, worse(measured))
    before = stored(matrix)
    assert accept(matrix, "--reason", "it is how it is") == 2
    said = capsys.readouterr()
    assert "regression is not accepted without a word on its harm" in said.err
    assert "breaks a promise" in said.err and "--harm" in said.err
    assert "regression: " in said.out
    assert stored(matrix) == before
    assert accept(matrix, "--reason", "it is how it is", "--harm", "nobody trains so") == 0
    assert head(matrix)["harm"] == "nobody trains so"


def test_a_first_baseline_may_not_regress_either(matrix: Project, measured: Record) -> None:
    """A new version that breaks what the one before it keeps is no first baseline for free."""
    matrix.baseline_path(CASE, TORCH).unlink()
    put(matrix, worse(measured))
    assert accept(matrix, "--reason", "new version") == 2
    assert accept(matrix, "--reason", "new version", "--harm", "known upstream") == 0
    assert head(matrix)["harm"] == "known upstream"


def test_a_dry_run_shows_what_will_be_asked(matrix: Project, measured: Record,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    """Causes and regressions are shown, and nothing is written."""
    put(matrix, worse(measured))
    before = stored(matrix)
    assert accept(matrix, "--reason", "look", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "cause 1: " in said and "regression: " in said
    assert stored(matrix) == before and not undo.path_of(matrix).exists()


# ------------------------------------------------------------------ undo
def take_back(project: Project) -> int:
    """Take the last accept back."""
    return main(["--root", str(project.root), "accept", "--undo"])


def test_the_last_accept_is_taken_back(matrix: Project, measured: Record,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    """Every file is as it was, to the byte; a second time there is nothing to take back."""
    before = stored(matrix)
    put(matrix, changed(measured, TORCH))
    assert accept(matrix, "--reason", "by mistake") == 0
    assert stored(matrix) != before
    assert take_back(matrix) == 0
    said = capsys.readouterr().out
    assert f"taken back: {TORCH}: by mistake" in said
    assert f"as before: results/baselines/{CASE}/{TORCH}.json" in said
    assert stored(matrix) == before
    assert take_back(matrix) == 2


def test_a_first_baseline_is_gone_again(project: Project, measured: Record) -> None:
    """What was not there is removed, contents and native runs as well."""
    put(project, named(measured, TORCH))
    assert accept(project, "--reason", "first") == 0
    assert take_back(project) == 0
    assert stored(project) == {}


def test_nothing_later_is_taken_back_with_it(matrix: Project, measured: Record,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    """Baselines that changed since, by git or by hand, stay as they are."""
    put(matrix, changed(measured, TORCH))
    assert accept(matrix, "--reason", "one") == 0
    path = matrix.baseline_path(CASE, TORCH)
    path.write_text(path.read_text("utf-8").replace('"one"', '"two"'), "utf-8")
    before = stored(matrix)
    assert take_back(matrix) == 3
    assert "baselines have changed since" in capsys.readouterr().err
    assert stored(matrix) == before


@pytest.mark.parametrize("spoil", [
    lambda data: {**data, "before": {"../../elsewhere": "text"}},
    lambda data: {**data, "before": {"/etc/hostname": None}},
    lambda data: {**data, "before": {"results/waivers.toml": None}},
    lambda data: {"what": "x"}, lambda data: []])
def test_only_baselines_are_taken_back(matrix: Project, measured: Record,
                                       spoil: Callable[[Any], Any]) -> None:
    """A file that names anything else, or nothing, is refused."""
    put(matrix, changed(measured, TORCH))
    assert accept(matrix, "--reason", "one") == 0
    kept = undo.path_of(matrix)
    kept.write_text(json.dumps(spoil(json.loads(kept.read_text("utf-8")))))
    before = stored(matrix)
    with pytest.raises(HarnessError, match="cannot be read"):
        undo.take_back(matrix)
    assert stored(matrix) == before


class Killed(BaseException):
    """What stands for a process that is killed."""


@pytest.mark.parametrize("is_undo", [False, True])
@pytest.mark.parametrize("writes", range(6))
def test_a_kill_loses_no_baseline(matrix: Project, measured: Record, is_undo: bool, writes: int,
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept or undo, wherever it dies: all can be read, and undo brings all of it back."""
    before = stored(matrix)
    put(matrix, changed(measured, TORCH))
    if is_undo:
        assert accept(matrix, "--reason", "by mistake") == 0
    left = [writes]

    def mortal(write: Callable[..., None]) -> Callable[..., None]:
        def writes(path: Path, what: str | bytes) -> None:
            if not left[0]:
                raise Killed
            left[0] -= 1
            write(path, what)

        return writes

    for module in (undo, contents):
        monkeypatch.setattr(module, "write_bytes", mortal(files.write_bytes))
    monkeypatch.setattr(baselines, "write_text", mortal(files.write_text))
    with contextlib.suppress(Killed):
        take_back(matrix) if is_undo else accept(matrix, "--reason", "by mistake")
    monkeypatch.undo()
    store = Store(matrix)
    for name in store.accepted(CASE):
        variants = store.baseline(CASE, name).variants
        assert all(variants[variant].error is None for variant in variants)
    if undo.path_of(matrix).exists():
        assert take_back(matrix) == 0
    assert stored(matrix) == before


def test_what_is_refused_is_no_last_accept(matrix: Project, measured: Record) -> None:
    """An accept that writes nothing leaves the one before it to be taken back."""
    before = stored(matrix)
    put(matrix, changed(measured, TORCH))
    assert accept(matrix, "--reason", "by mistake") == 0
    broken = named(measured, NEXT)
    with pytest.raises(HarnessError):
        accepting.accept(Store(matrix), [provenance(broken, selection=["x"])], "partial")
    with pytest.raises(UsageError):
        accepting.accept(Store(matrix), [broken], " ")
    assert take_back(matrix) == 0
    assert stored(matrix) == before
