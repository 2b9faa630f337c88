"""Stored baselines: exact, small, lazy, and never lost."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from harness.compare.checks.finding import Verdict
from harness.compare.compare import Question, compare
from harness.errors import HarnessError, RecordError
from harness.files import write_bytes, write_text
from harness.records import writing
from harness.records.project import Project
from harness.records.record import Record, Variants
from harness.store import baselines
from harness.store import contents as content
from harness.store.accepting import accept
from harness.store.contents import Contents
from harness.store.reading import records
from harness.store.store import Store

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CASE, TORCH, NEXT = "imbalanced_binary", "torch-2.13.0", "torch-2.14.1"
SGD, ADAM = "bce_sigmoid-sgd_0.1", "bce_sigmoid-adam_0.01"


def named(record: Record, environment: str, factor: float = 1.0) -> Record:
    """Return a record of another environment, one of its curves changed."""
    record = dataclasses.replace(copy.deepcopy(record), environment=environment)
    trajectory = record.variants[SGD].trajectories["float64"]
    trajectory.loss = [value * factor for value in trajectory.loss]
    return record


def other(record: Record, environment: str, factor: float) -> Record:
    """Return a record that has nothing in common with another one but the probes."""
    record = named(record, environment)
    for trajectory in record.variants[SGD].trajectories.values():
        for curve in ("loss", "gradient_norm", "update_norm"):
            setattr(trajectory, curve, [factor * value for value in getattr(trajectory, curve)])
    return record


@pytest.fixture
def stored(project: Project, measured: Record) -> Project:
    """Return a project with the baselines of the reference and of one environment."""
    accept(Store(project), [named(measured, "reference"), named(measured, TORCH)], "first")
    return project


def contents(project: Project) -> dict[str, dict[str, bytes]]:
    """Return the files of contents, by the name of the variant and their own."""
    found: dict[str, dict[str, bytes]] = {}
    for path in (project.baselines / CASE / "content").glob("*/*"):
        found.setdefault(path.parent.name, {})[path.name] = path.read_bytes()
    return found


def added(before: dict[str, dict[str, bytes]], after: dict[str, dict[str, bytes]]) -> list[str]:
    """Return the names of the files that are new; no other has changed."""
    assert all(after[variant][name] == data for variant in before
               for name, data in before[variant].items())
    return [name for variant in after for name in after[variant]
            if name not in before.get(variant, {})]


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
    accept(Store(project), [named(measured, TORCH), broken], "it diverged")
    back = Store(project).baseline(CASE, NEXT).variants[SGD].trajectories["float32"].loss
    assert str(list(back[-3:])) == "[inf, -inf, nan]"


def test_the_same_numbers_add_a_head_only(stored: Project, measured: Record) -> None:
    """A version that agrees to the bit shares every content, and the decoded objects."""
    before = contents(stored)
    accept(Store(stored), [named(measured, NEXT)], "the same")
    assert contents(stored) == before
    assert head(stored, NEXT).stat().st_size < 4000
    store = Store(stored)
    sides = [store.baseline(CASE, name).variants[ADAM] for name in (TORCH, NEXT)]
    assert sides[0] is sides[1]


def test_another_version_adds_a_patch(stored: Project, measured: Record) -> None:
    """Files stay as they are; a content with one other curve is a small patch of another one."""
    before = contents(stored)
    accept(Store(stored), [named(measured, NEXT, 1 + 1e-15)], "rounding")
    after = contents(stored)
    [name] = added(before, after)
    [base] = before[SGD]
    assert name.endswith(f"-from-{base}")
    assert len(after[SGD][name]) < content.WORTH * len(after[SGD][base])


def test_a_patch_is_of_what_is_none(stored: Project, measured: Record) -> None:
    """However many versions follow each other, no content needs more than one other."""
    record = measured
    for number in range(4):
        record = named(record, f"torch-2.{number}.0", 1 + 1e-15)
        accept(Store(stored), [record], "rounding")
    names = contents(stored)[SGD]
    bases = {name.partition("-from-")[2] for name in names} - {""}
    assert len(names) == 5 and bases == {name for name in names if "-from-" not in name}


def test_the_most_similar_base_is_taken(project: Project, measured: Record) -> None:
    """Of two contents that have nothing in common, the one is chosen that is like the new one."""
    for name, factor in (("reference", 1.0), (TORCH, 1.5)):
        record = other(measured, name, factor)
        accept(Store(project), [record], "a base")
        accept(Store(project), [named(record, f"{NEXT}.{factor:.0f}", 1 + 1e-15)], "and its like")
    names = sorted(contents(project)[SGD], key=len)
    bases, patches = names[:2], names[2:]
    assert {name.partition("-from-")[2] for name in patches} == set(bases)


def test_anybody_can_open_a_content(stored: Project, measured: Record) -> None:
    """Zstandard gives the line of the record, and the line's SHA-256 begins with the name."""
    accept(Store(stored), [named(measured, NEXT, 1 + 1e-15)], "rounding")
    lines = [line.partition(":")[2].rstrip(",")
             for name in (TORCH, NEXT) for line in writing.dumps(
                 Store(stored).baseline(CASE, name)).splitlines() if line.startswith(f'"{SGD}"')]
    names = sorted(contents(stored)[SGD], key=len)
    whole, patch = (contents(stored)[SGD][name] for name in names)
    base = zstd.decompress(whole)
    texts = [base, zstd.decompress(patch, zstd_dict=zstd.ZstdDict(base, is_raw=True).as_prefix)]
    assert [text.decode() for text in texts] == lines
    for name, text in zip(names, texts, strict=True):
        assert name.startswith(hashlib.sha256(text).hexdigest()[:16])


