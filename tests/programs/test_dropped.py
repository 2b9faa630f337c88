"""Another share that is dropped is told from the same share of other elements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.compare.checks.finding import Verdict
from harness.programs.judging.verdict import Cause, Judgement
from harness.programs.showing.dropped import describe, revise

CAUSE = Cause("forward", "random stream", Verdict.DRIFT, "", 2, "drop:output", "drop", "Dropout")
MAPS = Cause("forward", "random stream", Verdict.DRIFT, "", 2, "drop:output", "drop", "Dropout2d")
INPUT = np.random.default_rng(0).standard_normal((64, 100))


def drop(rate: float, seed: int, scale: float = 1.0, values: np.ndarray = INPUT) -> np.ndarray:
    """Return the output of a dropout; by default without its scale."""
    kept = np.random.default_rng(seed).random(values.shape[:2]) >= rate
    return values * kept.reshape(kept.shape + (1,) * (values.ndim - 2)) * scale


@pytest.mark.parametrize(("observed", "baseline", "told"), [
    (drop(0.12, 1), drop(0.1, 1), "another share is dropped: 0.12 of the output is 0 "
     "rather than 0.10"),
    (drop(0.2, 1), drop(0.1, 2), "another share is dropped: 0.20 of the output is 0 "
     "rather than 0.10"),
    (drop(0.12, 1, 1 / 0.88)[:1], drop(0.1, 2, 1 / 0.9)[:1],
     "of what is 0 on neither side every element 1.023 x the baseline's, as another rate of "
     "dropout would do"),
    (drop(0.1, 1), drop(0.1, 2), ""),
    (drop(0.1, 1, 1 / 0.9), drop(0.1, 2, 1 / 0.9), ""),
    (drop(0.1, 1, values=np.maximum(INPUT, 0)), drop(0.1, 2, values=np.maximum(INPUT, 0)), ""),
    (drop(0.1, 1)[:10], drop(0.1, 1), ""),
    (INPUT[:0], INPUT[:0], ""),
])
def test_shares(observed: np.ndarray, baseline: np.ndarray, told: str) -> None:
    """Other masks at one rate agree but for chance; a scale tells another rate of few elements."""
    assert describe(observed, baseline, CAUSE) == told


def test_maps_are_dropped_as_a_whole() -> None:
    """What chance does to eight maps it does not do to thousands of elements."""
    values = np.random.default_rng(3).standard_normal((4, 2, 16, 16))
    one, other = drop(0.5, 1, values=values), drop(0.5, 2, values=values)
    assert (one == 0).mean() != (other == 0).mean()
    assert describe(one, other, MAPS) == ""


@pytest.mark.parametrize(("rate", "kind", "sentence"), [
    (0.2, "value", "forward of `drop:output` at step 2: 40 % off, another share is dropped: 0.20 "
                   "of the output is 0 rather than 0.10 (data equal to the bit)"),
    (0.1, "random stream", "as it was")])
def test_the_finding_is_told_anew(tmp_path: Path, rate: float, kind: str, sentence: str) -> None:
    """Another rate is no other random stream; other masks at the same rate are."""
    for name, tensor in (("observed", drop(rate, 1)), ("baseline", drop(0.1, 2))):
        np.savez(tmp_path / f"{name}.npz", **{"2|forward|drop:output|0": tensor})
    cause = Cause("forward", "random stream", Verdict.DRIFT, "as it was", 2, "drop:output", "drop",
                  "Dropout", deviation=0.4, proof="data equal to the bit")
    later = Cause("reported", "value", Verdict.DRIFT, "a figure", 9)
    found = revise(Judgement((cause, later)), tmp_path / "observed.npz", tmp_path / "baseline.npz")
    assert found.first is not None
    assert (found.first.kind, found.first.sentence) == (kind, sentence)
    assert found.causes[1:] == (later,)


def test_without_the_tensor_nothing_is_told(tmp_path: Path) -> None:
    """A capture that does not hold it leaves the finding as it is."""
    for name in ("observed", "baseline"):
        np.savez(tmp_path / f"{name}.npz", **{"2|forward|other|0": INPUT})
    judgement = Judgement((CAUSE,))
    assert revise(judgement, tmp_path / "observed.npz", tmp_path / "baseline.npz") is judgement
