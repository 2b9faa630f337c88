"""The checks: plain functions ``check_<claim>(pair) -> list[Finding]``.

Outside half. A check states what it found, harmless or not; what is done about
it is decided elsewhere. ``CHECKS`` is the list of all of them.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.compare.checks import fingerprints, hosts
from harness.compare.checks.finding import Finding, Verdict
from harness.compare.checks.pair import (
    EQUIVALENT,
    IDENTICAL,
    IMPLEMENTATION,
    Pair,
    shared_curves,
)
from harness.compare.checks.probes import (
    check_float32_probes,
    check_float32_stress,
    check_float64_probes,
    check_float64_stress,
)
from harness.compare.checks.promises import REPORTED, evaluate, misreported
from harness.records.record import Trajectory
from harness.vocabulary.case import PRECISIONS


def check_float64_trajectory(pair: Pair) -> list[Finding]:
    """Loss, gradient norm and update norm agree at every step in float64."""
    sides = pair.trajectories("float64")
    if sides is None:
        return []
    end = pair.chaotic_from("float64")
    curves = {name: pair.deviation("float64", name)[:end]
              for name in shared_curves(*sides)}
    ratios = {name: curve / pair.allowance("float64", name)[:end]
              for name, curve in curves.items()}
    largest = max(float(d.max()) for d in curves.values())
    required = max(float(ratio.max()) for ratio in ratios.values())
    if required <= 1:
        verdict = Verdict.IDENTICAL if largest <= IDENTICAL else Verdict.EQUIVALENT
        return [Finding("float64_trajectory", verdict, f"float64 agrees to {largest:.1e}"
                        + _until(pair, "float64"),
                        deviation=largest, allowance=EQUIVALENT, required=required,
                        precision="float64")]
    name = min(curves, key=lambda n: _first(ratios[n] > 1))
    step = _first(ratios[name] > 1)
    change = "implementation changed" if largest <= IMPLEMENTATION else "behaviour changed"
    return [_of_host(pair, list(curves), _differs(
        "float64_trajectory", sides, name, step, largest,
        float(pair.allowance("float64", name)[step]), required, change))]


def check_float32_trajectory(pair: Pair) -> list[Finding]:
    """The float32 loss stays within what rounding alone can do to it."""
    sides = pair.trajectories("float32")
    if sides is None:
        return []
    end = pair.chaotic_from("float32")
    allowance = pair.allowance("float32", "loss")[:end]
    deviations = pair.deviation("float32", "loss")[:end]
    with np.errstate(invalid="ignore"):  # infinite both: rounding alone can do that too
        ratio = np.nan_to_num(deviations / allowance, nan=0, posinf=np.inf)
    largest, required = float(deviations.max()), float(ratio.max())
    if required <= 1:
        verdict = Verdict.IDENTICAL if largest == 0 else Verdict.EQUIVALENT
        words = "is the same to the bit" if largest == 0 else f"agrees to {largest:.1e}"
        return [Finding("float32_trajectory", verdict, f"float32 {words}{_until(pair, 'float32')}",
                        deviation=largest, allowance=float(allowance[int(ratio.argmax())]),
                        required=required, precision="float32")]
    step = _first(deviations > allowance)
    return [_of_host(pair, ["loss"], _differs(
        "float32_trajectory", sides, "loss", step, largest, float(allowance[step]), required,
        "more than rounding"))]


def check_reported_metrics(pair: Pair) -> list[Finding]:
    """The framework's own metrics are those of its predictions, where they were before."""
    findings = []
    for precision in PRECISIONS:
        sides = pair.trajectories(precision)
        if sides is None or sides[0].reported is None:
            continue
        wrong, before = (misreported(side) for side in sides)
        if wrong and not before:
            name, step, said, real = wrong
            findings.append(Finding(
                "reported_metrics", Verdict.DRIFT,
                f"{precision}: the framework reports {name} {said:.6g} at step {step}, its "
                f"predictions have {real:.6g}", step=step, phase="metric", observed=said,
                baseline=real, deviation=abs(said - real), allowance=REPORTED,
                required=abs(said - real) / REPORTED, precision=precision))
    return findings


