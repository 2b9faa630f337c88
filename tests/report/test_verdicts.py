"""The verdicts as one document: its schema, its causes, and what the headline says of them."""

import base64
import hashlib
import json
from pathlib import Path

import jsonschema
import pytest

from harness.commands.cli import main
from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver
from harness.compare.checks.probes import judge
from harness.compare.compare import Report
from harness.environments import altered
from harness.records.record import Probes, Record, Trajectory, VariantRecord
from harness.report import verdicts

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "verdicts.schema.json").read_text(encoding="utf-8"))
CASE, VARIANT, TORCH, BEFORE = "xor", "bce_sigmoid-sgd_0.1", "torch-2.14.1", "torch-2.13.0"
TENSORS = ["outputs", "loss", "gradient of dense_0.kernel", "gradient of dense_0.bias",
           "update of dense_0.kernel", "update of dense_0.bias"]
WAIVER = Waiver("torch-*", "previous", CASE, "*", "*", 1.0, "another sum", "issue 7", "2026-01-01")


def probed(*errors):
    """Return probes at two checkpoints of training, and under stress, with these errors."""
    names = ("step_0", "step_10", "scaled_30")
    return Probes(TENSORS, {name: list(errors) for name in names},
                  {name: [1e-9] * len(TENSORS) for name in names})


def record(environment, scale=1.0, packages=None):
    """Return a record whose gradients are so many times the right ones."""
    off = abs(scale - 1)
    trajectory = Trajectory([0.7, 0.6], gradient_norm=[2.0 * scale, 1.5],
                            update_norm=[0.2 * scale, 0.15])
    variant = VariantRecord("0", {"float64": trajectory},
                            {"float64": probed(0.0, 0.0, off, off, off, off)})
    return Record(CASE, environment, {"packages": packages or {}}, {VARIANT: variant})


def finding(**fields):
    """Return a probe's finding: a gradient that is off."""
    given = {"step": 0, "checkpoint": "step_0", "phase": "gradient", "tensor": TENSORS[2],
             "observed": 2e-3, "baseline": 1e-16, "deviation": 2e-3, "allowance": 1e-9,
             "required": 2e6, "precision": "float64", **fields}
    return Finding("float64_probes", given.pop("verdict", Verdict.DRIFT),
                   given.pop("sentence", "gradient is off"), **given)


def collect(*found, case=CASE, against="baseline", baseline=TORCH, seconds=None, observed=None):
    """Return the document of one comparison."""
    records = {(CASE, TORCH): observed or record(TORCH, 1.002, {"torch": "2.14.1", "numpy": "2"})}
    report = Report([Comparison(case, VARIANT, TORCH, against, baseline, list(found))], records,
                    {(CASE, baseline): record(baseline, 1.0, {"torch": "2.14.1", "numpy": "1"})})
    document = verdicts.collect(report, seconds=seconds)
    jsonschema.validate(json.loads(json.dumps(document, allow_nan=False)), SCHEMA)
    return document


def test_the_headline_names_who_where_and_the_harm():
    """With the factor where all of a phase is off by one number."""
    answer = collect(finding())["answer"]
    assert answer.startswith(
        "torch-2.14.1 trains differently, beginning in the gradients (gradients are 1.002 times "
        "the baseline's): 1 variant of xor against its own baseline. It may matter: ")


@pytest.mark.parametrize(("outcome", "start"), [
    ("confirmed", "Confirmed: "), ("host", "The machine changed, not the framework: "),
    ("unstable", "It was gone when it was measured again: ")])
def test_a_second_measurement_is_told_first(outcome, start):
    """The headline and the cause have it; a machine that changed is what is looked at."""
    second = {"outcome": outcome, "why": "the control agrees", "control": BEFORE}
    document = collect(finding(), seconds={TORCH: second})
    assert document["answer"].startswith(start)
    cause, = document["causes"]
    assert cause["second"] == second
    assert (cause["commands"] == [f"tox run -e {BEFORE} -- {CASE} --again"]) == (outcome == "host")


def test_an_error_that_is_gone_comes_right():
    """It is no difference of its baseline's size, neither in the headline nor in the cause."""
    document = collect(finding(observed=1e-15, baseline=0.07, deviation=0.07),
                       observed=record(TORCH))
    assert document["causes"][0]["comes_right"]
    assert document["findings"][document["causes"][0]["cause"]]["comes_right"]
    assert "torch-2.14.1 comes right in the gradients" in document["answer"]


