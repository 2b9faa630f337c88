"""The phase in which a difference begins: forward, loss, gradient or update.

Outside half. Three kinds of evidence. A probe of a reference checkpoint names the first
tensor that is off, if its error is large enough to be the cause, and no waiver explains it
where none explains what it would tell of. Without one, within a variant, the curve that
leaves its allowance first: the loss at step 0 comes before any gradient, a step's gradient
before its update. Where a record has losses only, the other variants of the same two
environments: if other loss paths agree under the same optimizer, the update is right, and
what is left is the gradient of this loss path. Of the two precisions float64 tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.compare.checks.finding import Comparison, Finding, Key, Verdict
from harness.compare.checks.pair import IDENTICAL, Pair, deviation, shared_curves
from harness.records.record import Trajectory
from harness.vocabulary.case import Variant
from harness.words import few

CONTRAST = 10
"""A sibling exonerates what it shares if it deviates this many times less."""
PHASES = {"loss": "forward", "gradient_norm": "gradient", "update_norm": "update"}


@dataclass(frozen=True)
class Sibling:
    """Another variant of the same two environments, in any case.

    Args:
        deviation: largest one, over all steps and precisions.
    """

    case: str
    variant: Variant
    verdict: Verdict
    deviation: float


def named(comparisons: Sequence[Comparison], pairs: Mapping[Key, Pair]) -> list[Comparison]:
    """Return comparisons, every trajectory that differs with its phase.

    Args:
        comparisons: all of a run, since siblings tell of each other.
        pairs: what the checks looked at, of every comparison that they could look at.
    """
    siblings: dict[tuple[str, str, str], list[Sibling]] = defaultdict(list)
    for c in comparisons:
        if c.key in pairs:
            siblings[c.observed, c.baseline, c.against].append(
                Sibling(c.case, pairs[c.key].variant, c.verdict, _deviation(c)))
    return [replace(c, findings=_all_named(
        c.findings, pairs[c.key], siblings[c.observed, c.baseline, c.against]))
        if c.key in pairs else c for c in comparisons]


def _all_named(findings: Sequence[Finding], pair: Pair,
               siblings: Sequence[Sibling]) -> tuple[Finding, ...]:
    named: list[Finding] = []
    for finding in findings:  # float64 comes before float32
        named.append(_named(finding, pair, siblings, named))
    return tuple(named)


def _deviation(comparison: Comparison) -> float:
    """Return the largest deviation of a trajectory; a probe's error is no such thing."""
    return max((f.deviation or 0.0 for f in comparison.findings
                if f.check.endswith("_trajectory")), default=0.0)


def _named(finding: Finding, pair: Pair, siblings: Sequence[Sibling],
           before: Sequence[Finding]) -> Finding:
    """Return a finding with its phase.

    Args:
        before: the comparison's other findings up to here, named.
    """
    is_curve = finding.check.endswith("_trajectory")
    if not finding.verdict.is_difference or not (is_curve or finding.checkpoint):
        return finding
    exact = _same_in_float64(finding, before)
    probed = [f for f in before if f.verdict.is_difference and f.check.endswith("_probes")]
    probe = next((f for f in probed if f.may_cause(finding)), None)
    if not is_curve:
        return finding if exact is None else _as_in_float64(finding, exact)
    if probe is not None:
        return replace(finding, phase=probe.phase, tensor=probe.tensor,
                       sentence=f"{finding.sentence}; a probe names the first tensor that is off: "
                                f"{probe.tensor}")
    if exact is not None:
        return replace(finding, phase=exact.phase, tensor=exact.tensor,
                       sentence=f"{finding.sentence}; float64 tells where it begins")
    assert finding.deviation is not None and finding.precision is not None
    found, evidence = locate(pair, finding.precision, finding.deviation, siblings,
                             not probed and any(p.errors for p in pair.observed.probes.values()))
    return replace(finding, phase=found, sentence=f"{finding.sentence}; {evidence}")


def _same_in_float64(finding: Finding, before: Sequence[Finding]) -> Finding | None:
    """Return what the same check found in float64, if that can be the cause."""
    if finding.precision == "float64":
        return None
    check = finding.check.replace(str(finding.precision), "float64")
    return next((f for f in before if f.check == check and f.verdict.is_difference
                 and f.may_cause(finding)), None)


