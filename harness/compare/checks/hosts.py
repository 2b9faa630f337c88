"""Hosts: what may differ between two classes of machine without a change of the framework.

Outside half. Such a finding is no difference; it says itself what belongs to the machine, and
the report notes it. Where a baseline of another class is off the reference, the size of its
error belongs to that class: another kernel has the same defect in another size, or none. And
what agrees with the reference is right, whatever the other machine computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.compare.checks.finding import Finding, Verdict
from harness.vocabulary.checkpoint import parse

AMPLIFIED = 1000.0
"""Times another's error that one may be under stress, where both are beyond their limit: what
rounding makes of a saturated gradient depends on kernels and threads. Measured where the baseline
is finite, over clean runs under 25 settings of one machine, on an AVX-512 one and on 64-bit Arm,
oneDNN off: at most 151 (torch's attention, weights x 10), and none that became infinite. The other
way it happens: a baseline's infinity is 0.018 on Arm, and passes."""


def explains_error(mine: float, theirs: float, limit: float, checkpoint: str) -> bool:
    """Return whether two probes' errors may differ between classes of machine.

    They may where the observed one is within its limit, for then it is the other machine that
    is off; and under stress where both are beyond it, up to ``AMPLIFIED``. At a
    checkpoint of the trajectory two errors of one framework are of one size, or the framework
    changed.

    Args:
        mine: relative error of the observed tensor.
        theirs: the baseline's.
        limit: how large an error may be.
    """
    return mine <= limit < theirs or (theirs > limit and parse(checkpoint).is_stress
                                      and mine <= AMPLIFIED * theirs)


def is_amplified(one: float, other: float) -> bool:
    """Return whether two errors beyond their limit may differ by amplified rounding alone."""
    return max(one, other) <= AMPLIFIED * min(one, other) < math.inf or one == other


def excused(finding: Finding, why: str) -> Finding:
    """Return a difference as what it is: of the machine, and none of the framework."""
    return replace(finding, verdict=Verdict.EQUIVALENT, host=why,
                   sentence=f"{finding.sentence}; {why}")


def shown_by_neighbour(findings: Sequence[Finding], beside: Iterable[Finding], stored: Iterable[
        Finding], neighbour: str) -> list[Finding]:
    """Return findings against a baseline of another class, those of the machine excused.

    Args:
        beside: what the same run shows against the neighbour, measured on the same machine.
        stored: what the stored baselines of the two show, which another machine measured.
        neighbour: the other version.
    """
    upgrade = {(f.check, f.phase) for f in (*beside, *stored) if f.verdict.is_difference}
    why = f"{neighbour}, measured on this machine, shows the same"
    return [excused(f, why) if f.verdict.is_difference and (f.check, f.phase) not in upgrade
            else f for f in findings]
