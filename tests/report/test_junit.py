"""JUnit XML: every comparison is a test case, with the result that its verdict means."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, TestCase

from harness.commands.cli import main
from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver
from harness.compare.compare import Report
from harness.records.project import Project
from harness.records.record import Record
from harness.report import junit
from tests.kit.nights import ADAM, CASE, SGD, changed, named, put

TORCH = "torch-2.13.0"
WAIVER = Waiver("*", "*", "*", "*", "*", 1.0, "known rounding", "issue 7", "2026-01-01")


def finding(verdict: Verdict, sentence: str = "in words", waiver: Waiver | None = None) -> Finding:
    """Return a finding with everything that locates it."""
    return Finding("float64_trajectory", verdict, sentence, step=7, phase="gradient",
                   tensor="gradient of dense_1.bias", deviation=math.inf, allowance=1e-9,
                   waiver=waiver)


def comparison(*findings: Finding, case: str = CASE, **fields: object) -> Comparison:
    """Return a comparison with its own baseline."""
    return Comparison(case, SGD, TORCH, "baseline", TORCH, list(findings),
                      **fields)  # type: ignore[arg-type]


def written(tmp_path: Path, *comparisons: Comparison, **options: object) -> list[TestCase]:
    """Return the test cases of a report, read back."""
    path = tmp_path / "deep" / "junit.xml"
    junit.write(Report(list(comparisons)), path, **options)  # type: ignore[arg-type]
    return [test for suite in JUnitXml.fromfile(str(path)) for test in suite]


@pytest.mark.parametrize("verdict", [Verdict.IDENTICAL, Verdict.EQUIVALENT])
def test_what_agrees_passes(tmp_path: Path, verdict: Verdict) -> None:
    """It has a name that says what was compared, its case as class, and no result."""
    test, = written(tmp_path, comparison(finding(verdict)))
    assert (test.classname, test.name) == (CASE, f"{TORCH} against baseline: {SGD}")
    assert (test.is_passed, test.result, test.system_out) == (True, [], None)


@pytest.mark.parametrize("verdict", [Verdict.DRIFT, Verdict.REGRESSION, Verdict.IMPROVEMENT])
def test_a_difference_is_a_failure(tmp_path: Path, verdict: Verdict) -> None:
    """It says the verdict, the sentence, and where it is."""
    test, = written(tmp_path, comparison(finding(verdict, "more than rounding")))
    result, = test.result
    assert isinstance(result, Failure)
    assert (result.type, result.message) == (verdict.word, "more than rounding")
    assert all(word in result.text for word in ("step 7", "phase gradient", "deviation inf",
                                                "allowance 1e-09", "dense_1.bias"))


def test_a_waived_difference_passes_and_says_why(tmp_path: Path) -> None:
    """The waiver's reason stands in the output of a test that passes."""
    test, = written(tmp_path, comparison(finding(Verdict.DRIFT, waiver=WAIVER)))
    assert test.is_passed
    assert "known rounding; issue 7" in test.system_out


def test_beside_a_waived_difference_an_open_one_fails(tmp_path: Path) -> None:
    """Only what is open is the failure; the waived part is still said."""
    test, = written(tmp_path, comparison(finding(Verdict.DRIFT, waiver=WAIVER),
                                         finding(Verdict.REGRESSION, "recall collapsed")))
    assert [r.message for r in test.result] == ["recall collapsed"]
    assert "known rounding" in test.system_out


@pytest.mark.parametrize("verdict", [Verdict.MISSING, Verdict.ERROR])
def test_a_problem_is_an_error(tmp_path: Path, verdict: Verdict) -> None:
    """Its first line is the message, all of it the text."""
    problem = "worker killed by SIGKILL\n  last lines of standard error:\n    no memory"
    test, = written(tmp_path, comparison(problem=problem, problem_verdict=verdict))
    result, = test.result
    assert isinstance(result, Error)
    assert (result.type, result.message) == (verdict.word, "worker killed by SIGKILL")
    assert "no memory" in result.text


def test_what_did_not_come_again_passes(tmp_path: Path) -> None:
    """An environment that is excused passes, and the difference is still said."""
    test, = written(tmp_path, comparison(finding(Verdict.DRIFT, "more than rounding")),
                    excused={TORCH: "unstable: gone"})
    assert test.is_passed
    assert "unstable: gone: more than rounding" in test.system_out


def test_whatever_a_framework_says_is_xml(tmp_path: Path) -> None:
    """Markup is escaped; what XML cannot hold is replaced, and the rest of it kept."""
    text = "</failure><evil/> & \x00\x1b[31m \ud800 \uffff done"
    test, = written(tmp_path, comparison(finding(Verdict.DRIFT, text)))
    assert test.result[0].message == "</failure><evil/> & \ufffd\ufffd[31m \ufffd \ufffd done"


def test_a_suite_for_every_case_with_its_counts(tmp_path: Path) -> None:
    """Failures, errors and tests are counted, for each case and in total."""
    path = tmp_path / "junit.xml"
    junit.write(Report([comparison(), comparison(finding(Verdict.DRIFT)),
                        comparison(problem="gone", case="xor")]), path)
    xml = JUnitXml.fromfile(str(path))
    assert [(s.name, s.tests, s.failures, s.errors) for s in xml] == [
        (CASE, 2, 1, 0), ("xor", 1, 0, 1)]
    assert (xml.tests, xml.failures, xml.errors) == (3, 1, 1)


def test_compare_writes_it(matrix: Project, measured: Record, tmp_path: Path) -> None:
    """`harness compare --junit` has a test case for every comparison of a real record."""
    put(matrix, changed(measured, TORCH), named(measured, "reference"))
    path = tmp_path / "junit.xml"
    assert main(["--root", str(matrix.root), "compare", TORCH, "--against", "baseline",
                 "--junit", str(path)]) == 1
    tests = [test for suite in JUnitXml.fromfile(str(path)) for test in suite]
    assert {(t.name.split(": ")[1], t.is_passed) for t in tests} == {(SGD, False), (ADAM, True)}
