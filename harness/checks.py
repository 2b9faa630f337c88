"""The checks: plain functions ``check_<claim>(pair) -> list[Finding]``.

Outside half. A check states what it found, harmless or not; what is done about
it is decided elsewhere. ``CHECKS`` is the list of all of them.
"""

from __future__ import annotations

from functools import partial
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from harness import fingerprint
from harness.case import PRECISIONS
from harness.finding import CAUSE, Finding, Verdict
from harness.health import REPORTED, evaluate, misreported
from harness.pair import EQUIVALENT, IDENTICAL, IMPLEMENTATION, Pair, deviation, shared_curves
from harness.record import Probes, Trajectory

CONTRAST = {"float64": 2.0, "float32": 10.0}
"""Two errors of a probe differ if one is so many times the other. Where both are beyond the
allowance float32 says nothing: which multiple of an error comes out of rounding that is
amplified depends on the instruction set (measured: torch's attention under stress, 1.6 and
0.08)."""
CLEAR = 10.0
"""An error of so many times its allowance is no matter of rounding: it tells the phase at any
checkpoint, not only at the first."""
PHASES = ("forward", "loss", "gradient", "update")
"""Of a step, in the order in which they arise."""


def check_float64_trajectory(pair: Pair) -> list[Finding]:
    """Loss, gradient norm and update norm agree at every step in float64."""
    sides = pair.trajectories("float64")
    if sides is None:
        return []
    end = pair.chaotic_from("float64")
    curves = {name: deviation(getattr(sides[0], name), getattr(sides[1], name), "float64")[:end]
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
    return [_differs("float64_trajectory", sides, name, step, largest,
                     float(pair.allowance("float64", name)[step]), required, change)]


def check_float32_trajectory(pair: Pair) -> list[Finding]:
    """The float32 loss stays within what rounding alone can do to it."""
    sides = pair.trajectories("float32")
    if sides is None:
        return []
    end = pair.chaotic_from("float32")
    allowance = pair.allowance("float32", "loss")[:end]
    deviations = deviation(sides[0].loss, sides[1].loss, "float32")[:end]
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
    return [_differs("float32_trajectory", sides, "loss", step, largest, float(allowance[step]),
                     required, "more than rounding")]


def check_float64_probes(pair: Pair) -> list[Finding]:
    """One float64 step from every reference checkpoint agrees with the reference as before."""
    return _check_probes(pair, "float64", "probes")


def check_float32_probes(pair: Pair) -> list[Finding]:
    """One float32 step from every reference checkpoint agrees with the reference as before."""
    return _check_probes(pair, "float32", "probes")


def check_float64_stress(pair: Pair) -> list[Finding]:
    """One float64 step from every stress checkpoint agrees with the reference as before."""
    return _check_probes(pair, "float64", "stress")


def check_float32_stress(pair: Pair) -> list[Finding]:
    """One float32 step from every stress checkpoint agrees with the reference as before."""
    return _check_probes(pair, "float32", "stress")


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
            for phase, tensor, sentence in fingerprint.differences(observed, baseline)] or \
           [Finding("fingerprint", Verdict.IDENTICAL, "weights, order and numbers of a seed agree")]


def check_dropout_stream(pair: Pair) -> list[Finding]:
    """The same seed drops the same units."""
    observed, baseline = pair.observed.drops, pair.baseline.drops
    if not observed or not baseline or not fingerprint.is_one_stream(observed, baseline):
        return []
    sentence = fingerprint.other_masks(observed, baseline)
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
            findings.append(Finding(
                "health", verdict,
                f"{precision}: {verb} a promise: {observed.words}; baseline: {baseline.words}",
                step=observed.step, phase=observed.phase, observed=observed.value,
                baseline=baseline.value, precision=precision))
    return findings


CHECKS = (check_float64_probes, check_float32_probes, check_float64_stress, check_float32_stress,
          check_float64_trajectory, check_float32_trajectory, check_reported_metrics,
          check_fingerprint, check_health, check_dropout_stream)