def _as_in_float64(finding: Finding, exact: Finding) -> Finding:
    """Return a float32 probe with the phase that float64 has, which sees smaller errors."""
    if finding.phase == exact.phase:
        return finding
    return replace(finding, phase=exact.phase, tensor=exact.tensor,
                   sentence=f"{finding.sentence}; in float64 it begins with {exact.tensor} at "
                            f"{exact.checkpoint}")


def locate(pair: Pair, precision: str, own: float, siblings: Sequence[Sibling],
           probes_agree: bool) -> tuple[str | None, str]:
    """Return the phase in which the pair's difference begins, and the evidence.

    Args:
        precision: of the trajectory that differs.
        own: its largest deviation.
        siblings: everything else that was compared between the two environments.
        probes_agree: whether there are probes, and none of them differs.
    """
    step, curve = _earliest(pair, precision)
    if curve == "loss" and step == 0:
        return _before_gradient(pair, siblings)
    if curve in ("gradient_norm", "update_norm"):
        before = "loss and gradient agree" if curve == "update_norm" else "loss agrees"
        return PHASES[curve], f"{before} up to step {step}, {curve.replace('_', ' ')} does not"
    norms = len(shared_curves(*_sides(pair, precision))) > 1
    if precision == "float64" and norms and probes_agree:
        return "forward", (f"gradient and update norms agree up to step {step}, and so do the "
                           f"probes of reference checkpoints, the loss does not: it is where the "
                           f"trajectory has come to that the forward pass or the loss differs")
    return _after_forward(pair, siblings, own)


def _sides(pair: Pair, precision: str) -> tuple[Trajectory, Trajectory]:
    sides = pair.trajectories(precision)
    assert sides is not None
    return sides


def _earliest(pair: Pair, precision: str) -> tuple[int, str]:
    """Return the first step at which a curve is off, and the first such curve."""
    sides = _sides(pair, precision)
    found = []
    for order, name in enumerate(shared_curves(*sides)):
        bound = pair.allowance(precision, name, floor=IDENTICAL)
        off = deviation(getattr(sides[0], name), getattr(sides[1], name), precision) > bound
        off = off[:pair.chaotic_from(precision)]
        if off.any():
            found.append((int(np.argmax(off)), order, name))
    step, _, name = min(found)
    return step, name


def _before_gradient(pair: Pair, siblings: Sequence[Sibling]) -> tuple[str, str]:
    """The loss at step 0 differs: is it the loss path, or the model before it?"""
    agreeing = [s for s in siblings if s.case == pair.case.name
                and s.variant.weights == pair.variant.weights
                and s.variant.scale == pair.variant.scale
                and s.variant.loss_path != pair.variant.loss_path
                and s.verdict <= Verdict.EQUIVALENT]
    if agreeing:
        return "loss", f"the loss at step 0 differs, while {_names(agreeing)} agree"
    return "forward", "the loss at step 0 differs"


def _after_forward(pair: Pair, siblings: Sequence[Sibling], own: float) -> tuple[str | None, str]:
    """The loss at step 0 agrees: is it the gradient, or the update?

    That proves the forward pass right at the initial weights, and nowhere else.
    """
    start = "the loss at step 0 agrees, so the forward pass is right there"
    mine = pair.variant
    exonerating = [s for s in siblings if type(s.variant.optimizer) is type(mine.optimizer)
                   and s.variant.clip == mine.clip and s.variant.loss_path != mine.loss_path
                   and s.deviation * CONTRAST <= own]
    if exonerating:
        return "gradient", (f"{start}; {_names(exonerating)} agree under the same optimizer, so "
                            f"the update is right: what is left is the gradient of "
                            f"{mine.loss_path}")
    same_path = [s for s in siblings if s.variant.loss_path == mine.loss_path
                 and s.variant.optimizer != mine.optimizer]
    nearest = [s for s in same_path if s.case == pair.case.name] or same_path
    if nearest and all(s.deviation * CONTRAST <= own for s in nearest):
        return "update", (f"{start}; {_names(nearest)} agree under another optimizer, so the "
                          f"gradient is right: what is left is the update of {mine.optimizer}")
    return None, (f"{start}; gradient, update, or the forward pass at later weights: nothing "
                  f"recorded can tell")


def _names(siblings: Sequence[Sibling]) -> str:
    """Return the siblings' names, and how well the worst of them agrees."""
    names = few(sorted({s.variant.name for s in siblings}), 3)
    return f"{names} (to {max(s.deviation for s in siblings):.1e})"
