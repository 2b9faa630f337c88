"""Waivers: which comparison one concerns, and when it matches nothing any more."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from harness.compare import waivers
from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver
from harness.compare.compare import Question, compare
from harness.errors import HarnessError
from harness.records.project import Project
from harness.records.record import Record
from tests.kit.nights import named, put

KNOWN = ["torch-2.4.1", "torch-2.5.1", "torch-2.6.0", "tensorflow-2.15.1", "keras-3.0.5"]


def waiver(environment: str = "torch-*", against: str = "previous", case: str = "*",
           from_version: str = "") -> Waiver:
    """Return a waiver of anything up to 1."""
    return Waiver(environment, against, case, "*", "*", 1.0, "r", "u", "2026-11-21", from_version)


def comparison(observed: str, baseline: str, against: str = "previous",
               deviation: float | None = 1e-6) -> Comparison:
    """Return a comparison of xor with one difference."""
    found = Finding("float64_trajectory", Verdict.DRIFT, "", deviation=deviation)
    return Comparison("xor", "v", observed, against, baseline, [found])


@pytest.mark.parametrize(("observed", "baseline", "against", "covered"), [
    ("torch-2.5.1", "torch-2.4.1", "previous", True),
    ("torch-2.6.0", "torch-2.4.1", "previous", True),
    ("torch-2.4.1", "torch-2.6.0", "previous", True),
    ("torch-2.6.0", "torch-2.5.1", "previous", False),
    ("torch-2.4.1", "torch-2.3.1", "previous", False),
    ("torch-2.5.1", "reference", "reference", True),
    ("torch-2.4.1", "reference", "reference", False),
    ("torch-nightly", "torch-2.4.1", "previous", True),
    ("torch-nightly", "torch-2.6.0", "previous", False),
])
def test_from_a_version_on(observed: str, baseline: str, against: str, covered: bool) -> None:
    """A change is what lies between a version before it and one from it on."""
    one = comparison(observed, baseline, against)
    known = waiver(against="previous reference", from_version="2.5")
    assert waivers.cover(one, [known]).is_waived is covered


def test_the_family_before_is_before() -> None:
    """Keras 3.0 follows TensorFlow 2.15, whatever their numbers."""
    one = comparison("keras-3.0.5", "tensorflow-2.15.1")
    assert waivers.cover(one, [waiver("keras-*", from_version="3.0")]).is_waived


def test_nothing_larger_is_covered() -> None:
    """A waiver bounds what it covers."""
    one = comparison("torch-2.5.1", "torch-2.4.1", deviation=2.0)
    assert not waivers.cover(one, [waiver()]).is_waived


def test_a_waiver_that_matches_nothing_is_named() -> None:
    """All that it names was looked at, and nothing differed."""
    looked_at = [Comparison("xor", "v", name, "previous", "torch-2.4.1") for name in KNOWN[:3]]
    found = waivers.unused([waiver(), waiver("torch-2.5.1"), waiver("keras-*"),
                            waiver(against="reference"), waiver(case="masked_*")],
                           looked_at, KNOWN)
    assert found == [waiver(), waiver("torch-2.5.1")]


def test_a_waiver_is_not_judged_by_a_part() -> None:
    """One that names every torch says nothing where one torch was looked at."""
    looked_at = [Comparison("xor", "v", "torch-2.5.1", "previous", "torch-2.4.1")]
    assert waivers.unused([waiver()], looked_at, KNOWN) == []


def test_a_version_must_be_one(tmp_path: Path) -> None:
    """A from_version that is none is refused, with its place."""
    path = tmp_path / "waivers.toml"
    path.write_text('[[waiver]]\nenvironment="t"\nagainst="p"\ncase="c"\nvariant="v"\n'
                    'check="c"\nat_most=1\nreason="r"\nupstream="u"\ndate="d"\n'
                    'from_version="soon"\n')
    with pytest.raises(HarnessError, match=r"(?s)from_version.*waiver 1"):
        waivers.load(path)


@pytest.mark.parametrize("bound", ["nan", "-1", '"a lot"', "-inf"])
def test_a_bound_must_be_one(tmp_path: Path, bound: str) -> None:
    """What no difference can be compared with would cover nothing, or say so of everything."""
    path = tmp_path / "waivers.toml"
    path.write_text('[[waiver]]\nenvironment="t"\nagainst="p"\ncase="c"\nvariant="v"\n'
                    f'check="c"\nat_most={bound}\nreason="r"\nupstream="u"\ndate="d"\n')
    with pytest.raises(HarnessError, match=r"(?s)at_most must be a number.*waiver 1"):
        waivers.load(path)


@pytest.mark.parametrize(("fields", "words"), [
    ({}, ["covers everything everywhere"]),
    ({"check": "float64_* **"}, ["covers everything everywhere"]),
    ({"case": "xor", "at_most": math.inf}, ["has no bound"]),
    ({"at_most": math.inf}, ["covers everything everywhere", "has no bound"]),
    ({"environment": "torch-*"}, []),
    ({"case": "xor", "at_most": 1e9}, [])])
def test_a_careless_waiver_is_warned_about(fields: dict[str, Any], words: list[str]) -> None:
    """One that covers whatever comes, or however large it is, hides what nobody has explained."""
    one = dataclasses.replace(waiver("*", "*"), reason="we know " + "x" * 500, **fields)
    found = [text for text, _ in waivers.careless([waiver(), one])]
    assert len(found) == len(words)
    for text, part in zip(found, words, strict=True):
        assert part in text and "we know" in text and len(text) < 300


def test_many_without_a_bound_are_one_warning() -> None:
    """Where NaN must be covered there is no other bound, and a list of them would be noise."""
    one = dataclasses.replace(waiver(case="xor"), at_most=math.inf)
    (found, is_usual), = waivers.careless([one] * 10)
    assert is_usual
    assert found.endswith("and 9 more")


def test_the_warning_reaches_every_report(matrix: Project, measured: Record) -> None:
    """It is a note of any comparison, of a night as well."""
    (matrix.root / "results" / "waivers.toml").write_text("[[waiver]]\n" + "".join(
        f'{name} = "*"\n' for name in ("environment", "against", "case", "variant", "check",
                                       "reason", "upstream", "date")) + "at_most = inf\n")
    put(matrix, named(measured, "torch-2.13.0"))
    report = compare(matrix, Question())
    assert sum("waiver" in note for note in report.notes) == 2


def test_no_waiver_of_this_project_covers_everything(checkout: Project) -> None:
    """Each says what it is for."""
    listed = waivers.load(checkout.root / "results" / "waivers.toml")
    assert not any("everywhere" in text for text, _ in waivers.careless(listed))
@pytest.mark.parametrize("text", [
    b"\xff\xfe", b"[[waiver]]\nat_most = " + b"9" * 5000, b"x = " + b"[" * 100_000, b"waiver = 5",
    b"waiver = [5]", b"[waiver]\na = 1", b"[[waiver]]\ncase = []", b"\x00"])
def test_damaged_waivers_are_an_error(tmp_path: Path, text: bytes) -> None:
    """Whatever the file holds, it is named."""
    (tmp_path / "waivers.toml").write_bytes(text)
    with pytest.raises(HarnessError, match="waiver"):
        waivers.load(tmp_path / "waivers.toml")


@pytest.mark.parametrize("bound", ["nan", "-1", "true", "[]"])
def test_a_waiver_has_a_bound_that_is_a_number(tmp_path: Path, bound: str) -> None:
    """NaN covers nothing and looks as if it did; a negative one likewise."""
    text = (f'[[waiver]]\nenvironment = "*"\nagainst = "*"\ncase = "*"\nvariant = "*"\n'
            f'check = "*"\nat_most = {bound}\nreason = "r"\nupstream = "u"\ndate = "d"\n')
    (tmp_path / "waivers.toml").write_text(text)
    with pytest.raises(HarnessError, match="at_most"):
        waivers.load(tmp_path / "waivers.toml")
