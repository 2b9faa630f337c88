"""Stored baselines: exact, small, lazy, and never lost."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from harness.compare.checks.finding import Verdict
from harness.compare.compare import Question, compare
from harness.errors import HarnessError, RecordError
from harness.records import writing
from harness.records.project import Project
from harness.records.record import Record, Variants
from harness.store import baselines
from harness.store import contents as content
from harness.store.reading import records
from harness.store.store import Store

CASE, TORCH, NEXT = "imbalanced_binary", "torch-2.13.0", "torch-2.14.1"
SGD, ADAM = "bce_sigmoid-sgd_0.1", "bce_sigmoid-adam_0.01"


def named(record: Record, environment: str, factor: float = 1.0) -> Record:
    """Return a record of another environment, one of its curves changed."""
    record = dataclasses.replace(copy.deepcopy(record), environment=environment)
    trajectory = record.variants[SGD].trajectories["float64"]
    trajectory.loss = [value * factor for value in trajectory.loss]
    return record


@pytest.fixture
def stored(project: Project, measured: Record) -> Project:
    """Return a project with the baselines of the reference and of one environment."""
    Store(project).accept([named(measured, "reference"), named(measured, TORCH)], "first")
    return project


def contents(project: Project) -> dict[str, str]:
    """Return the files of contents, by the name of the variant."""
    return {path.stem: path.read_text() for path in
            (project.baselines / CASE / "content").glob("*.jsonl")}


def head(project: Project, environment: str) -> Path:
    """Return the file of a head."""
    return project.baseline_path(CASE, environment)


def texts(record: Record) -> dict[str, str]:
    """Return the JSON text of every variant, in which every bit shows."""
    return {name: writing.variant_text(v) for name, v in record.variants.items()}


def test_a_baseline_comes_back_to_the_bit(stored: Project, measured: Record) -> None:
    """Every number is what was measured, and the key is that of the record's own line."""
    back = Store(stored).baseline(CASE, TORCH)
    assert texts(back) == texts(measured)
    run = records.loads(writing.dumps(measured), "run")
    for name in measured.variants:
        assert back.variants[name].trajectories == run.variants[name].trajectories
        assert back.key(name) == run.key(name) == back.variants[name].key


def test_what_is_not_finite_comes_back(project: Project, measured: Record) -> None:
    """NaN and infinities in a curve survive being stored beside a finite one."""
    broken = named(measured, NEXT)
    loss = [*broken.variants[SGD].trajectories["float32"].loss[:-3],
            math.inf, -math.inf, math.nan]
    broken.variants[SGD].trajectories["float32"].loss = loss
    Store(project).accept([named(measured, TORCH), broken], "it diverged")
    back = Store(project).baseline(CASE, NEXT).variants[SGD].trajectories["float32"].loss
    assert str(list(back[-3:])) == "[inf, -inf, nan]"


def test_the_same_numbers_add_a_head_only(stored: Project, measured: Record) -> None:
    """A version that agrees to the bit shares every content, and the decoded objects."""
    before = contents(stored)
    Store(stored).accept([named(measured, NEXT)], "the same")
    assert contents(stored) == before
    assert head(stored, NEXT).stat().st_size < 4000
    store = Store(stored)
    sides = [store.baseline(CASE, name).variants[ADAM] for name in (TORCH, NEXT)]
    assert sides[0] is sides[1]


def test_another_version_appends(stored: Project, measured: Record) -> None:
    """Lines stay as they are; of a variant with one other curve only that is stored."""
    before = contents(stored)
    Store(stored).accept([named(measured, NEXT, 1 + 1e-15)], "rounding")
    after = contents(stored)
    assert after[ADAM] == before[ADAM]
    assert after[SGD].startswith(before[SGD])
    added = [json.loads(line) for line in after[SGD][len(before[SGD]):].splitlines()]
    assert [line["kind"] for line in added] == ["loss", "text"]
    assert all(line["parent"] for line in added)
    assert len(after[SGD]) - len(before[SGD]) < 1000


