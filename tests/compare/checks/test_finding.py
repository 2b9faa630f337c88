"""The worst finding and the cause: one definition, wherever a difference is shown."""

from __future__ import annotations

import dataclasses

import pytest

from harness.commands.tables.verdicts import render
from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver, cause, worst
from harness.compare.compare import Report
from tests.kit.terminal import printed

WAIVER = Waiver("*", "*", "*", "*", "*", 1.0, "known", "issue 7", "2026-01-01")
PROBE = Finding("float64_probes", Verdict.DRIFT, "probe", step=10, checkpoint="step_10",
                phase="update", deviation=6.6e-7, allowance=2.7e-12, required=2.4e5)
CURVE = Finding("float64_trajectory", Verdict.DRIFT, "curve", step=0, phase="update",
                deviation=1.7e-2, allowance=1e-9, required=1.7e7)
STRESS = Finding("float32_stress", Verdict.DRIFT, "stress", step=0, checkpoint="scaled_30",
                 phase="forward", deviation=1e-3, allowance=1.8e-4, required=5.5)
PROMISE = Finding("health", Verdict.REGRESSION, "breaks a promise", step=3)
SEED = Finding("fingerprint", Verdict.DRIFT, "seed 0", step=0, phase="initialisation")
AGREEING = Finding("float64_stress", Verdict.IDENTICAL, "agrees", deviation=3e-14,
                   allowance=1e-4, required=1e-10)


def waived(finding: Finding) -> Finding:
    """Return the finding, covered by a waiver."""
    return dataclasses.replace(finding, waiver=WAIVER)


@pytest.mark.parametrize(("found", "expected"), [
    ([PROBE, CURVE], CURVE),
    ([PROMISE, PROBE], PROBE),
    ([waived(CURVE), PROBE], PROBE),
    ([waived(CURVE), PROMISE], PROMISE),
    ([AGREEING, SEED], SEED),
    ([SEED, PROMISE], PROMISE),
    ([AGREEING], None),
])
def test_the_worst_is_open_then_farthest_beyond_its_allowance(
        found: list[Finding], expected: Finding | None) -> None:
    """Neither the first that was measured nor one that is waived, and never one that agrees."""
    assert worst(found) == worst(found[::-1]) == expected


def test_nan_is_farther_than_any_number() -> None:
    """Of two that are infinitely far the one under training comes before the one under stress."""
    nan = dataclasses.replace(CURVE, step=5, deviation=float("inf"), required=float("nan"))
    stress = dataclasses.replace(STRESS, deviation=float("inf"), required=float("inf"))
    assert worst([stress, nan, PROBE]) == nan


@pytest.mark.parametrize(("found", "expected"), [
    ([CURVE, PROBE, STRESS], PROBE),
    ([CURVE, STRESS], STRESS),
    ([CURVE, waived(PROBE)], CURVE),
    ([dataclasses.replace(CURVE, phase=None), waived(PROBE)], None),
])
def test_a_probe_tells_the_phase_if_it_is_open(found: list[Finding],
                                               expected: Finding | None) -> None:
    """A probe holds no error of the steps before; a waived one says nothing of what is open."""
    assert cause(found) == expected


def test_a_fingerprint_has_phase_and_step_but_no_size() -> None:
    """Beside a finding that agrees, it is the fingerprint that is located."""
    comparison = Comparison("xor", "mse-sgd_0.1", "torch-2.13.0", "previous", "torch-2.12.1",
                            [AGREEING, SEED])
    for everything in (False, True):
        text = printed(render(Report([comparison]), everything))
        assert "initialisation" in text and "step 0" in text
        assert "3.0e-14" not in text


def test_the_table_and_the_text_show_the_same_finding() -> None:
    """The curve that is 1.7e-2 off at step 0, not the probe that was looked at first."""
    report = Report([Comparison("xor", "mse-sgd_0.1", "torch-2.13.0", "baseline", "torch-2.13.0",
                                [waived(STRESS), PROBE, CURVE])])
    for everything in (False, True):
        text = printed(render(report, everything))
        assert "step 0, " in text and "1.7e-02" in text
        assert "6.6e-07 off" not in text and "1.0e-03" not in text
