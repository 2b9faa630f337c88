"""The checks of probes: one step from fixed checkpoints, each side against the reference.

Outside half. A probe's error is new or gone where one side is beyond its allowance and the
other is not, or is so by a multiple of the other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import compress

import numpy as np

from harness.compare.checks import hosts
from harness.compare.checks.finding import CAUSE, Finding, Verdict
from harness.compare.checks.pair import Pair
from harness.records.record import Probes
from harness.vocabulary.checkpoint import parse

Limits = dict[str, list[float]]
"""By checkpoint, how large the error of each tensor may be."""
CONTRAST = {"float64": 2.0, "float32": 10.0}
"""Two errors of a probe differ if one is so many times the other. Under stress, where both are
beyond the allowance, float32 says nothing up to ``hosts.AMPLIFIED``; at a checkpoint of the
trajectory two such errors are of one size (measured over clean runs: within 1.05)."""
MARGINS = {"update": 1.5}
"""By phase, how many times its allowance an error may be before it is a difference; 1 elsewhere.

An allowance is learned on one machine, an error made on another. Measured over clean runs under
25 host settings on x86-64 and on 64-bit Arm, as a part of the allowance: outputs at most 0.42,
losses 0.12, gradients 0.35, but updates 1.09 (Adam divides a gradient that is rounding alone, of a
key's bias, by its size; a small update is what is left of two large weights). A gradient that is
1 + 1e-11 times the right one is seen in float64, 1 + 3e-6 in float32."""
CLEAR = 10.0
"""An error of so many times its allowance is no matter of rounding: it tells the phase at any
checkpoint, not only at the first."""
PHASES = ("forward", "loss", "gradient", "update")
"""Of a step, in the order in which they arise."""


@dataclass(frozen=True)
class Bounded:
    """The probes of one side, and how large each of their errors may be."""

    probes: Probes
    limits: Limits

    @cached_property
    def nearest(self) -> tuple[float, float, float]:
        """Ratio, error and allowance where an error comes nearest to its allowance."""
        return max((error / limit if limit < np.inf else 0.0, error, limit)
                   for checkpoint, errors in self.probes.errors.items()
                   for error, limit in zip(errors, self.limits[checkpoint], strict=True))


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


def _check_probes(pair: Pair, precision: str, kind: str) -> list[Finding]:
    sides = pair.of_both((kind, precision), lambda side: _bounded(
        side.probes.get(precision), kind))
    if sides[0] is None or sides[1] is None or not sides[0].probes.errors:
        return []
    observed, baseline = sides[0].probes, sides[1].probes
    check, limits = f"{precision}_{kind}", _wider(sides[0].limits, sides[1].limits)
    off = _off(observed, baseline, precision, limits)
    of_host = [place for place in off if pair.other_class
               and hosts.explains_error(observed.errors[place[0]][place[1]],
                                         baseline.errors[place[0]][place[1]],
                                         limits[place[0]][place[1]], place[0])]
    off = [place for place in off if place not in of_host]
    if not off:
        return [_agreeing(pair, precision, kind, sides[0], baseline, of_host)]
    checkpoint, index = _cause(off, observed, baseline, limits)
    tensor, error = observed.tensors[index], observed.errors[checkpoint][index]
    before, limit = baseline.errors[checkpoint][index], limits[checkpoint][index]
    elsewhere = sorted({name for name, _ in off} - {checkpoint})
    also = f", and at {', '.join(elsewhere)}" if elsewhere else ""
    largest = max(max(side.errors[name][place] for side in (observed, baseline)
                      if name in side.errors) for name, place in off)
    verb = "comes right" if before > error else "is off"
    return [Finding(
        check, Verdict.DRIFT,
        f"{precision} probe at {checkpoint}: {tensor} {verb}: {error:.1e} from the reference, "
        f"baseline {before:.1e}, allowed {limit:.1e}{also}; up to {largest:.1e} off",
        step=parse(checkpoint).step or 0,
        checkpoint=checkpoint, phase=phase_of(tensor), tensor=tensor, observed=error,
        baseline=before, deviation=largest, allowance=limit,
        required=max(error, before) / limit, precision=precision)]


def _agreeing(pair: Pair, precision: str, kind: str, observed: Bounded, baseline: Probes,
              of_host: list[tuple[str, int]]) -> Finding:
    """Return that probes agree, but for what belongs to the class of machine."""
    ratio, error, limit = observed.nearest
    verdict = Verdict.IDENTICAL if observed.probes == baseline else Verdict.EQUIVALENT
    words = f"stay within {ratio:.2g} of their allowance" if ratio <= 1 \
        else f"are off by up to {error:.1e}, on both sides alike"
    finding = Finding(f"{precision}_{kind}", verdict, f"{precision} {kind} {words}",
                      deviation=error, allowance=limit, required=ratio, precision=precision)
    if not of_host:
        return finding
    places = sorted({name for name, _ in of_host})
    worst = max(baseline.errors[name][index] for name, index in of_host)
    return hosts.excused(finding, (
        f"at {', '.join(places)} the baseline is up to {worst:.1e} off the reference, which "
        f"belongs to its machine: measured on {pair.other_class}"))


def judge(observed: Probes, baseline: Probes | None,
          precision: str) -> dict[str, tuple[str, int | None]]:
    """Return by checkpoint what is to be said of each tensor, and the first that differs.

    Args:
        baseline: the other side; None where it has no probes, so that only what is beyond its
            allowance differs.

    Returns:
        A letter for each tensor: ``g`` within its allowance, ``o`` off, ``r`` comes right, ``a``
        off on both sides alike, ``u`` not judged; and the index of the first that differs, None
        if nothing does.
    """
    other = baseline or Probes(observed.tensors, {name: [0.0] * len(errors) for name, errors
                                                  in observed.errors.items()}, {})
    limits = _wider(with_margins(observed), with_margins(other))
    off = [(name, index) for name, index in _off(observed, other, precision, limits)
           if not parse(name).is_stress or phase_of(observed.tensors[index]) != "update"]
    found = {}
    for name, errors in observed.errors.items():
        before = other.errors.get(name, errors)
        letters = ["u" if phase_of(tensor) == "update" and parse(name).is_stress
                   else "g" if max(mine, theirs) <= limit
                   else "a" if (name, index) not in off
                   else "r" if theirs > mine else "o"
                   for index, (tensor, mine, theirs, limit) in enumerate(
                       zip(observed.tensors, errors, before, limits[name], strict=True))]
        here = [place for place in off if place[0] == name]
        found[name] = "".join(letters), _cause(here, observed, other, limits)[1] if here else None
    return found


def _bounded(probes: Probes | None, kind: str) -> Bounded | None:
    """Return the probes of a kind with their limits; None where there are no probes."""
    if probes is None:
        return None
    found = _of_kind(probes, kind)
    return Bounded(found, with_margins(found))


def _of_kind(probes: Probes, kind: str) -> Probes:
    """Return the probes of reference checkpoints, or those of stress checkpoints.

    Under stress updates are left out: what an optimizer makes of a saturated gradient, which
    may be nothing but rounding, says no more than the gradient does.
    """
    names = [name for name in probes.errors
             if parse(name).is_stress == (kind == "stress")]
    if kind == "probes":
        return Probes(probes.tensors, *({name: part[name] for name in names}
                                        for part in (probes.errors, probes.allowances)))
    kept = [phase_of(tensor) != "update" for tensor in probes.tensors]
    return Probes(list(compress(probes.tensors, kept)),
                  *({name: list(compress(part[name], kept)) for name in names}
                    for part in (probes.errors, probes.allowances)))


def _off(observed: Probes, baseline: Probes, precision: str, limits: Limits
         ) -> list[tuple[str, int]]:
    """Return checkpoint and tensor wherever an error is beyond its allowance, and new or gone."""
    off = []
    for checkpoint, errors in observed.errors.items():
        before = baseline.errors.get(checkpoint, errors)
        if errors == before:
            continue
        for index, (mine, theirs, limit) in enumerate(
                zip(errors, before, limits[checkpoint], strict=True)):
            if mine <= limit and theirs <= limit:
                continue
            low, high = sorted((mine, theirs))
            comparable = low <= limit or precision == "float64" \
                or not parse(checkpoint).is_stress or not hosts.is_amplified(low, high)
            if high > limit and high > CONTRAST[precision] * low and comparable:
                off.append((checkpoint, index))
    return off


def _wider(observed: Limits, baseline: Limits) -> Limits:
    """Return by checkpoint what errors may be: the wider of both sides' allowances.

    Each was learned at its own checkpoint; where a trajectory is chaotic, two machines do not
    come to quite the same one.
    """
    return {checkpoint: mine if (theirs := baseline.get(checkpoint, mine)) == mine
            else [max(pair) for pair in zip(mine, theirs, strict=True)]
            for checkpoint, mine in observed.items()}


def _cause(off: list[tuple[str, int]], observed: Probes, baseline: Probes,
           limits: Limits) -> tuple[str, int]:
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
             if sizes[name, index] > CLEAR * limits[name][index]]
    return min(clear, default=telling[0],
               key=lambda place: PHASES.index(phase_of(observed.tensors[place[1]])))


def with_margins(probes: Probes) -> dict[str, list[float]]:
    """Return by checkpoint how large each error may be on any machine."""
    margins = [MARGINS.get(phase_of(tensor), 1.0) for tensor in probes.tensors]
    return {checkpoint: [margin * allowed for margin, allowed in zip(margins, values, strict=True)]
            for checkpoint, values in probes.allowances.items()}


@cache
def phase_of(tensor: str) -> str:
    """Return the phase in which a probe's tensor arises."""
    return {"outputs": "forward"}.get(tensor, tensor.split(" ")[0])
