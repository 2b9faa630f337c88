"""The report: true to the comparison, strict JSON, harmless whatever a record says."""

import html
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from harness.checks import check_float32_trajectory
from harness.compare import Report
from harness.errors import DIFFERENCE, FAILURE, MATCH, UsageError
from harness.finding import Comparison, Finding, Verdict, Waiver
from harness.pair import EQUIVALENT, FACTOR, FLOOR, Pair
from harness.project import Project
from harness.record import Record, Trajectory, VariantRecord
from harness.report import facts as reporting
from harness.report import write
from harness.report.render import number, render, visible

PROJECT = Project(Path(__file__).resolve().parents[1])
CASE, VARIANT, STEPS = "xor", "bce_sigmoid-sgd_0.1", 20
LOSS = [float(np.float32(0.7 * 0.9 ** step)) for step in range(STEPS)]
ENVELOPE = [1e-7 * (step + 1) for step in range(STEPS)]
WAIVER = Waiver("torch-*", "reference", CASE, "*", "*", 1.0, "known since <1.12>",
                "issue 7", "2026-01-01")
HOSTILE = "</script><script>alert(1)</script><b>'\"&\u202egnp.exe"


def record(environment, loss=LOSS, variant=VARIANT, accepted=None, **provenance):
    """Return a record of one variant in both precisions."""
    float32 = Trajectory(list(loss))
    if environment == "reference":
        float32.envelope = {"loss": ENVELOPE}
    trajectories = {"float64": Trajectory(list(loss)), "float32": float32}
    return Record(CASE, environment, {"data_sha256": "0", "recorded": "2026-01-01T00:00:00Z",
                                      **provenance},
                  {variant: VariantRecord("0", trajectories)}, accepted)


def comparison(verdict, observed="torch-2.13.0", against="reference", waiver=None, **finding):
    """Return a comparison with one finding."""
    found = Finding(finding.pop("check", "float32_trajectory"), verdict,
                    finding.pop("sentence", "in words"), waiver=waiver, **finding)
    return Comparison(CASE, VARIANT, observed, against, "reference", [found])


def report_of(*comparisons, observed=None, **fields):
    """Return a report with a reference and one observed record."""
    accepted = {"reason": "first", "at": "2026-01-01T00:00:00Z"}
    records = observed or [record("torch-2.13.0")]
    return Report(list(comparisons) or [comparison(Verdict.IDENTICAL)],
                  {(CASE, r.environment): r for r in records},
                  {(CASE, "reference"): record("reference", accepted=accepted)}, **fields)


def collect(report):
    """Return the report's facts."""
    return reporting.collect(report, PROJECT, "2026-01-01T00:00:00Z")


def refuse(constant):
    """Refuse what is not JSON."""
    raise AssertionError(f"bare {constant}")


def strict(text):
    """Return parsed JSON, refusing NaN and Infinity."""
    return json.loads(text, parse_constant=refuse)


def data_of(page):
    """Return what the page's charts are drawn from."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return strict(found.group(1))


def test_writes_the_page_and_the_same_facts_as_json(tmp_path):
    """Both files are written, and the page's data are the JSON's."""
    write(report_of(), PROJECT, tmp_path / "report.html")
    facts = strict((tmp_path / "report.json").read_text(encoding="utf-8"))
    data = data_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert data["curves"] == facts["curves"]
    assert data["charts"] == {d["id"]: d["charts"] for d in facts["variants"]}


def test_refuses_a_name_that_the_json_would_take(tmp_path):
    """The page is never written over its own JSON."""
    with pytest.raises(UsageError):
        write(report_of(), PROJECT, tmp_path / "report.json")


def test_same_comparison_gives_the_same_bytes():
    """Nothing but the time of writing changes from one report to the next."""
    first, second = collect(report_of()), collect(report_of())
    assert reporting.dumps(first) == reporting.dumps(second)
    assert render(first) == render(second)


def test_page_is_rendered_from_the_json_alone():
    """Facts that went through JSON give the same page."""
    facts = collect(report_of(comparison(Verdict.DRIFT, step=3, deviation=0.1, allowance=1e-7)))
    assert render(strict(reporting.dumps(facts))) == render(facts)


def test_counts_are_those_of_the_comparisons():
    """Waived differences are counted apart, in total and for each kind."""
    facts = collect(report_of(
        comparison(Verdict.IDENTICAL, against="baseline"), comparison(Verdict.EQUIVALENT),
        comparison(Verdict.DRIFT, waiver=WAIVER), comparison(Verdict.REGRESSION)))
    assert facts["counts"] == {"identical": 1, "equivalent": 1, "drift": 0, "improvement": 0,
                               "regression": 1, "missing": 0, "error": 0}
    assert (facts["waived"], facts["exit_code"]) == (1, DIFFERENCE)
    assert [(k["against"], k["comparisons"], k["waived"]) for k in facts["kinds"]] == [
        ("baseline", 1, 0), ("reference", 3, 1)]
    assert facts["waivers"][0]["covers"] == 1


@pytest.mark.parametrize(("verdict", "waiver", "outcome", "words"), [
    (Verdict.IDENTICAL, None, "match", "the same in all 1 comparisons"),
    (Verdict.DRIFT, WAIVER, "match", "waivers explain the other 1"),
    (Verdict.REGRESSION, None, "difference",
     "of 1 comparisons 1 differ and no waiver covers that: 1 with a regression"),
])
def test_answer_follows_the_exit_code(verdict, waiver, outcome, words):
    """The sentence at the top says what the exit code says."""
    facts = collect(report_of(comparison(verdict, waiver=waiver)))
    assert facts["outcome"] == outcome
    assert words in facts["answer"]


def test_answer_never_says_the_same_when_something_could_not_be_compared():
    """One problem among matches keeps the question open, and is shown with its reason."""
    broken = Comparison(CASE, "*", "keras-3.15.1", "baseline", "keras-3.15.1",
                        problem="the worker\n  was killed")
    facts = collect(report_of(comparison(Verdict.IDENTICAL), broken))
    assert (facts["outcome"], facts["exit_code"]) == ("failure", FAILURE)
    assert "behaves the same" not in facts["answer"]
    assert "1 of 2 comparisons could not be made (keras-3.15.1)" in facts["answer"]
    assert facts["not_compared"][0]["problem"] == broken.problem
    page = render(facts)
    assert "the worker\n  was killed" in page
    assert "Every comparison that was asked for could be made" not in page


def test_float32_band_is_the_allowance_of_the_check():
    """The band is FACTOR * (envelope + FLOOR), and float64's is the equivalent bound."""
    facts = collect(report_of())
    charts = facts["variants"][0]["charts"]
    band = facts["curves"][charts["float32"]["allowance"]]
    assert band == pytest.approx(FACTOR * (np.array(ENVELOPE) + FLOOR), rel=1e-15)
    assert facts["curves"][charts["float64"]["allowance"]] == [EQUIVALENT] * STEPS