def test_a_head_is_read_without_decoding(stored: Project,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing names and keys opens no content."""
    monkeypatch.setattr(baselines, "Contents", lambda path: pytest.fail(f"{path} was opened"))
    record = Store(stored).baseline(CASE, TORCH)
    assert isinstance(record.variants, Variants) and list(record.variants) == [SGD, ADAM]
    assert record.accepted is not None and record.accepted["reason"] == "first"
    assert all(record.key(name) for name in record.variants)


def test_what_nobody_refers_to_goes_when_a_baseline_is_replaced(stored: Project,
                                                                measured: Record) -> None:
    """A replaced baseline's content is removed, and that of the others stays."""
    before = contents(stored)
    accept(Store(stored), [named(measured, NEXT, 1.5)], "another")
    between = contents(stored)
    accept(Store(stored), [named(measured, NEXT, 1.7)], "yet another")
    after = contents(stored)
    assert len(added(before, after)) == 1 and added(before, after) != added(before, between)
    accept(Store(stored), [named(measured, NEXT)], "as before after all")
    assert contents(stored) == before


def test_a_base_stays_until_nothing_is_a_patch_of_it(stored: Project, measured: Record) -> None:
    """No head names it any more, but a content that one names is made of it."""
    accept(Store(stored), [named(measured, NEXT, 1 + 1e-15)], "a patch")
    [base] = [name for name in contents(stored)[SGD] if "-from-" not in name]
    accept(Store(stored), [other(measured, name, 1.5) for name in ("reference", TORCH)], "new")
    assert base in contents(stored)[SGD]
    assert texts(Store(stored).baseline(CASE, NEXT)) == texts(named(measured, NEXT, 1 + 1e-15))
    accept(Store(stored), [other(measured, NEXT, 1.5)], "new as well")
    assert len(contents(stored)[SGD]) == 1 and base not in contents(stored)[SGD]


def test_nothing_is_dropped_beside_a_damaged_head(stored: Project, measured: Record) -> None:
    """What a head needs that cannot be read is unknown."""
    accept(Store(stored), [named(measured, NEXT, 1.5)], "another")
    whole = head(stored, TORCH).read_text()
    head(stored, TORCH).write_text(whole[:-30])
    accept(Store(stored), [named(measured, "reference", 1.7)], "right now")
    accept(Store(stored), [named(measured, NEXT, 1.8)], "another")
    head(stored, TORCH).write_text(whole)
    assert texts(Store(stored).baseline(CASE, TORCH)) == texts(measured)


SPOIL: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"", "cut off": lambda data: data[:-9],
    "reversed": lambda data: data[::-1], "one more": lambda data: data + data,
    "other numbers": lambda data: zstd.compress(zstd.decompress(data).replace(b"0.1", b"0.2")),
    "not JSON": lambda data: zstd.compress(b"{"),
    "without end": lambda data: zstd.compress(b" " * (content.LARGEST + 1))}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_a_damaged_content_is_named_and_the_rest_is_read(stored: Project, measured: Record,
                                                         spoil: Callable[[bytes], bytes]) -> None:
    """The file is told, other variants are compared, and accepting again repairs it."""
    [path] = (stored.baselines / CASE / "content" / SGD).iterdir()
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))
    record = Store(stored).baselines.read(stored.baseline_path(CASE, TORCH))
    with pytest.raises(RecordError) as error:
        _ = record.variants[SGD]
    assert str(path) in str(error.value)
    assert record.variants[ADAM].trajectories.keys() == {"float64", "float32"}
    writing.write(named(measured, TORCH), stored.run_path(CASE, TORCH))
    report = compare(stored, Question((TORCH,), "baseline", (CASE,)))
    assert {c.variant: c.verdict for c in report.comparisons} == {
        ADAM: Verdict.IDENTICAL, SGD: Verdict.ERROR}
    accept(Store(stored), [named(measured, TORCH)], "again")
    assert path.read_bytes() == whole
    assert texts(Store(stored).baseline(CASE, TORCH)) == texts(measured)
    assert texts(Store(stored).baseline(CASE, "reference")) == texts(measured)


