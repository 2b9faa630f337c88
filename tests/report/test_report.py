"""The report: true to the comparison, strict JSON, harmless whatever a record says."""

import dataclasses
import json
import math

import numpy as np
import pytest

from harness.compare import timeline
from harness.compare.checks.finding import Comparison, Finding, Verdict
from harness.compare.checks.pair import EQUIVALENT, FACTOR, FLOOR, Pair
from harness.compare.checks.trajectories import check_float32_trajectory
from harness.compare.compare import Report
from harness.errors import DIFFERENCE, FAILURE, MATCH, UsageError
from harness.report import facts as reporting
from harness.report import write
from harness.report.arrays import decode, encode
from harness.report.page.render import render
from tests.kit.reports import (
    ACCEPTED,
    CASE,
    ENVELOPE,
    LOSS,
    PROJECT,
    STEPS,
    VARIANT,
    WAIVER,
    collect,
    comparison,
    record,
    report_of,
)


def refuse(constant):
    """Refuse what is not JSON."""
    raise AssertionError(f"bare {constant}")


def strict(text):
    """Return parsed JSON, refusing NaN and Infinity."""
    return json.loads(text, parse_constant=refuse)


def chart_of(facts, precision="float32"):
    """Return the only variant's chart in a precision."""
    return facts["chunks"][f"{CASE}/{VARIANT}"]["charts"][precision]


def loss_of(chart, index):
    """Return a line's loss, in its precision."""
    array = chart["lines"][index]["loss"]
    return decode(array, loss_of(chart, array["base"]) if "base" in array else None)


