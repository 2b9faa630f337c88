"""The upgrade question: from the new version's point of view, and never against the counts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from harness.commands.cli import main
from harness.compare.checks.finding import Verdict
from harness.compare.upgrade import ask
from harness.errors import UsageError
from harness.records.project import Project
from harness.records.record import Record
from harness.store import accepting
from harness.store.store import Store
from tests.kit.nights import ADAM, CASE, SGD, changed, named, put

OLDER, OLD, NEW = "torch-2.12.1", "torch-2.13.0", "torch-2.14.1"


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed in one line."""
    return " ".join(capsys.readouterr().out.split())


def accept(project: Project, *records: Record) -> None:
    """Make records baselines."""
    accepting.accept(Store(project), list(records), "for a test")


@pytest.mark.parametrize("versions", [("torch", "2.3.1", "2.14.1"),
                                      ("torch-2.3.1", "torch-2.14.1")])
def test_a_real_upgrade(checkout: Project, capsys: pytest.CaptureFixture[str],
                        versions: tuple[str, ...]) -> None:
    """torch 2.14.1 keeps promises that 2.3.1 breaks, since 2.5, for a reason that is known."""
    assert main(["--root", str(checkout.root), "upgrade", *versions,
                 "--case", "masked_sequences", "--variant", "*left_padding"]) == 0
    text = said(capsys)
    assert text.startswith("observed torch-2.14.1 (its stored baseline, ")
    assert "baseline torch-2.3.1 (its stored baseline, " in text
    assert "torch-2.5.1 after torch-2.4.1: improvement, begins in forward" in text
    assert "It matters: torch-2.14.1 now keeps promises that torch-2.3.1 breaks" in text
    assert "pytorch/pytorch#133882" in text
    assert "breaks a promise" not in text


def test_an_upgrade_to_another_family(checkout: Project) -> None:
    """Keras 3 grew out of TensorFlow 2.15; the way leads through both, in order."""
    found = ask(checkout, "tensorflow-2.14.1", "keras-3.1.1", ["xor"], ["bce_sigmoid-*"])
    assert found.report.versions == ("tensorflow-2.14.1", "keras-3.1.1")
    assert found.way is not None
    assert found.way.versions == ["tensorflow-2.14.1", "tensorflow-2.15.1", "keras-3.0.5",
                                  "keras-3.1.1"]


@pytest.mark.parametrize(("versions", "words"), [
    ((NEW, OLD), f"harness upgrade {OLD} {NEW}"),
    ((OLD, OLD), "an upgrade has two"),
    ((OLD, "keras-3.15.1"), f"harness compare keras-3.15.1 --against {OLD}"),
    (("keras-nightly", "keras-3.15.1"), "harness upgrade keras-3.15.1 keras-nightly"),
    ((OLD, "torch-9.9"), "unknown environment 'torch-9.9'"),
])
def test_what_is_no_upgrade_is_refused(matrix: Project, versions: tuple[str, str],
                                       words: str) -> None:
    """With the command that was meant."""
    with pytest.raises(UsageError) as error:
        ask(matrix, *versions)
    assert words in str(error.value)


@pytest.mark.parametrize("arguments", [["torch"], ["torch", "2.13.0"], ["a", "b", "c", "d"]])
def test_an_upgrade_has_two_versions(matrix: Project, capsys: pytest.CaptureFixture[str],
                                     arguments: list[str]) -> None:
    """Anything else is wrong use."""
    assert main(["--root", str(matrix.root), "upgrade", *arguments]) == 2
    assert "harness upgrade torch 2.3.1 2.14.1" in capsys.readouterr().err


