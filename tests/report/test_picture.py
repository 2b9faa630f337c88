"""The small picture says what the facts say, in both formats."""

import re

import pytest

from harness.compare.checks.finding import Verdict
from harness.errors import UsageError
from harness.report import picture
from tests.kit.page_facts import HOSTILE
from tests.kit.reports import WAIVER, collect, comparison, record, report_of


def texts(path):
    """Return the texts of an SVG, in its order."""
    return [re.sub("<.*?>", "", found).strip()
            for found in re.findall(r"<text.*?</text>", path.read_text(encoding="utf-8"), re.S)]


def test_a_cell_counts_the_variants_with_the_worst_verdict(tmp_path):
    """What no waiver covers counts before what is waived, a change before the reference."""
    facts = collect(report_of(
        comparison(Verdict.REGRESSION, "torch-2.13.0", "previous"),
        comparison(Verdict.DRIFT, "torch-2.14.1", "previous", WAIVER),
        comparison(Verdict.IDENTICAL, "torch-2.15.0", "previous"),
        comparison(Verdict.DRIFT, "torch-2.15.0", "reference", WAIVER),
        observed=[record(f"torch-{version}") for version in ("2.13.0", "2.14.1", "2.15.0")]))
    picture.write(facts, tmp_path / "report.svg")
    *cells, counts = texts(tmp_path / "report.svg")
    assert cells[:8] == ["xor", "R1", "(1)", "=", "2.13.0", "torch", "2.14.1", "2.15.0"]
    assert " ".join(cells[8:]) == facts["answer"]
    assert counts == "= 1 identical    R 1 regression    ( ) 2 waived"


def places(path):
    """Return the heights of an SVG's texts, by text, downwards."""
    found = re.findall(r'<text.*?(?:y="|translate\([\d.-]+ )([\d.]+).*?>([^<]*)</', path.read_text(
        encoding="utf-8"), re.S)
    return {text.strip(): float(y) for y, text in found}


@pytest.mark.parametrize("words", [1, 12, 40])
def test_no_text_lies_over_another(tmp_path, words):
    """However long the answer is, counts, family and versions stand below it in this order."""
    facts = collect(report_of())
    facts["answer"] = " ".join(["behaviour"] * words)
    picture.write(facts, tmp_path / "report.svg")
    found = places(tmp_path / "report.svg")
    counts = next(y for text, y in found.items() if text.startswith("= 1 identical"))
    answer = max(y for text, y in found.items() if "behaviour" in text)
    assert answer < counts < found["torch"] < found["2.13.0"] < found["xor"]


def test_the_same_facts_give_the_same_bytes(tmp_path):
    """No time and no random identifier is in it."""
    facts = collect(report_of())
    for name in ("one.svg", "two.svg"):
        picture.write(facts, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_png_is_one(tmp_path):
    """The suffix decides; anything else is refused."""
    facts = collect(report_of())
    picture.write(facts, tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError):
        picture.write(facts, tmp_path / "report.gif")


def test_hostile_names_are_text(tmp_path):
    """Neither SVG nor matplotlib's formulas obey them."""
    name = "torch-$x^2$" + HOSTILE
    facts = collect(report_of(comparison(Verdict.DRIFT, name), observed=[record(name)]))
    picture.write(facts, tmp_path / "report.svg")
    text = (tmp_path / "report.svg").read_text(encoding="utf-8")
    assert "<script" not in text and "\u202e" not in text
    assert any(found.startswith("$x^2$&lt;/script") for found in texts(tmp_path / "report.svg"))
