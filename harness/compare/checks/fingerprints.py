"""Fingerprints compared: what the same seed gives in two environments.

Outside half.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from harness.records.record import Drops, Fingerprint

SPREAD = 5.0
"""Standard errors by which a standard deviation of initial weights must move."""
ROUNDING = 1e-5
"""Part of their standard deviation by which mean and deviation of the same initial weights
may move: instruction sets round them differently. Another draw moves them by far more."""
UNITS = 16
"""Of a mask of dropout, in a sentence."""
REPORTED = 1e-5
"""Relative difference of a reported loss from the computed one: float32 sums."""


def differences(observed: Fingerprint,
                baseline: Fingerprint) -> Iterator[tuple[str, str | None, str]]:
    """Yield phase, tensor and sentence of everything that differs, in order of cause."""
    yield from _initialisation(observed, baseline)
    yield from _order(observed, baseline)
    mine, theirs = (_misreported(side) for side in (observed, baseline))
    if mine != theirs:
        yield "metric", None, (
            f"the framework reports a loss of {observed.reported} where its predictions give "
            f"{observed.evaluated:.9g}; baseline {baseline.reported} for {baseline.evaluated:.9g}")


def is_one_stream(observed: Mapping[str, Drops], baseline: Mapping[str, Drops]) -> bool:
    """Return whether both sides must draw the masks of dropout from the same random stream.

    They need not, where another host has another generator.
    """
    (mine, here), (theirs, there) = (
        next(iter((drops.generator, drops.host) for drops in side.values()))
        for side in (observed, baseline))
    return mine == theirs or (here is not None and here == there)


def other_masks(observed: Mapping[str, Drops], baseline: Mapping[str, Drops]) -> str | None:
    """Return in words how the masks of a seed differ, or None where they do not.

    Args:
        observed, baseline: by precision, of one random stream.
    """
    other = [precision for precision, drops in observed.items()
             if precision in baseline and drops.sha256 != baseline[precision].sha256]
    if not other:
        return None
    generators = [side[other[0]].generator for side in (observed, baseline)]
    if generators[0] != generators[1]:
        return (f"dropout draws other masks from the same seed: from {generators[0]}'s random "
                f"stream instead of {generators[1]}'s ({', '.join(other)})")
    mine, theirs = (_dropped(side[other[0]].first) for side in (observed, baseline))
    if mine == theirs:
        return (f"dropout draws other masks from the same seed after the first few "
                f"({', '.join(other)})")
    return (f"dropout draws other masks from the same seed: of the first {UNITS} units it drops "
            f"{mine} instead of {theirs} ({', '.join(other)})")


def _dropped(first: list[int]) -> list[int]:
    return [place for place, kept in enumerate(first[:UNITS]) if not kept]


def _initialisation(observed: Fingerprint,
                    baseline: Fingerprint) -> Iterator[tuple[str, str | None, str]]:
    if observed.weights_sha256 == baseline.weights_sha256 or _rounded_alike(observed, baseline):
        return
    for name, (_, deviation, count) in observed.weights.items():
        before = baseline.weights.get(name, [0.0, 0.0, 0.0])[1]
        if abs(deviation - before) > SPREAD * max(deviation, before) / math.sqrt(2 * count):
            yield "initialisation", name, (
                f"initial weights have another distribution: standard deviation of {name} "
                f"{deviation:.4g} instead of {before:.4g}")
            return
    stream = "another random stream" if observed.random_sha256 != baseline.random_sha256 \
        else "the same random stream"
    yield "initialisation", None, (
        f"seed {observed.seed} gives other initial weights of the same distribution, from {stream}")


def _rounded_alike(observed: Fingerprint, baseline: Fingerprint) -> bool:
    """Return whether the initial weights are the same but for rounding."""
    return observed.weights.keys() == baseline.weights.keys() and all(
        count == before[2] and max(abs(mean - before[0]), abs(deviation - before[1]))
        <= ROUNDING * (deviation or abs(mean))
        for (mean, deviation, count), before in
        ((weights, baseline.weights[name]) for name, weights in observed.weights.items()))


def _order(observed: Fingerprint,
           baseline: Fingerprint) -> Iterator[tuple[str, str | None, str]]:
    if observed.presented != baseline.presented:
        yield "data order", None, (f"epochs present {observed.presented} examples instead of "
                                   f"{baseline.presented}")
    elif observed.order_sha256 != baseline.order_sha256:
        yield "data order", None, f"seed {observed.seed}: {_words(observed, baseline)}"


def _words(observed: Fingerprint, baseline: Fingerprint) -> str:
    """Return how the order of the examples differs."""
    repeats, repeated = (len(side.order) > 1 and side.order[0] == side.order[1]
                         for side in (observed, baseline))
    if repeats != repeated:
        now, before = ("the same", "another") if repeats else ("another", "the same")
        return (f"the second epoch presents the examples in {now} order as the first, "
                f"in the baseline in {before}").replace("another order as", "another order than")
    for number, (mine, theirs) in enumerate(zip(observed.order, baseline.order, strict=True), 1):
        if mine != theirs:
            return f"epoch {number} begins with the examples {mine} instead of {theirs}"
    return "the examples come in another order after the first few"


def _misreported(side: Fingerprint) -> bool:
    """Return whether the framework reports another loss than its predictions have."""
    if side.reported is None:
        return False
    return not abs(side.reported - side.evaluated) <= REPORTED * max(1.0, abs(side.evaluated))