def test_a_head_is_read_without_decoding(stored: Project,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing names and keys opens no content."""
    monkeypatch.setattr(baselines, "Content", lambda path: pytest.fail(f"{path} was opened"))
    record = Store(stored).baseline(CASE, TORCH)
    assert isinstance(record.variants, Variants) and list(record.variants) == [SGD, ADAM]
    assert record.accepted is not None and record.accepted["reason"] == "first"
    assert all(record.key(name) for name in record.variants)


def test_what_nobody_refers_to_goes_when_a_baseline_is_replaced(stored: Project,
                                                                measured: Record) -> None:
    """A replaced baseline's contents are dropped, but for what others are made of."""
    before = contents(stored)
    Store(stored).accept([named(measured, NEXT, 1.5)], "another")
    between = contents(stored)
    Store(stored).accept([named(measured, NEXT, 1.7)], "yet another")
    after = contents(stored)
    assert after[SGD].startswith(before[SGD])
    lost = set(between[SGD].splitlines()) - set(after[SGD].splitlines())
    assert [json.loads(line)["kind"] for line in lost] in (["loss", "text"], ["text", "loss"],
                                                           ["text"], ["loss"], [])
    Store(stored).accept([named(measured, NEXT)], "as before after all")
    assert contents(stored) == before


def test_nothing_is_dropped_beside_a_damaged_head(stored: Project, measured: Record) -> None:
    """What a head needs that cannot be read is unknown."""
    Store(stored).accept([named(measured, NEXT, 1.5)], "another")
    whole = head(stored, TORCH).read_text()
    head(stored, TORCH).write_text(whole[:-30])
    Store(stored).accept([named(measured, "reference", 1.7)], "right now")
    Store(stored).accept([named(measured, NEXT, 1.8)], "another")
    head(stored, TORCH).write_text(whole)
    assert texts(Store(stored).baseline(CASE, TORCH)) == texts(measured)


def damage_curve(line: str) -> str:
    """Return a line with other numbers in it."""
    data = json.loads(line)
    data["data"] = data["data"][::-1]
    return json.dumps(data, separators=(",", ":"))


@pytest.mark.parametrize("spoil", [damage_curve, lambda line: line[:-9],
                                   lambda line: line.replace('"kind"', '"kid"'),
                                   lambda line: line.replace('"data":"', '"data":"\\u00ff'),
                                   lambda line: line.replace('"order":', '"order":"1","was":'),
                                   lambda line: "", lambda line: line[20:]])
def test_a_damaged_line_is_named_and_the_rest_is_read(stored: Project, measured: Record,
                                                      spoil: Callable[[str], str]) -> None:
    """File and key are told, other variants are compared, and accepting again repairs it."""
    path = stored.baselines / CASE / "content" / f"{SGD}.jsonl"
    lines = path.read_text().splitlines()
    key = json.loads(lines[0])["key"]
    spoilt = [spoil(lines[0]), *lines[1:]]
    path.write_text("".join(f"{line}\n" for line in spoilt), encoding="utf-8")
    record = Store(stored).baselines.read(stored.baseline_path(CASE, TORCH))
    with pytest.raises(RecordError) as error:
        _ = record.variants[SGD]
    assert str(path) in str(error.value) and key in str(error.value)
    assert record.variants[ADAM].trajectories.keys() == {"float64", "float32"}
    writing.write(named(measured, TORCH), stored.run_path(CASE, TORCH))
    report = compare(stored, Question((TORCH,), "baseline", (CASE,)))
    assert {c.variant: c.verdict for c in report.comparisons} == {
        ADAM: Verdict.IDENTICAL, SGD: Verdict.ERROR}
    Store(stored).accept([named(measured, TORCH)], "again")
    assert texts(Store(stored).baseline(CASE, TORCH)) == texts(measured)
    assert texts(Store(stored).baseline(CASE, "reference")) == texts(measured)


@pytest.mark.parametrize("writes", range(4))
def test_a_full_disk_loses_nothing(stored: Project, measured: Record, writes: int,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    """However far it got, each baseline is the old one or the new one, whole."""
    left = [writes]
    real = baselines.write_text

    def write(path: Path, text: str) -> None:
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        real(path, text)

    for module in (baselines, content):
        monkeypatch.setattr(module, "write_text", write)
    new = [named(measured, name, 1.5) for name in ("reference", TORCH)]
    fails = pytest.raises(OSError, match="No space") if writes < 3 else nullcontext()
    with fails:
        Store(stored).accept(new, "second")
    monkeypatch.undo()
    found = [texts(Store(stored).baseline(CASE, name)) for name in ("reference", TORCH)]
    assert found == [texts(new[0] if writes > before else measured) for before in (1, 2)]


def test_a_record_in_one_file_is_a_baseline(project: Project, measured: Record) -> None:
    """What an older harness stored is read, and replaced by a head when accepted again."""
    record = dataclasses.replace(measured, accepted={"reason": "long ago"})
    writing.write(record, head(project, TORCH))
    assert texts(Store(project).baseline(CASE, TORCH)) == texts(measured)
    Store(project).accept([measured], "anew")
    assert head(project, TORCH).read_text().startswith('{"head":1,')
    assert texts(Store(project).baseline(CASE, TORCH)) == texts(measured)


@pytest.mark.parametrize(("change", "message"), [
    (lambda d: d.update(head=9), "another format version"),
    (lambda d: d["variants"].update({SGD: 3}), "Expected `str`"),
    (lambda d: d.pop("provenance"), "missing required field `provenance`"),
    (lambda d: d.update(environment="torch-2.14.1"), "belongs to another file"),
    (lambda d: d["variants"].update(nope="0" * 16), "unknown variant"),
    (lambda d: d["provenance"].update(data_sha256="0" * 64), "other data"),
])
def test_a_wrong_head_is_refused(stored: Project, change: Callable[[dict], object],  # type: ignore
                                 message: str) -> None:
    """Each kind of damage is named."""
    data = json.loads(head(stored, TORCH).read_text())
    change(data)
    head(stored, TORCH).write_text(json.dumps(data, separators=(",", ":")))
    with pytest.raises(HarnessError, match=message):
        Store(stored).baseline(CASE, TORCH)


def test_other_weights_are_a_problem_of_the_variant(project: Project, measured: Record) -> None:
    """A variant measured from other weights is compared with nothing; the next one is."""
    other = named(measured, TORCH)
    other.variants[SGD].weights_sha256 = "0" * 64
    Store(project).accept([other], "wrong")
    record = Store(project).baseline(CASE, TORCH)
    assert "other initial weights" in str(record.variants[SGD].error)
    assert record.variants[ADAM].error is None