def test_a_curve_leaves_the_band_where_the_check_says():
    """Deviation and allowance drawn from the facts give the check's verdict and step."""
    allowed = FACTOR * (np.array(ENVELOPE) + FLOOR)
    loss = [*LOSS[:8], *(np.array(LOSS) + 1.5 * allowed)[8:].tolist()]
    report = report_of(observed=[record("torch-2.13.0", loss)])
    case = PROJECT.case(CASE)
    variant = next(v for v in case.variants if v.name == VARIANT)
    pair = Pair(case, variant, report.observed[CASE, "torch-2.13.0"].variants[VARIANT],
                report.baselines[CASE, "reference"].variants[VARIANT],
                {"float32": {"loss": ENVELOPE}})
    facts = collect(report)
    chart = facts["variants"][0]["charts"]["float32"]
    reference, observed = (np.float32(facts["curves"][line["curve"]]).astype(float)
                           for line in chart["lines"])
    off = np.abs(observed - reference) / np.maximum(1, np.abs(reference)) > \
        facts["curves"][chart["allowance"]]
    assert int(off.argmax()) == check_float32_trajectory(pair)[0].step == 8


def test_curves_that_agree_to_the_bit_are_one_line():
    """They are stored once, and the line names everyone."""
    facts = collect(report_of(observed=[record("torch-2.12.0"), record("torch-2.13.0")]))
    lines = facts["variants"][0]["charts"]["float32"]["lines"]
    assert [[m["environment"] for m in line["members"]] for line in lines] == [
        ["reference", "torch-2.12.0", "torch-2.13.0"]]


def test_a_baseline_that_its_environment_no_longer_reproduces_is_a_line_of_its_own():
    """Both sides are drawn, each in its role."""
    report = report_of(observed=[record("torch-2.13.0", [2 * value for value in LOSS])])
    report.baselines[CASE, "torch-2.13.0"] = record("torch-2.13.0", [3 * v for v in LOSS])
    lines = collect(report)["variants"][0]["charts"]["float64"]["lines"]
    assert [line["members"] for line in lines] == [
        [{"environment": "reference", "role": "reference"}],
        [{"environment": "torch-2.13.0", "role": "baseline"}],
        [{"environment": "torch-2.13.0", "role": "observed"}]]


def test_what_is_not_finite_is_a_gap_in_curves_and_a_word_in_tables():
    """Both files stay strict JSON."""
    loss = [*LOSS[:5], math.nan, math.inf, *LOSS[7:]]
    facts = collect(report_of(
        comparison(Verdict.REGRESSION, step=5, baseline=-math.inf, required=math.nan,
                   deviation=math.inf, allowance=1e-7), observed=[record("torch-2.13.0", loss)]))
    line = facts["variants"][0]["charts"]["float32"]["lines"][1]
    assert facts["curves"][line["curve"]][4:8] == [pytest.approx(LOSS[4]), None, None,
                                                   pytest.approx(LOSS[7])]
    assert line["nonfinite_step"] == 5
    page = render(strict(reporting.dumps(facts)))
    assert '<data value="Infinity" title="Infinity">inf</data>' in page
    data_of(page)


