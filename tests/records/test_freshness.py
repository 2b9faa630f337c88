"""Nothing is measured twice, and whatever changed is measured again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.records import freshness
from harness.records.project import Project


@pytest.fixture
def paths(project: Project, tmp_path: Path) -> tuple[Path, Path]:
    """Return a record that was measured from what is here now, and the failure beside it."""
    record = tmp_path / "record.json"
    origin = {"inputs": freshness.digests(project.root, "xor", ["xor.json", "xor_init0.json"])}
    record.write_text('{"format":2,\n"provenance":' + json.dumps(origin) + ',\n"variants":{}}\n')
    return record, tmp_path / "failed.txt"


def change(record: Path, name: str) -> None:
    """Let the record say that it was measured from something else."""
    text = record.read_text()
    origin = json.loads(text.splitlines()[1].partition(":")[2][:-1])
    origin["inputs"][name] = "0" * 64
    record.write_text(text.splitlines()[0] + '\n"provenance":' + json.dumps(origin) + ",\n")


def test_what_did_not_change_is_not_due(project: Project, paths: tuple[Path, Path]) -> None:
    """The same inputs: the record is still true."""
    assert freshness.reason(project.root, "xor", *paths) is None


@pytest.mark.parametrize("name", freshness.WORDS)
def test_every_digest_counts(project: Project, paths: tuple[Path, Path], name: str) -> None:
    """A digest that differs is a reason, in words."""
    change(paths[0], name)
    assert freshness.reason(project.root, "xor", *paths) == freshness.WORDS[name]


def test_data_count(project: Project, paths: tuple[Path, Path]) -> None:
    """Changed data, and data that is gone, are a changed case."""
    data = project.data_path("xor_init0.json")
    data.write_text(data.read_text() + " ")
    assert freshness.reason(project.root, "xor", *paths) == freshness.WORDS["case"]
    data.unlink()
    assert freshness.reason(project.root, "xor", *paths) == freshness.WORDS["case"]


def test_a_failure_and_a_part_are_due(project: Project, paths: tuple[Path, Path]) -> None:
    """A run that failed, and one of selected variants, do not stand for the whole."""
    record, failure = paths
    failure.write_text("killed")
    assert freshness.reason(project.root, "xor", record, failure) == "the last run failed"
    failure.unlink()
    record.write_text(record.read_text().replace('{"inputs"', '{"selection":["bce*"],"inputs"'))
    assert freshness.reason(project.root, "xor", record, failure) == "only bce* was measured"
    assert freshness.reason(project.root, "xor", record, failure, ["bce*"]) is None


@pytest.mark.parametrize("text", ["", "{}", '{"provenance":', "\0\1"])
def test_a_damaged_record_is_due(project: Project, paths: tuple[Path, Path], text: str) -> None:
    """What cannot be read is measured again."""
    paths[0].write_text(text)
    assert freshness.reason(project.root, "xor", *paths) == "it was not measured yet"


def test_a_patched_file_is_seen(tmp_path: Path) -> None:
    """An installed file that changes without its version changing is another environment."""
    package = tmp_path / "framework" / "ops"
    package.mkdir(parents=True)
    (package / "loss.py").write_text("a")
    (tmp_path / "framework" / "include").mkdir()
    before = freshness._files(str(tmp_path))
    (tmp_path / "framework" / "include" / "x.py").write_text("not looked at")
    assert freshness._files(str(tmp_path)) == before
    (package / "loss.py").write_text("b")
    os.utime(package / "loss.py", ns=(1, 1))
    assert freshness._files(str(tmp_path)) != before


@pytest.mark.parametrize("text", [
    b"\xff", b"", b"[]", b"5", b"{}", b'{"x1": 5}', b"[" * 100_000, b"9" * 5000, b'{"x1": []}'])
def test_damaged_data_are_an_error(project: Project, text: bytes) -> None:
    """A case's data and weights that cannot be read are named."""
    case = project.case("xor")
    for name, read in ((case.data, lambda: project.batches(case)),
                       (case.variants[0].weights, lambda: project.weights(case.variants[0]))):
        project.data_path(name).write_bytes(text)
        with pytest.raises(HarnessError, match="data"):
            read()


@pytest.mark.parametrize("limits", [
    {"dense_0": {"kernel": [1.0, [10**9, 10**9]]}}, {"dense_0": {"kernel": [1.0, [-1]]}},
    {"dense_0": {"kernel": "x"}}, {"dense_0": 5}, 5])
@pytest.mark.parametrize("seed", [1, "abc", None, -1, 1.5, 10**30])
def test_odd_streams_are_an_error(project: Project, limits: object, seed: object) -> None:
    """A seed or a shape that is none is named, and nothing is drawn without end."""
    variant = project.case("xor").variants[0]
    project.data_path(variant.weights).write_text(
        json.dumps({"stream": "splitmix64", "seed": seed, "limits": limits}))
    with pytest.raises(HarnessError, match="cannot read cases/data"):
        project.weights(variant)


@pytest.mark.parametrize("text", [
    '{"provenance":5}', '{"provenance":{"inputs":5}}', '{"provenance":{"selection":5}}',
    '{"provenance":' + "[" * 100_000, '{"provenance":' + "9" * 5000 + "}", "\udcff"])
def test_an_odd_record_must_be_measured(tmp_path: Path, text: str) -> None:
    """What tells nothing of where it comes from is as good as none."""
    path = tmp_path / "record.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert freshness.recorded(path) is None
