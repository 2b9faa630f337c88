"""Where a difference begins: which evidence tells it, and which must not."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.compare.checks import phase
from harness.compare.checks.finding import Comparison, Finding, Verdict, Waiver
from harness.compare.checks.pair import Pair
from harness.compare.checks.trajectories import check_float64_probes
from harness.records.project import Project
from harness.records.record import Probes, Record, VariantRecord

SGD = "bce_sigmoid-sgd_0.1"
KNOWN = Waiver("*", "*", "*", "*", "*", math.inf, "known", "", "")
TENSORS = ["outputs", "loss", "gradient of d", "update of d"]


def probe(name: str, error: float, precision: str = "float64", kind: str = "probes",
          checkpoint: str = "step_0") -> Finding:
    """Return the finding of a probe in which one phase is off."""
    return Finding(f"{precision}_{kind}", Verdict.DRIFT, "off", step=0, checkpoint=checkpoint,
                   phase=name, tensor=f"{name} of d", observed=error, baseline=0.0,
                   deviation=error, precision=precision)


def curve(observed: float, precision: str = "float64", step: int = 5) -> Finding:
    """Return the finding of a loss that is 0.5 in the baseline."""
    return Finding(f"{precision}_trajectory", Verdict.DRIFT, "off", step=step, observed=observed,
                   baseline=0.5, deviation=abs(observed - 0.5), precision=precision)


def named(pair: Pair, findings: Sequence[Finding]) -> Comparison:
    """Return a comparison whose findings have their phases."""
    comparison = Comparison(pair.case.name, SGD, "torch-2.13.0", "baseline", "torch-2.13.0",
                            list(findings))
    [found] = phase.named([comparison], {comparison.key: pair})
    return found


@pytest.fixture
def off(checkout: Project, measured: Record) -> Pair:
    """Return two sides whose losses differ from step 1 on, in both precisions, and nothing else."""
    baseline = copy.deepcopy(measured.variants[SGD])
    baseline.probes["float64"] = Probes(TENSORS, {"step_0": [0.0] * 4}, {"step_0": [1e-9] * 4})
    observed = copy.deepcopy(baseline)
    for trajectory in observed.trajectories.values():
        trajectory.loss = [trajectory.loss[0], *(2 * value for value in trajectory.loss[1:])]
    variant = next(v for v in checkout.case(measured.case).variants if v.name == SGD)
    envelopes = {precision: trajectory.envelope or {} for precision, trajectory
                 in measured.variants[SGD].trajectories.items() if trajectory.envelope}
    return Pair(checkout.case(measured.case), variant, observed, baseline, envelopes)


@pytest.mark.parametrize(("known", "error", "tells"), [
    (False, 0.3, True), (False, 1e-3, True), (False, 1.2e-8, False), (True, 0.3, False)])
def test_a_probe_tells_the_phase_of_what_it_can_cause(off: Pair, known: bool, error: float,
                                                      tells: bool) -> None:
    """A waived error, or one of 1e-8, is not why a loss is 0.6 instead of 0.5."""
    evidence = replace(probe("update", error), waiver=KNOWN if known else None)
    comparison = named(off, [evidence, curve(0.6)])
    assert (comparison.findings[1].phase == "update") is tells
    assert comparison.cause is (comparison.findings[0] if tells else None)


def test_a_loss_that_is_nan_has_no_finite_cause(off: Pair) -> None:
    """A probe that is 1.2e-8 off does not name the phase of a loss that is NaN at step 5."""
    comparison = named(off, [probe("update", 1.2e-8), curve(math.nan)])
    assert comparison.findings[1].phase != "update"
    assert "probes of reference checkpoints" not in comparison.findings[1].sentence
    infinite = named(off, [probe("update", math.inf), curve(math.nan)])
    assert infinite.findings[1].phase == "update"


def test_a_waived_probe_tells_the_phase_of_what_is_waived(off: Pair) -> None:
    """One waiver may explain both a step and the trajectory that it leads to."""
    known = [replace(finding, waiver=KNOWN) for finding in (probe("update", 0.1), curve(0.6))]
    assert named(off, known).findings[1].phase == "update"


def test_float32_says_what_float64_says(off: Pair) -> None:
    """A forward pass on stale weights: right at step 0 and in every probe, wrong from step 1 on."""
    exact, rounded = named(off, [curve(0.6), curve(0.6, "float32")]).findings
    assert exact.phase == rounded.phase == "forward"
    assert "forward pass is right" not in rounded.sentence


def test_float32_speaks_for_itself_where_float64_is_hardly_off(off: Pair) -> None:
    """A loss off by 1e-8 in float64 is not why it is off by 0.1 in float32."""
    rounded = named(off, [curve(0.5 + 1e-8), curve(0.6, "float32")]).findings[1]
    assert rounded.phase is None and "at later weights: nothing recorded" in rounded.sentence


@pytest.mark.parametrize(("exact", "expected"), [(1e-2, "forward"), (1e-9, "gradient")])
def test_a_float32_probe_begins_where_the_float64_one_does(off: Pair, exact: float,
                                                           expected: str) -> None:
    """Float32 hides a small error of the outputs, and shows what it does to the gradients."""
    found = named(off, [probe("forward", exact), probe("gradient", 0.1, "float32")])
    assert found.findings[1].phase == expected
    assert ("in float64 it begins" in found.findings[1].sentence) is (expected == "forward")


def test_a_reference_checkpoint_goes_before_stress(off: Pair) -> None:
    """A bias that is 0 stays 0 under stress: what it does to the outputs shows elsewhere."""
    stress = probe("gradient", 1e-3, kind="stress", checkpoint="scaled_3")
    later = replace(probe("forward", 1e-5, checkpoint="step_1"), step=1)
    assert named(off, [later, stress]).cause.phase == "forward"
    assert named(off, [replace(later, observed=1e-9), stress]).cause.phase == "gradient"


@pytest.mark.parametrize(("outputs", "checkpoint", "expected"), [
    (5e-6, "step_1", "forward"), (1.1e-12, "step_0", "gradient"), (5e-9, "step_0", "gradient")])
def test_the_checkpoint_that_says_most_names_the_phase(off: Pair, outputs: float, checkpoint: str,
                                                       expected: str) -> None:
    """Outputs clearly off at step 1 tell more than a gradient at step 0; a last bit does not."""
    limits = {"step_0": [1e-12] * 4, "step_1": [1e-12] * 4}
    sides = [VariantRecord("", probes={"float64": Probes(TENSORS, errors, limits)}) for errors in (
        {"step_0": [0.0, 0.0, 6e-4, 6e-4], "step_1": [outputs, outputs, 7e-4, 7e-4]},
        {"step_0": [0.0] * 4, "step_1": [0.0] * 4})]
    (found,) = check_float64_probes(Pair(off.case, off.variant, *sides, {}))
    assert (found.checkpoint, found.phase) == (checkpoint, expected)
    other = ({"step_0", "step_1"} - {checkpoint}).pop()
    assert f"and at {other}" in found.sentence