def test_nan_and_infinity_are_different_curves():
    """Both are gaps, but not the same curve."""
    nan, infinite = ([*LOSS[:-1], end] for end in (math.nan, math.inf))
    facts = collect(report_of(observed=[record("torch-2.12.0", nan),
                                        record("torch-2.13.0", infinite)]))
    assert len(facts["variants"][0]["charts"]["float32"]["lines"]) == 3


def test_hostile_text_is_shown_as_text():
    """Names, messages and provenance cannot close an element, run, or reorder the line."""
    bad = Comparison(CASE, HOSTILE, HOSTILE, "previous", HOSTILE, problem=HOSTILE)
    found = comparison(Verdict.DRIFT, sentence=HOSTILE, step=1, phase=HOSTILE,
                       waiver=Waiver(*[HOSTILE] * 5, 1.0, *[HOSTILE] * 3))
    observed = record(HOSTILE, [2 * v for v in LOSS], python=HOSTILE, cpu=HOSTILE, platform=[1],
                      packages={"numpy": HOSTILE}, selection=[HOSTILE])
    page = render(collect(report_of(bad, found, observed=[observed], notes=[HOSTILE])))
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert html.escape(visible(HOSTILE), quote=False).replace('"', "&#34;").replace(
        "'", "&#39;") in page
    assert page.count("</script>") == 3
    lines = data_of(page)["charts"][f"detail-{CASE}-{VARIANT}"]["float32"]["lines"]
    assert lines[1]["members"][0]["environment"] == visible(HOSTILE)


def test_details_are_open_only_for_what_no_waiver_covers():
    """A waived difference stays folded."""
    assert not collect(report_of(comparison(Verdict.DRIFT, waiver=WAIVER)))["variants"][0]["open"]
    assert collect(report_of(comparison(Verdict.DRIFT)))["variants"][0]["open"]


def test_equal_findings_of_several_environments_are_one_row():
    """The row names them all; no finding is lost."""
    names = ["torch-2.12.0", "torch-2.13.0"]
    facts = collect(report_of(*(comparison(Verdict.DRIFT, name, step=2) for name in names)))
    rows = facts["variants"][0]["differences"]
    assert [[pair["observed"] for pair in row["pairs"]] for row in rows] == [names]


def test_matrix_has_a_cell_for_every_comparison():
    """Each comparison is in exactly one cell, in its environment's and kind's column."""
    facts = collect(report_of(
        comparison(Verdict.IDENTICAL, "torch-2.13.0", "baseline"),
        comparison(Verdict.DRIFT, "torch-2.13.0", "reference"),
        comparison(Verdict.IDENTICAL, "keras-3.15.1", "previous")))
    columns = [(e["name"], kind) for family in facts["matrix"]["families"]
               for e in family["environments"] for kind in e["kinds"]]
    cells = [cell for case in facts["matrix"]["cases"] for row in case["rows"]
             for cell in zip(columns, row["cells"], strict=True)]
    assert sorted((*column, index) for column, index in cells if index is not None) == sorted(
        (c["observed"], c["against"], index) for index, c in enumerate(facts["comparisons"]))


def test_commands_can_be_typed_as_they_stand():
    """A run is reproduced through tox; what is imported or stored is not accepted again."""
    stored = record("axon-0.6.1", accepted={"reason": "r", "at": "t"})
    facts = collect(report_of(comparison(Verdict.DRIFT), comparison(Verdict.DRIFT, "axon-0.6.1"),
                              observed=[record("torch-2.13.0"), stored]))
    ours, theirs = facts["variants"][0]["commands"]
    assert ours["reproduce"] == "tox run -e torch-2.13.0 -- xor"
    assert ours["compare"] == f"harness compare torch-2.13.0 --case xor --variant {VARIANT}"
    assert ours["accept"] == "harness accept torch-2.13.0 xor --reason TEXT"
    assert theirs["reproduce"] is theirs["accept"] is None


def test_page_allows_its_own_scripts_and_no_network():
    """The policy names two hashes, and no address is loaded from."""
    page = render(collect(report_of()))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    policy = html.unescape(policy)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.count("'sha256-") == 2
    own = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    assert not re.search(r'(src|href)="(?!#)', own)


def test_a_report_without_a_reference_still_shows_the_curves():
    """No band, no deviation, but the lines."""
    report = report_of(comparison(Verdict.IDENTICAL, against="baseline"))
    report.baselines.clear()
    chart = collect(report)["variants"][0]["charts"]["float32"]
    assert (len(chart["lines"]), chart["allowance"]) == (1, None)
    assert collect(report)["exit_code"] == MATCH


@pytest.mark.parametrize(("value", "shown"), [
    (1000, "1000"), (3.84e-06, "3.84e-06"), (0.0, "0"), ("NaN", "NaN"), ("-Infinity", "-inf")])
def test_numbers_are_shown_short_but_steps_whole(value, shown):
    """Three digits for a measure, all of them for a count."""
    assert number(value) == shown
