"""What is open in the terminal: a block for every cause, and what to type next."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from harness.commands.cli import main
from harness.commands.tables.verdicts import render
from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver
from harness.compare.compare import Question, Report, compare
from harness.records.project import Project
from harness.records.record import Record
from tests.kit.nights import CASE, EXPECTED, SGD, changed, named, put
from tests.kit.terminal import printed

NEW, OLD = "torch-2.14.1", "torch-2.13.0"
SIDES = {"baseline": NEW, "previous": OLD, "next": "torch-2.15.0", "reference": "reference",
         "named": "keras-3.15.1"}
DRIFT = Finding("float64_trajectory", Verdict.DRIFT, "loss 0.8 instead of 0.7", step=7,
                phase="gradient", deviation=0.0123, allowance=1e-9)
PROMISE = Finding("health", Verdict.REGRESSION, "float64: breaks a promise: recall 0 ends below "
                  "0.5; baseline: recall 1 reaches 0.5")
WAIVER = Waiver("*", "*", "*", "*", "*", 1.0, "known since long", "issue 7", "2026-01-01")


def differing(*kinds: str, variant: str = SGD, case: str = CASE, observed: str = NEW,
              findings: tuple[Finding, ...] = (DRIFT,)) -> list[Comparison]:
    """Return one comparison of each kind with the same findings."""
    return [Comparison(case, variant, observed, kind, SIDES[kind], list(findings))
            for kind in kinds]


def text_of(*comparisons: Comparison, everything: bool = False, **fields: object) -> str:
    """Return what is printed of comparisons."""
    return printed(render(Report(list(comparisons), **fields), everything))  # type: ignore[arg-type]


def test_what_all_sides_show_is_one_block() -> None:
    """Own baseline, previous and reference, two cases: one cause, told once."""
    text = text_of(*differing("baseline", "previous", "reference"),
                   *differing("baseline", "previous", "reference", case="xor"))
    assert text.count("begins in gradient") == 1
    assert f"against its baseline, previous {OLD}, the reference" in " ".join(text.split())
    assert "imbalanced_binary: " in text and "xor: " in text
    assert "step 7, 1.2e-02 off, allowed 1.0e-09" in text


def test_what_begins_elsewhere_is_another_block() -> None:
    """Another phase is another cause, and what a seed gives is no part of training."""
    other = dataclasses.replace(DRIFT, phase="update")
    seed = Finding("fingerprint", Verdict.DRIFT, "other weights", step=0, phase="initialisation")
    text = text_of(*differing("previous", findings=(DRIFT, seed)),
                   *differing("previous", variant="x", findings=(other,)))
    assert [phase for phase in ("gradient", "update", "initialisation")
            if text.count(f"begins in {phase}") == 1] == ["gradient", "update", "initialisation"]


@pytest.mark.parametrize(("kinds", "accept", "waive"), [
    (("baseline",), True, False),
    (("baseline", "previous"), True, True),
    (("previous",), False, True),
    (("reference",), False, True),
    (("next",), False, True),
    (("named",), False, False),
])
def test_the_hint_is_what_settles_it(kinds: tuple[str, ...], accept: bool, waive: bool) -> None:
    """Accepting settles the own baseline and nothing else; no hint settles a question."""
    text = " ".join(text_of(*differing(*kinds)).split())
    assert (f'harness accept {NEW} {CASE} --reason "..."' in text) is accept
    assert ("results/waivers.toml" in text) is waive
    if waive and not accept:
        against = "reference" if "reference" in kinds else "previous"
        assert (f'environment = "{NEW}", against = "{against}", case = "{CASE}", '
                f'variant = "{SGD}", check = "float64_trajectory", at_most = 1.3e-02') in text


def test_a_build_is_never_accepted() -> None:
    """It has no baseline: what differs from the release before it is waived or fixed."""
    text = text_of(*differing("previous", observed="keras-nightly"))
    assert "harness accept" not in text and "results/waivers.toml" in text


@pytest.mark.parametrize(("findings", "words"), [
    ((DRIFT, PROMISE), f"yes: {NEW} breaks promises that its baseline keeps: recall 0 ends below"),
    ((dataclasses.replace(PROMISE, verdict=Verdict.IMPROVEMENT), DRIFT), "no, it is better"),
    ((DRIFT,), "perhaps: no promise of a case is broken; float64 curves move by up to 1.2e-02"),
    ((dataclasses.replace(DRIFT, deviation=1e-7),), "hardly: no promise of a case is broken"),
    ((dataclasses.replace(DRIFT, check="float32_stress", checkpoint="scaled_30"),),
     "perhaps: no promise of a case is broken; only probes under stress differ"),
    ((dataclasses.replace(DRIFT, check="float64_probes", checkpoint="step_1"),),
     "no curve leaves its allowance, but tensors of a single step differ by up to 1.2e-02"),
])
def test_whether_it_does_harm(findings: tuple[Finding, ...], words: str) -> None:
    """Promises first, then the size of what moved."""
    assert words in " ".join(text_of(*differing("baseline", findings=findings)).split())


def test_what_is_waived_is_counted_and_not_printed() -> None:
    """Its reason is shown with --all only."""
    found = differing("previous", findings=(dataclasses.replace(DRIFT, waiver=WAIVER),))
    assert "known since long" in text_of(*found, everything=True)
    text = text_of(*found)
    assert "known since long" not in text and "gradient" not in text
    assert "1 comparison: 1 different, waived" in text


def test_notes_that_hold_always_are_counted() -> None:
    """What was not measured is said, where a trajectory is chaotic only with --all."""
    report = Report(differing("previous"), notes=["chaotic from step 3", "not measured on xor"],
                    usual={"chaotic from step 3"})
    text = printed(render(report, False))
    assert "not measured on xor" in text and "chaotic" not in text
    assert "chaotic" in printed(render(report, True))


def test_80_columns_are_enough_and_no_version_is_cut() -> None:
    """The longest names there are stand whole, with --all as well."""
    names = ["decoder_reduction_none-sgd_0.3-left_padding", "bce_sigmoid-adam_0.01-weighted_9"]
    found = [c for name in names for c in differing(
        "previous", variant=name, observed="axon-0.7.0.dev1+5f9e7bc1")]
    for everything in (False, True):
        text = text_of(*found, everything=everything)
        assert max(map(len, text.splitlines())) <= 80
        assert all(name in text for name in (*names, "axon-0.7.0.dev1+5f9e7bc1"))


def on(record: Record, model: str) -> Record:
    """Return the record as one of a machine with this processor."""
    provenance = {**record.provenance, "cpu": {"model": model}}
    return dataclasses.replace(record, provenance=provenance)


@pytest.mark.parametrize(("model", "is_said"), [("Xeon", True), (None, True), ("EPYC", False)])
def test_another_machine_than_the_baselines_is_said(matrix: Project, measured: Record,
                                                    model: str | None, is_said: bool) -> None:
    """With the commands that tell machine and framework apart; not where nothing differs."""
    run = changed(measured, NEW)
    put(matrix, on(run, model) if model else run)
    report = compare(matrix, Question((NEW,), "baseline"))
    report.baselines = {key: on(record, "EPYC") for key, record in report.baselines.items()}
    text = " ".join(printed(render(report, False)).split())
    assert ("The first run on this machine?" in text) is is_said
    assert (f"tox run -e {NEW} -- --again" in text) is is_said
    put(matrix, on(named(measured, NEW), "Xeon"))
    assert "first run" not in printed(render(compare(matrix, Question((NEW,), "baseline")), False))


def test_a_clean_comparison_has_at_most_12_lines(matrix: Project, measured: Record,
                                                 monkeypatch: pytest.MonkeyPatch,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    """Which sides, the counts, the answer; as wide as COLUMNS says."""
    put(matrix, *(named(measured, name) for name in EXPECTED))
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["--root", str(matrix.root), "compare"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 12
    assert 40 < max(map(len, lines)) <= 60
    assert lines[0].startswith("observed: last runs of ")


def test_a_fault_in_every_variant_is_one_block(matrix: Project, measured: Record,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    """A gradient 1.002 times as large: one block, whatever it is compared with."""
    run = copy.deepcopy(named(measured, NEW))
    for variant in run.variants.values():
        for trajectory in variant.trajectories.values():
            trajectory.gradient_norm = [1.002 * norm for norm in trajectory.gradient_norm or ()]
    put(matrix, run)
    assert main(["--root", str(matrix.root), "compare", NEW]) == 1
    text = capsys.readouterr().out
    assert text.count("begins in") == text.count("begins in gradient") == 1
    assert "2.0e-03 off" in text