def test_what_a_lost_base_held_is_stored_again(stored: Project, measured: Record) -> None:
    """Without its base a patch cannot be read; accepted again it is whole, and the patch goes."""
    accept(Store(stored), [named(measured, NEXT, 1 + 1e-15)], "a patch")
    [base, patch] = sorted((stored.baselines / CASE / "content" / SGD).iterdir(),
                           key=lambda path: len(path.name))
    base.unlink()
    with pytest.raises(RecordError, match="not there") as error:
        _ = Store(stored).baselines.read(head(stored, NEXT)).variants[SGD]
    assert f"git log --oneline -- {base}" in str(error.value)
    accept(Store(stored), [named(measured, NEXT, 1 + 1e-15)], "again")
    assert [path.name for path in base.parent.iterdir()] == [f"{patch.name[:16]}.json.zst"]
    assert texts(Store(stored).baseline(CASE, NEXT)) == texts(named(measured, NEXT, 1 + 1e-15))


def test_what_another_process_accepted_is_found(stored: Project, measured: Record) -> None:
    """Contents that were looked at before have no need to be looked at as they were."""
    store = Store(stored)
    _ = store.baseline(CASE, TORCH).variants[SGD]
    accept(Store(stored), [named(measured, NEXT, 1.5)], "meanwhile")
    assert store.baseline(CASE, NEXT).variants[SGD].error is None


def test_a_key_leads_nowhere_else(stored: Project) -> None:
    """Whatever a head names, nothing is opened outside the folder of the contents."""
    for key in ("../../../tox", "0" * 16, "x", ""):
        with pytest.raises(RecordError, match="not there"):
            Contents(stored.content_path(CASE, SGD)).variant(key)


def git(project: Project, *arguments: str) -> None:
    """Run git in a project, without the user's settings."""
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *arguments],
                   cwd=project.root, check=True, capture_output=True)


def test_branches_that_accept_different_environments_merge(
        stored: Project, measured: Record, checkout: Project) -> None:
    """Both add a content, and one that is the same: git merges, and everything can be read."""
    for name in (".gitattributes", ".gitignore"):
        shutil.copy(checkout.root / name, stored.root)
    git(stored, "init", "-q", "-b", "main")
    git(stored, "add", ".")
    git(stored, "commit", "-q", "-m", "first")
    new = [named(measured, name, factor) for name, factor in (
        ("torch-2.1.0", 1.1), ("torch-2.2.0", 1.2), ("torch-2.3.0", 1.3), ("torch-2.4.0", 1.3))]
    for branch, accepted in (("one", new[::2]), ("other", new[1::2])):
        git(stored, "checkout", "-q", "-b", branch, "main")
        accept(Store(stored), accepted, branch)
        git(stored, "add", ".")
        git(stored, "commit", "-q", "-m", branch)
    git(stored, "merge", "-q", "-m", "both", "one")
    for record in new:
        assert texts(Store(stored).baseline(CASE, record.environment)) == texts(record)


@pytest.mark.parametrize("writes", range(4))
def test_a_full_disk_loses_nothing(stored: Project, measured: Record, writes: int,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    """However far it got, each baseline is the old one or the new one, whole."""
    left = [writes]

    def failing(write: Callable[..., None]) -> Callable[..., None]:
        def writes(path: Path, what: str | bytes) -> None:
            if not left[0]:
                raise OSError(28, "No space left on device")
            left[0] -= 1
            write(path, what)

        return writes

    monkeypatch.setattr(baselines, "write_text", failing(write_text))
    monkeypatch.setattr(content, "write_bytes", failing(write_bytes))
    new = [named(measured, name, 1.5) for name in ("reference", TORCH)]
    fails = pytest.raises(OSError, match="No space") if writes < 3 else nullcontext()
    with fails:
        accept(Store(stored), new, "second")
    monkeypatch.undo()
    found = [texts(Store(stored).baseline(CASE, name)) for name in ("reference", TORCH)]
    assert found == [texts(new[0] if writes > before else measured) for before in (1, 2)]


def test_a_record_in_one_file_is_a_baseline(project: Project, measured: Record) -> None:
    """What an older harness stored is read, and replaced by a head when accepted again."""
    record = dataclasses.replace(measured, accepted={"reason": "long ago"})
    writing.write(record, head(project, TORCH))
    assert texts(Store(project).baseline(CASE, TORCH)) == texts(measured)
    accept(Store(project), [measured], "anew")
    assert head(project, TORCH).read_text().startswith('{"head":2,')
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
    accept(Store(project), [other], "wrong")
    record = Store(project).baseline(CASE, TORCH)
    assert "other initial weights" in str(record.variants[SGD].error)
    assert record.variants[ADAM].error is None