def _check_probes(pair: Pair, precision: str, kind: str) -> list[Finding]:
    observed, baseline = pair.of_both((kind, precision),
                                      lambda side: _of_kind(side.probes.get(precision), kind))
    if observed is None or baseline is None or not observed.errors:
        return []
    check, off = f"{precision}_{kind}", _off(observed, baseline, precision)
    if not off:
        ratio, error, limit = _nearest(observed)
        verdict = Verdict.IDENTICAL if observed == baseline else Verdict.EQUIVALENT
        words = f"stay within {ratio:.2g} of their allowance" if ratio <= 1 \
            else f"are off by up to {error:.1e}, on both sides alike"
        return [Finding(check, verdict, f"{precision} {kind} {words}", deviation=error,
                        allowance=limit, required=ratio, precision=precision)]
    checkpoint, index = _cause(off, observed, baseline)
    tensor, error = observed.tensors[index], observed.errors[checkpoint][index]
    before, limit = baseline.errors[checkpoint][index], \
        _limits(observed, baseline, checkpoint)[index]
    elsewhere = sorted({name for name, _ in off} - {checkpoint})
    also = f", and at {', '.join(elsewhere)}" if elsewhere else ""
    largest = max(max(side.errors[name][place] for side in (observed, baseline)
                      if name in side.errors) for name, place in off)
    verb = "comes right" if before > error else "is off"
    return [Finding(
        check, Verdict.DRIFT,
        f"{precision} probe at {checkpoint}: {tensor} {verb}: {error:.1e} from the reference, "
        f"baseline {before:.1e}, allowed {limit:.1e}{also}; up to {largest:.1e} off",
        step=int(checkpoint[5:]) if checkpoint.startswith("step_") else 0,
        checkpoint=checkpoint, phase=phase_of(tensor), tensor=tensor, observed=error,
        baseline=before, deviation=largest, allowance=limit,
        required=max(error, before) / limit, precision=precision)]


def _of_kind(probes: Probes | None, kind: str) -> Probes | None:
    """Return the probes of reference checkpoints, or those of stress checkpoints.

    Under stress updates are left out: what an optimizer makes of a saturated gradient, which
    may be nothing but rounding, says no more than the gradient does.
    """
    if probes is None:
        return None
    names = [name for name in probes.errors
             if name.startswith("step_") == (kind == "probes")]
    if kind == "probes":
        return Probes(probes.tensors, *({name: part[name] for name in names}
                                        for part in (probes.errors, probes.allowances)))
    kept = [phase_of(tensor) != "update" for tensor in probes.tensors]
    return Probes(list(compress(probes.tensors, kept)),
                  *({name: list(compress(part[name], kept)) for name in names}
                    for part in (probes.errors, probes.allowances)))


def _off(observed: Probes, baseline: Probes, precision: str) -> list[tuple[str, int]]:
    """Return checkpoint and tensor wherever an error is beyond its allowance, and new or gone."""
    off = []
    for checkpoint, errors in observed.errors.items():
        before = baseline.errors.get(checkpoint, errors)
        limits = _limits(observed, baseline, checkpoint)
        for index, (mine, theirs, limit) in enumerate(zip(errors, before, limits, strict=True)):
            if mine <= limit and theirs <= limit:
                continue
            low, high = sorted((mine, theirs))
            comparable = low <= limit or precision == "float64"
            if high > limit and high > CONTRAST[precision] * low and comparable:
                off.append((checkpoint, index))
    return off


def _limits(observed: Probes, baseline: Probes, checkpoint: str) -> list[float]:
    """Return the allowances at a checkpoint: the wider of both sides', each learned at its own.

    Where a trajectory is chaotic, two machines do not come to quite the same checkpoint.
    """
    mine = observed.allowances[checkpoint]
    theirs = baseline.allowances.get(checkpoint, mine)
    return mine if mine == theirs else [max(pair) for pair in zip(mine, theirs, strict=True)]


def _cause(off: list[tuple[str, int]], observed: Probes,
           baseline: Probes) -> tuple[str, int]:
    """Return the checkpoint that tells most, and the first tensor that is off there.

    Every checkpoint is a step of its own, so the earliest phase that is clearly off at any of
    them is where the difference begins: what is 0 at step 0 (a bias) shows in the gradients
    there, and only later in the outputs.
    """
    sizes = {(name, index): max(observed.errors[name][index],
                                baseline.errors.get(name, observed.errors[name])[index])
             for name, index in off}
    largest = max(sizes.values())
    telling = [place for place in off if sizes[place] >= CAUSE * largest]
    clear = [(name, index) for name, index in telling
             if sizes[name, index] > CLEAR * _limits(observed, baseline, name)[index]]
    return min(clear, default=telling[0],
               key=lambda place: PHASES.index(phase_of(observed.tensors[place[1]])))


def _nearest(probes: Probes) -> tuple[float, float, float]:
    """Return ratio, error and allowance where an error comes nearest to its allowance."""
    return max((error / limit if limit < np.inf else 0.0, error, limit)
               for checkpoint, errors in probes.errors.items()
               for error, limit in zip(errors, probes.allowances[checkpoint], strict=True))


def phase_of(tensor: str) -> str:
    """Return the phase in which a probe's tensor arises."""
    return {"outputs": "forward"}.get(tensor, tensor.split(" ")[0])


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
