"""Fingerprints compared: what the same seed gives, and which phase it concerns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.compare.checks.fingerprints import differences
from harness.records.record import Fingerprint

BASELINE = Fingerprint(
    seed=0, weights={"conv.kernel": [0.0, 0.8, 192], "conv.bias": [0.0, 0.0, 64]},
    weights_sha256="w", order=[[3, 1, 2], [2, 3, 1]], order_sha256="o", presented=[500, 500],
    random=[0.5], random_sha256="r", evaluated=0.7, reported=0.70000001)
REDRAWN = {"conv.kernel": [0.02, 0.79, 192], "conv.bias": [0.0, 0.0, 64]}


def told(**changes: object) -> list[tuple[str, str]]:
    """Return phase and sentence of every difference from the baseline."""
    return [(phase, sentence) for phase, _, sentence in
            differences(replace(BASELINE, **changes), BASELINE)]


def test_the_same_fingerprint_has_no_difference() -> None:
    """Nothing is said of two that agree."""
    assert told() == []


@pytest.mark.parametrize(("changes", "phase", "words"), [
    ({"weights_sha256": "x", "weights": {"conv.kernel": [0.0, 0.1, 192]}}, "initialisation",
     "another distribution: standard deviation of conv.kernel 0.1 instead of 0.8"),
    ({"weights_sha256": "x", "weights": REDRAWN}, "initialisation",
     "same distribution, from the same random stream"),
    ({"weights_sha256": "x", "weights": REDRAWN, "random_sha256": "x"}, "initialisation",
     "another random stream"),
    ({"presented": [448, 448], "order_sha256": "x"}, "data order",
     "[448, 448] examples instead of [500, 500]"),
    ({"order": [[1, 3, 2], [2, 3, 1]], "order_sha256": "x"}, "data order",
     "epoch 1 begins with the examples [1, 3, 2] instead of [3, 1, 2]"),
    ({"order": [[3, 1, 2], [3, 1, 2]], "order_sha256": "x"}, "data order",
     "second epoch presents the examples in the same order as the first, in the baseline in "
     "another"),
    ({"order_sha256": "x"}, "data order", "after the first few"),
    ({"reported": 0.71}, "metric", "reports a loss of 0.71 where its predictions give 0.7;"),
])
def test_each_difference_has_its_phase(changes: dict[str, object], phase: str,
                                       words: str) -> None:
    """Weights concern the initialisation, examples the data order, reports the metric."""
    (found,) = told(**changes)
    assert found[0] == phase and words in found[1]


def test_a_distribution_may_vary_by_chance() -> None:
    """A standard deviation within five standard errors is no other distribution."""
    ((_, sentence),) = told(weights_sha256="x", weights={"conv.kernel": [0.0, 0.9, 192]})
    assert "same distribution" in sentence


def test_weights_that_are_rounded_otherwise_are_the_same() -> None:
    """Another instruction set changes their last bits, and so the hash; that is no draw."""
    rounded = {"conv.kernel": [1e-9, 0.8 + 1e-9, 192], "conv.bias": [0.0, 0.0, 64]}
    assert told(weights_sha256="x", weights=rounded) == []


def test_a_framework_that_reports_nothing_misreports_nothing() -> None:
    """Without a loop of its own there is nothing to compare."""
    assert told(reported=None) == []