@pytest.mark.parametrize(("scale", "factor"), [(1.002, 1.002), (0.5, 0.5), (1.0, None)])
def test_a_factor_is_told_where_every_tensor_shares_it(scale, factor):
    """And nothing where nothing is scaled."""
    cause, = collect(finding(), observed=record(TORCH, scale))["causes"]
    assert cause["factor"] == (None if factor is None else pytest.approx(factor))


def test_errors_of_different_sizes_are_no_factor():
    """One tensor that is off is not all of them."""
    observed = record(TORCH, 1.002)
    for row in observed.variants[VARIANT].probes["float64"].errors.values():
        row[2] = 0.01
    assert collect(finding(), observed=observed)["causes"][0]["factor"] is None


def test_packages_that_differ_are_told_of_the_cause():
    """Beside what the baseline was recorded with."""
    assert collect(finding())["causes"][0]["packages"] == [["numpy", "1", "2"]]


def test_what_does_harm_comes_first():
    """A broken promise before what only drifts, whatever its size."""
    broken = Finding("promises", Verdict.REGRESSION, "breaks a promise: recall", phase="metric")
    report = Report([Comparison(CASE, VARIANT, BEFORE, "baseline", BEFORE, [finding()]),
                     Comparison(CASE, VARIANT, TORCH, "baseline", TORCH, [broken])])
    document = verdicts.collect(report)
    assert [cause["environment"] for cause in document["causes"]] == [TORCH, BEFORE]
    assert document["answer"].startswith(TORCH) and "1 more cause below" in document["answer"]


def test_several_cases_with_one_cause_are_one_entry():
    """With the variants of each."""
    report = Report([Comparison(case, VARIANT, TORCH, "baseline", TORCH, [finding()])
                     for case in (CASE, "imbalanced_binary")])
    cause, = verdicts.collect(report)["causes"]
    assert [one["case"] for one in cause["cases"]] == [CASE, "imbalanced_binary"]


def test_compare_writes_the_document(capsys, tmp_path):
    """The same as the report begins with: ``compare --json`` keeps the schema."""
    path = tmp_path / "verdicts.json"
    main(["--root", str(ROOT), "compare", "axon-0.7.0", "--against", "axon-0.6.0", "--case", CASE,
          "--json", str(path)])
    capsys.readouterr()
    document = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert document["versions"] and document["comparisons"]


@pytest.mark.parametrize(("mine", "theirs", "states", "first"), [
    ((0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0), "gggggg", None),
    ((0, 0, 1e-3, 0, 1e-3, 0), (0, 0, 0, 0, 0, 0), "ggogog", 2),
    ((0, 0, 0, 0, 0, 0), (0, 1e-3, 0, 0, 0, 0), "grgggg", 1),
    ((0, 0, 1e-3, 0, 0, 0), (0, 0, 1e-3, 0, 0, 0), "ggaggg", None)])
def test_probes_are_judged_tensor_by_tensor(mine, theirs, states, first):
    """Within, off, right again, or alike; updates are not judged under stress."""
    found = judge(probed(*mine), probed(*theirs), "float64")
    assert found["step_0"] == (states, first)
    assert found["scaled_30"][0] == states[:4] + "uu"


def test_probes_without_another_side_are_judged_alone():
    """What is beyond its allowance differs."""
    found = judge(probed(0, 0, 1e-3, 0, 0, 0), None, "float64")
    assert found["step_10"] == ("ggoggg", 2)


def installed(root, edit=None):
    """Lay an environment of one package, as an installer does, and edit a file of it."""
    site = root / ".tox" / TORCH / "lib" / "python3.11" / "site-packages"
    (site / "torch").mkdir(parents=True)
    (site / "torch-2.14.1.dist-info").mkdir()
    lines = []
    for name, data in (("torch/optim.py", b"lr = 1\n"), ("torch/lib.so", b"\x7fELF")):
        (site / name).write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    lines.append("torch-2.14.1.dist-info/RECORD,,")
    (site / "torch-2.14.1.dist-info" / "RECORD").write_text("\n".join(lines))
    if edit:
        (site / edit[0]).write_bytes(edit[1])
    return root


@pytest.mark.parametrize(("edit", "found"), [
    (None, []), (("torch/optim.py", b"lr = 2\n"), ["torch/optim.py"]),
    (("torch/lib.so", b"\x7fELF longer"), ["torch/lib.so"])])
def test_files_that_were_edited_after_they_were_installed_are_named(tmp_path, edit, found):
    """By their hash, libraries by their size; what is as it was is not."""
    assert altered.files(installed(tmp_path, edit), TORCH) == found


def test_of_an_environment_that_is_not_here_nothing_is_said(tmp_path):
    """Nobody can tell."""
    assert altered.files(tmp_path, TORCH) == []