def check_fingerprint(pair: Pair) -> list[Finding]:
    """The same seed gives the same weights, order and numbers; reports say what is."""
    observed, baseline = pair.observed.fingerprint, pair.baseline.fingerprint
    if observed is None or baseline is None:
        return []
    return [Finding("fingerprint", Verdict.DRIFT, sentence, step=0, phase=phase, tensor=tensor)
            for phase, tensor, sentence in fingerprints.differences(observed, baseline)] or \
           [Finding("fingerprint", Verdict.IDENTICAL, "weights, order and numbers of a seed agree")]


def check_dropout_stream(pair: Pair) -> list[Finding]:
    """The same seed drops the same units."""
    observed, baseline = pair.observed.drops, pair.baseline.drops
    if not observed or not baseline or not fingerprints.is_one_stream(observed, baseline):
        return []
    sentence = fingerprints.other_masks(observed, baseline)
    return [Finding("dropout_stream", Verdict.IDENTICAL, "the masks of a seed agree")
            if sentence is None else
            Finding("dropout_stream", Verdict.DRIFT, sentence, step=0, phase="forward",
                    tensor="mask of dropout")]


def check_health(pair: Pair) -> list[Finding]:
    """The observed run keeps every promise of the case that the baseline keeps."""
    findings = []
    for precision in PRECISIONS:
        for promise in pair.case.promises if pair.trajectories(precision) else ():
            observed, baseline = pair.of_both((promise, precision), partial(
                evaluate, promise, precision=precision))
            if observed is None or baseline is None or observed.kept == baseline.kept:
                continue
            verdict = Verdict.IMPROVEMENT if observed.kept else Verdict.REGRESSION
            verb = "now keeps" if observed.kept else "breaks"
            finding = Finding(
                "health", verdict,
                f"{precision}: {verb} a promise: {observed.words}; baseline: {baseline.words}",
                step=observed.step, phase=observed.phase, observed=observed.value,
                baseline=baseline.value, precision=precision)
            findings.append(hosts.excused(finding, f"measured on {pair.other_class}")
                            if observed.kept and pair.other_class else finding)
    return findings


CHECKS = (check_float64_probes, check_float32_probes, check_float64_stress, check_float32_stress,
          check_float64_trajectory, check_float32_trajectory, check_reported_metrics,
          check_fingerprint, check_health, check_dropout_stream)


def _of_host(pair: Pair, curves: list[str], finding: Finding) -> Finding:
    """Return a difference of a trajectory; excused if it is the other machine that is off."""
    if pair.other_class and pair.agrees_with_reference(str(finding.precision), curves):
        return hosts.excused(finding, f"it agrees with the reference; measured on "
                                      f"{pair.other_class}")
    return finding


def _until(pair: Pair, precision: str) -> str:
    """Return where a trajectory stops to say anything."""
    step = pair.chaotic_from(precision)
    return "" if step is None else f"; it is chaotic from step {step} on"


def _first(exceeds: NDArray[np.bool_]) -> int:
    """Return the first step at which a condition holds, or the number of steps."""
    return int(exceeds.argmax()) if exceeds.any() else len(exceeds)


def _differs(check: str, sides: tuple[Trajectory, Trajectory], curve: str, step: int,
             largest: float, allowance: float, required: float, change: str) -> Finding:
    observed, baseline = (getattr(side, curve)[step] for side in sides)
    words = curve.replace("_", " ")
    return Finding(
        check, Verdict.DRIFT,
        f"{change}: {words} {observed:.9g} instead of {baseline:.9g} at step {step}, "
        f"up to {largest:.1e} off", step=step, observed=observed, baseline=baseline,
        deviation=largest, allowance=allowance, required=required,
        precision=check.partition("_")[0])
