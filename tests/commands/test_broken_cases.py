"""What is wrong with one case is that case's problem, said with its file and line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.commands.cli import main
from harness.errors import HarnessError, UsageError
from harness.records.project import Project
from harness.records.writing import write
from harness.vocabulary.case import METRICS, Batch, MetricReaches
from harness.vocabulary.metrics import measure
from harness.vocabulary.optimizers import SGD, Adam, StepDecay

BROKEN = {
    "no Python": ("x = 1\ndef (\n", ", line 2"),
    "an exception": ("x = 1\n\nraise ValueError('on purpose')\n", ", line 3"),
    "no CASE": ("x = 1\n", "no CASE"),
    "no Case": ("CASE = 3\n", "CASE is a int"),
    "no such module": ("import nowhere\n", ", line 1"),
}


def harness(project: Project, *arguments: str) -> int:
    """Run a command in a project."""
    return main(["--root", str(project.root), *arguments])


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_case_is_named_with_its_line(project: Project, kind: str,
                                              capsys: pytest.CaptureFixture[str]) -> None:
    """Its own command fails with file and line, and no traceback."""
    text, words = BROKEN[kind]
    (project.root / "cases" / "broken.py").write_text(text)
    code = harness(project, "run", "broken", "--environment", "reference")
    said = capsys.readouterr().err
    assert code == 3
    assert "broken.py" in said and words in said and "next:" in said
    assert "Traceback" not in said


@pytest.fixture
def beside(matrix: Project, measured: object) -> Project:
    """Return a project with a sound case that was measured, and one that does not load."""
    (matrix.root / "cases" / "broken.py").write_text("raise ValueError('on purpose')\n")
    write(measured, matrix.run_path("imbalanced_binary", "torch-2.13.0"))
    return matrix


@pytest.mark.parametrize("command", [["list"], ["timeline"]])
def test_the_other_cases_are_shown_beside_a_broken_one(
        beside: Project, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    """A command over all cases does what it can, and fails with the reason."""
    assert harness(beside, *command) == 3
    output = capsys.readouterr()
    assert "broken.py, line 1" in output.err
    assert "torch" in output.out


def test_the_other_cases_are_compared_beside_a_broken_one(
        beside: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a problem, measured or not, and exit code 3: it was compared nowhere."""
    assert harness(beside, "compare", "--case", "imbalanced_binary") == 0
    capsys.readouterr()
    assert harness(beside, "compare") == 3
    assert "broken.py, line 1" in " ".join(capsys.readouterr().out.split())
    beside.failure_path("broken", "torch-2.13.0").parent.mkdir(parents=True)
    beside.failure_path("broken", "torch-2.13.0").write_text("it does not load\n")
    assert harness(beside, "compare") == 3
    assert "6 identical, 1 error" in capsys.readouterr().out
    assert harness(beside, "report") == 3


def test_a_run_is_accepted_beside_a_broken_case(beside: Project) -> None:
    """A case that was never measured keeps no other from being accepted."""
    assert harness(beside, "accept", "torch-2.13.0", "--reason", "it is right") == 0