def test_stored_records_are_spoken_of_throughout(matrix: Project, measured: Record,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    """A run that differs changes neither the way nor the counts nor the sentence."""
    put(matrix, changed(measured, NEW))
    assert main(["--root", str(matrix.root), "upgrade", OLD, NEW]) == 0
    text = said(capsys)
    assert "no change" in text and "2 comparisons: 2 identical" in text
    assert "It does not matter" in text


def test_an_open_change_on_the_way_is_open_at_its_end(matrix: Project, measured: Record,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    """It is told at its version, with its sentence, and the exit code is 1."""
    accept(matrix, changed(measured, OLD), changed(measured, NEW))
    assert main(["--root", str(matrix.root), "upgrade", OLDER, NEW]) == 1
    text = said(capsys)
    assert f"{OLD} after {OLDER}: drift" in text and "why open" in text
    assert "behaviour changed" in text
    assert "2 comparisons: 1 identical, 1 drift" in text
    assert f"{NEW} differs from {OLDER} in 1 of 2 comparisons" in text


def test_a_version_that_was_only_measured(matrix: Project, measured: Record,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    """Without a baseline it is its last run that is compared, and no way leads there."""
    put(matrix, changed(measured, "torch-2.14.2"))
    assert main(["--root", str(matrix.root), "upgrade", "torch", "2.14.1", "2.14.2"]) == 1
    text = said(capsys)
    assert text.startswith("observed torch-2.14.2 (its last run)")
    assert "torch-2.14.2: drift" in text and "1 drift" in text


def test_the_table_and_the_sentence_look_at_the_same_record(
        matrix: Project, measured: Record, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that differs from a named baseline is never summed up as no change."""
    put(matrix, changed(measured, NEW))
    assert main(["--root", str(matrix.root), "compare", NEW, "--against", OLD]) == 1
    text = said(capsys)
    assert text.startswith(f"observed {NEW} (its last run), baseline {OLD} (its stored baseline)")
    assert "2 comparisons: 1 identical, 1 drift" in text
    assert f"{NEW} differs from {OLD} in 1 of 2 comparisons" in text
    assert "nothing changed" not in text and "does not matter" not in text


def test_what_is_missing_keeps_the_question_open(matrix: Project, measured: Record,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    """One variant gone and the other the same is no reason to say that nothing changed."""
    run = named(measured, NEW)
    put(matrix, dataclasses.replace(run, variants={SGD: run.variants[SGD]}))
    assert main(["--root", str(matrix.root), "compare", NEW, "--against", OLD]) == 3
    text = said(capsys)
    assert "1 missing" in text and ADAM in text
    assert "1 of 2 comparisons could not be made, so the question stays open" in text
    assert "does not matter" not in text


def test_compare_says_which_side_is_which(matrix: Project,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    """The first line names observed and baseline, the older version observed as well."""
    assert main(["--root", str(matrix.root), "compare", OLD, "--against", NEW]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        f"observed {OLD} (its stored baseline), baseline {NEW} (its stored baseline)")


WAIVER = {"environment": "torch-*", "against": "previous", "case": "*", "variant": "*",
          "check": "*", "at_most": 1.0, "reason": "another sum", "upstream": "issue 7",
          "date": "2026-01-01", "from_version": "2.14"}


@pytest.mark.parametrize("names", [(OLD, NEW), (NEW, OLD), (OLDER, NEW)])
def test_a_report_of_two_versions_compares_them(matrix: Project, measured: Record, tmp_path: Path,
                                                names: tuple[str, str]) -> None:
    """The older one is the baseline, and what a waiver explains is still what changed."""
    accept(matrix, changed(measured, NEW))
    (matrix.root / "results" / "waivers.toml").write_text("[[waiver]]\n" + "".join(
        f"{name} = {json.dumps(value)}\n" for name, value in WAIVER.items()))
    output = tmp_path / "report.html"
    assert main(["--root", str(matrix.root), "report", *names, "--output", str(output)]) == 0
    facts = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    baseline = min(names)
    assert {(c["observed"], c["baseline"]) for c in facts["comparisons"]} == {(NEW, baseline)}
    assert facts["answer"].startswith(f"{NEW} differs from {baseline} in 1 of 2 comparisons")
    cause, = facts["causes"]
    assert (cause["cases"][0]["variants"], cause["reasons"], cause["since"]) == (
        [SGD], ["another sum (issue 7)"], NEW)
    assert "another sum" in output.read_text(encoding="utf-8").partition("<script")[0]


def test_a_report_of_two_families_compares_them(matrix: Project, measured: Record,
                                                tmp_path: Path) -> None:
    """Where no way leads from one to the other, the first is the baseline."""
    accept(matrix, changed(measured, "keras-3.15.1"))
    output = tmp_path / "report.html"
    assert main(["--root", str(matrix.root), "report", NEW, "keras-3.15.1",
                 "--output", str(output)]) == 0
    facts = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert {(c["against"], c["observed"], c["baseline"]) for c in facts["comparisons"]} == {
        ("named", "keras-3.15.1", NEW)}
    assert [cause["cases"][0]["case"] for cause in facts["causes"]] == [CASE]


def test_waivers_on_the_way_cover_what_comes_of_them_together(matrix: Project,
                                                              measured: Record) -> None:
    """Two explained changes are explained together, up to what they allow together."""
    accept(matrix, changed(measured, OLD, 1.006), changed(measured, NEW, 1.012))
    path = matrix.root / "results" / "waivers.toml"
    for at_most, verdict in ((0.005, None), (0.003, Verdict.DRIFT)):
        path.write_text("".join("[[waiver]]\n" + "".join(
            f"{name} = {json.dumps(value)}\n" for name, value in {
                **WAIVER, "at_most": at_most, "from_version": version}.items())
            for version in ("2.13", "2.14")))
        found = ask(matrix, OLDER, NEW).report
        assert [c.verdict for c in found.comparisons if c.open_findings] == (
            [verdict] if verdict else [])