def test_the_json_is_what_the_page_is_rendered_from(tmp_path):
    """Both files are written, and the page is that of the JSON."""
    write(report_of(), PROJECT, tmp_path / "report.html")
    facts = strict((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert facts["format"] == 3
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render(facts)


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
    (Verdict.IDENTICAL, None, "match", "the same in the only comparison"),
    (Verdict.DRIFT, WAIVER, "match", "0 of 1 comparison, and waivers explain the other 1"),
    (Verdict.REGRESSION, None, "difference",
     "torch-2.13.0 trains differently: 1 variant of xor against the reference. It matters"),
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


def test_float32_band_is_the_allowance_of_the_check():
    """The band is FACTOR * (envelope + FLOOR), and float64's is the equivalent bound."""
    facts = collect(report_of())
    band = decode(chart_of(facts)["allowance"])
    assert band == pytest.approx(FACTOR * (np.array(ENVELOPE) + FLOOR), rel=1e-7)
    assert decode(chart_of(facts, "float64")["allowance"]) == pytest.approx([EQUIVALENT] * STEPS)


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
    chart = chart_of(collect(report))
    reference, observed = loss_of(chart, 0), loss_of(chart, 1)
    off = np.abs(observed - reference) / np.maximum(1, np.abs(reference)) > \
        decode(chart["allowance"])
    assert int(off.argmax()) == check_float32_trajectory(pair)[0].step == 8


def test_curves_that_agree_to_the_bit_are_one_line():
    """They are stored once, and the line names everyone."""
    facts = collect(report_of(observed=[record("torch-2.12.0"), record("torch-2.13.0")]))
    assert [[m["environment"] for m in line["members"]] for line in chart_of(facts)["lines"]] == [
        ["reference", "torch-2.12.0", "torch-2.13.0"]]


def test_a_baseline_that_its_environment_no_longer_reproduces_is_a_line_of_its_own():
    """Both sides are drawn, each in its role."""
    report = report_of(observed=[record("torch-2.13.0", [2 * value for value in LOSS])])
    report.baselines[CASE, "torch-2.13.0"] = record("torch-2.13.0", [3 * v for v in LOSS])
    lines = chart_of(collect(report), "float64")["lines"]
    assert [line["members"] for line in lines] == [
        [{"environment": "reference", "role": "reference"}],
        [{"environment": "torch-2.13.0", "role": "baseline"}],
        [{"environment": "torch-2.13.0", "role": "observed"}]]


def test_what_is_not_finite_stays_so_in_curves_and_is_a_word_in_findings():
    """The file stays strict JSON, and curves keep NaN and infinity apart."""
    loss = [*LOSS[:5], math.nan, math.inf, *LOSS[7:]]
    facts = strict(reporting.dumps(collect(report_of(
        comparison(Verdict.REGRESSION, step=5, baseline=-math.inf, required=math.nan,
                   deviation=math.inf, allowance=1e-7), observed=[record("torch-2.13.0", loss)]))))
    assert chart_of(facts)["lines"][1]["nonfinite_step"] == 5
    assert loss_of(chart_of(facts), 1) == pytest.approx(loss, nan_ok=True)
    finding = facts["findings"][0]
    assert (finding["baseline"], finding["required"], finding["deviation"]) == (
        "-Infinity", "NaN", "Infinity")


def test_nan_and_infinity_are_different_curves():
    """Both are gaps, but not the same curve."""
    nan, infinite = ([*LOSS[:-1], end] for end in (math.nan, math.inf))
    facts = collect(report_of(observed=[record("torch-2.12.0", nan),
                                        record("torch-2.13.0", infinite)]))
    assert len(chart_of(facts)["lines"]) == 3


def test_details_are_open_only_for_what_no_waiver_covers():
    """A waived difference is nothing that changed."""
    waived, open_ = (collect(report_of(comparison(Verdict.DRIFT, waiver=waiver)))
                     for waiver in (WAIVER, None))
    assert [facts["cases"][0]["variants"][0]["open"] for facts in (waived, open_)] == [False, True]
    assert [len(facts["causes"]) for facts in (waived, open_)] == [0, 1]


def test_equal_findings_are_listed_once():
    """Comparisons refer to them, and to waivers, by index; none is lost."""
    names = ["torch-2.12.0", "torch-2.13.0"]
    facts = collect(report_of(*(comparison(Verdict.DRIFT, name, step=2, waiver=WAIVER)
                                for name in names)))
    assert [c["findings"] for c in facts["comparisons"]] == [[0], [0]]
    assert [c["worst"] for c in facts["comparisons"]] == [0, 0]
    assert facts["waivers"][facts["findings"][0]["waiver"]]["covers"] == 2


def test_a_change_that_every_side_shows_is_told_once():
    """One entry for all sides that show the same phase; another for another phase."""
    facts = collect(report_of(
        *(comparison(Verdict.DRIFT, against=against, step=2, phase="loss")
          for against in ("previous", "reference")),
        comparison(Verdict.DRIFT, against="baseline", step=3, phase="update")))
    assert [[side["against"] for side in cause["against"]] for cause in facts["causes"]] == [
        ["previous", "reference"], ["baseline"]]
    assert facts["causes"][0]["commands"][0] == "harness compare torch-2.13.0 --case xor"


def test_what_the_own_baseline_does_not_show_is_another_cause():
    """Accepting settles the one and not the other, so they are told apart."""
    own = comparison(Verdict.DRIFT, against="baseline", step=3, phase="loss")
    before = dataclasses.replace(
        comparison(Verdict.DRIFT, against="previous", step=3, phase="loss"),
        variant="bce_logits-sgd_0.1")
    found = collect(report_of(own, before))["causes"]
    assert [cause["cases"][0]["variants"] for cause in found] == [[VARIANT], [before.variant]]


def test_a_change_names_the_faults_with_its_signature():
    """The catalogue's fault begins in the same phase, and differs where it was shown."""
    name = "bce_sigmoid-sgd_0.01-init_24"
    for phase, expected in (("gradient", ["squared_bce_gradient_nan"]), ("metric", [])):
        found = Finding("float32_trajectory", Verdict.REGRESSION, "worse", step=1, phase=phase)
        facts = collect(Report([Comparison(CASE, name, "torch-2.13.0", "previous",
                                           "torch-2.12.0", [found])]))
        assert [fault["name"] for fault in facts["causes"][0]["faults"]] == expected


def test_commands_of_a_change_can_be_typed_as_they_stand():
    """Names are quoted for a shell; a pre-release build is never accepted."""
    def commands(name, against="baseline"):
        return collect(report_of(comparison(Verdict.DRIFT, name, against)))[
            "causes"][0]["commands"]

    assert commands("torch-2.13.0") == [
        "harness compare torch-2.13.0 --against baseline --case xor",
        'harness accept torch-2.13.0 xor --reason "..."']
    assert commands("a; rm -rf b")[0].startswith("harness compare 'a; rm -rf b' ")
    assert len(commands("keras-nightly")) == 1
    for against in ("previous", "reference", "named"):
        assert len(commands("torch-2.13.0", against)) == 1


def test_environments_share_their_lists_of_packages():
    """Each distinct list is there once; who is only compared with is listed apart."""
    same = {"numpy": "1.26.4"}
    facts = collect(report_of(observed=[
        record("torch-2.12.0", packages=same, seconds=2), record("torch-2.13.0", packages=same),
        record("torch-2.14.1", packages={"numpy": "2.0"}, seconds=3)]))
    assert [e["packages"] for e in facts["environments"]] == [0, 0, 1]
    assert facts["packages"][:2] == [same, {"numpy": "2.0"}]
    assert [e["name"] for e in facts["others"]] == ["reference"]
    assert facts["seconds"] == 5


def test_a_report_without_a_reference_still_shows_the_curves():
    """No band, no deviation, but the lines."""
    report = report_of(comparison(Verdict.IDENTICAL, against="baseline"))
    report.baselines.clear()
    chart = chart_of(collect(report))
    assert (len(chart["lines"]), chart["allowance"]) == (1, None)
    assert collect(report)["exit_code"] == MATCH


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("base", [[1.0, 2.0, 3.0, -4.0], [1.0, math.nan, -math.inf, 0.0]])
def test_a_curve_comes_back_from_its_difference_to_the_bit(kind, base):
    """Whatever is in the two, a sign of zero and a payload of NaN included."""
    curve = np.array([1.0, math.inf, math.nan, -0.0], kind)
    curve[0] = np.nextafter(curve[0], kind(2))
    array = encode(curve, {4: np.array(base, kind)})
    assert array["base"] == 4
    assert decode(array, np.array(base, kind)).tobytes() == curve.tobytes()


def test_a_curve_is_the_difference_from_the_nearest_that_is_as_long():
    """In the narrowest integers that hold it; where none is as long it is whole."""
    curve = np.linspace(1.0, 2.0, 9)
    others = {0: curve * 2, 1: np.nextafter(curve, 3), 2: curve[:-1]}
    assert (encode(curve, others)["base"], encode(curve, others)["dtype"]) == (1, "<i1")
    assert "base" not in encode(curve, {2: curve[:-1]})


def test_the_timeline_refers_to_findings(stored_timeline):
    """Groups and changes are those of the timeline; a change's findings are in the list."""
    facts = reporting.collect(report_of(), PROJECT, "2026-01-01T00:00:00Z", [stored_timeline])
    line = next(line for line in facts["timeline"][0]["lines"] if line["changes"])
    assert len(line["groups"]) == len(line["changes"]) + 1
    change = line["changes"][0]
    assert all(facts["findings"][index]["verdict"] in ("drift", "improvement", "regression")
               for index in change["findings"])
    assert change["observed"] == line["groups"][1]["versions"][0]


@pytest.fixture(name="stored_timeline", scope="module")
def _stored_timeline():
    return timeline.load(ACCEPTED, ["torch"], ["masked_sequences"], ["*-left_padding"])[0]


def test_the_newest_of_every_framework_is_drawn_beside_what_was_compared():
    """As a baseline, with the reference; environments that were compared keep their role."""
    facts = reporting.collect(report_of(), ACCEPTED, "2026-01-01T00:00:00Z")
    found = {m["environment"]: m["role"] for line in chart_of(facts)["lines"]
             for m in line["members"]}
    assert found["torch-2.13.0"] == "observed" and found["reference"] == "reference"
    families = {name.partition("-")[0] for name, role in found.items() if role == "baseline"}
    assert families == {"axon", "keras", "tensorflow", "torch"}
    others = {e["name"]: e["family"] for e in facts["others"]}
    assert {name for name, role in found.items() if role == "baseline"} <= others.keys()


def test_the_own_baseline_has_its_packages():
    """So that the page can say what moved under the pin."""
    report = report_of(observed=[record("torch-2.13.0", packages={"numpy": "2.0"})])
    report.baselines[CASE, "torch-2.13.0"] = record("torch-2.13.0", packages={"numpy": "1.26.4"})
    facts = collect(report)
    index = facts["environments"][0]["baselines"][0]["packages"]
    assert facts["packages"][index] == {"numpy": "1.26.4"}


def test_an_environment_that_was_measured_in_part_was_measured_now():
    """What its stored records say of other cases is neither its machine nor its time."""
    stored = record("torch-2.13.0", accepted={"reason": "", "at": ""}, cpu={"model": "old"})
    run = record("torch-2.13.0", cpu={"model": "new"}, seconds=7)
    report = report_of(comparison(Verdict.DRIFT), observed=[run])
    report.observed = {("imbalanced_binary", "torch-2.13.0"): stored,
                       (CASE, "torch-2.13.0"): run}
    environment = collect(report)["environments"][0]
    assert (environment["source"], environment["cpu"], environment["seconds"]) == ("run", "new", 7)