def test_all_cases_are_measured_beside_a_broken_one(
        beside: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The broken one fails with its reason beside it; the others leave their records."""
    runs = beside.root / "elsewhere"
    assert harness(beside, "run", "--environment", "reference", "--runs", str(runs)) == 3
    elsewhere = Project(beside.root, runs)
    assert elsewhere.run_path("imbalanced_binary", "reference").exists()
    assert "broken.py, line 1" in elsewhere.failure_path("broken", "reference").read_text()
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(("name", "words"), [
    ("xor.json", "cannot read cases/data/xor.json"),
    ("xor_init0.json", "cannot read cases/data/xor_init0.json")])
@pytest.mark.parametrize("text", [None, "{"])
def test_missing_or_damaged_data_is_named(project: Project, name: str, words: str,
                                          text: str | None) -> None:
    """A file of data or weights that cannot be read is an error with its path."""
    path = project.data_path(name)
    path.unlink()
    if text is not None:
        path.write_text(text)
    case = project.case("xor")
    with pytest.raises(HarnessError, match=words):
        (project.batches(case), project.weights(case.variants[0]))


def test_a_case_that_cannot_read_its_data_is_named(project: Project) -> None:
    """The line that fails is told, not a traceback."""
    case = replace(project.case("xor"), data="xor_init0.json")
    with pytest.raises(HarnessError, match=r"cannot read xor_init0\.json") as error:
        project.batches(case)
    assert "xor.py, line " in error.value.where


def test_weights_that_are_not_there_are_named(project: Project) -> None:
    """A layer without initial weights is an error that lists those there are."""
    variant = replace(project.case("masked_sequences").variants[0], weights="imbalanced_init.json")
    with pytest.raises(HarnessError, match="no initial weights") as error:
        project.weights(variant)
    assert "known: dense_0" in error.value.numbers


# ------------------------------------------------------------- names that are none
@pytest.mark.parametrize(("optimizers", "differ", "note"), [
    ((Adam(0.05), Adam(0.05, epsilon=0.1)), "epsilon=0.1", "note='epsilon_0.1'"),
    ((SGD(StepDecay(0.1, 0.5, 250)), SGD(StepDecay(0.1, 0.5, 100))), "every=100",
     "note='every_100'"),
    ((Adam(0.05), Adam(0.05)), "they are equal", "remove one"),
])
def test_two_variants_of_one_name_are_refused(checkout: Project, optimizers: tuple[object, ...],
                                              differ: str, note: str) -> None:
    """Both recipes are shown, and what would tell them apart."""
    case = checkout.case("xor")
    twins = tuple(replace(case.variants[0], optimizer=o) for o in optimizers)
    with pytest.raises(HarnessError, match="have the same name 'bce_sigmoid-") as error:
        replace(case, variants=twins)
    assert error.value.where == "case xor"
    assert differ in error.value.numbers
    assert note in error.value.next_command


def test_variants_with_other_weights_are_told_apart(checkout: Project) -> None:
    """The suggested note is one that a name can hold, and it helps."""
    case = checkout.case("xor")
    first = case.variants[0]
    second = replace(first, weights="xor_init7.json")
    with pytest.raises(HarnessError) as error:
        replace(case, variants=(first, second))
    assert "'weights_xor_init7'" in error.value.next_command
    replace(case, variants=(first, replace(second, note="weights_xor_init7")))


@pytest.mark.parametrize("change", [
    lambda case: {"metrics": ("acuracy",)},
    lambda case: {"promises": (MetricReaches("acuracy", 0.5),)},
    lambda case: {"native": replace(case.native, trained=MetricReaches("acuracy", 0.5))},
])
def test_an_unknown_metric_is_refused(checkout: Project, change: object) -> None:
    """It lists the known ones, the nearest first."""
    case = checkout.case("conv1d_stability")
    with pytest.raises(UsageError, match="unknown metric 'acuracy'") as error:
        replace(case, **change(case))  # type: ignore[operator]
    assert error.value.numbers.startswith("nearest: accuracy")


def test_an_unknown_native_variant_is_refused(checkout: Project) -> None:
    """Native runs are of variants that the case has."""
    case = checkout.case("conv1d_stability")
    with pytest.raises(UsageError, match="unknown variant"):
        replace(case, native=replace(case.native, variants=("nope",)))


def test_a_case_may_name_every_metric_there_is() -> None:
    """The list of known metrics is that of what is measured."""
    column = np.ones((2, 1))
    tokens = Batch((), np.zeros((1, 2), np.int64), np.ones((1, 2)))
    found = {**measure(column, Batch((), column)), **measure(np.zeros((1, 2, 3)), tokens)}
    assert set(found) == set(METRICS)


@pytest.mark.parametrize("command", [
    ["run", "--environment", "reference"], ["compare"], ["timeline"]])
def test_a_pattern_without_a_variant_is_refused(
        beside: Project, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    """It says so, and lists the variants; one of two that match is not enough."""
    Path(beside.root / "cases" / "broken.py").unlink()
    assert harness(beside, *command, "--variant", "bce*", "--variant", "zzz*") == 2
    said = capsys.readouterr().err
    assert "no variant matches 'zzz*'" in said
    assert "bce_sigmoid-sgd_0.1" in said


def test_a_case_leaves_no_bytecode_that_could_be_cut_off(project: Project) -> None:
    """A full disk must not make a sound case one that does not load."""
    project.case("xor")
    assert not (project.root / "cases" / "__pycache__").exists()
