"""Dropout: what is read of gradients, which promise it breaks, and whether two streams agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.compare.checks.finding import Finding, Verdict
from harness.compare.checks.pair import Pair
from harness.compare.checks.promises import evaluate
from harness.compare.checks.trajectories import check_dropout_stream, check_health
from harness.errors import RecordError
from harness.measure import dropout
from harness.measure.adapters import reference
from harness.measure.adapters.task import Task, Tensors, prepare
from harness.records import writing
from harness.records.project import Project
from harness.records.record import Drops, Trajectory, VariantRecord
from harness.store.reading import records, soundness
from harness.vocabulary.case import Batch, DropsOut

Factors = np.ndarray


def task_of(checkout: Project, name: str = "dropout") -> Task:
    """Return the task of a case's first variant, in float64."""
    case = checkout.case(name)
    variant = case.variants[0]
    return prepare(case, variant, "float64", checkout.batches(case), checkout.weights(variant))


def draw(rate: float = 0.2, passes: int = 64, units: int = 512, seed: int = 0) -> Factors:
    """Return the factors of a dropout that is right."""
    kept = np.random.RandomState(seed).random_sample((passes, units)) >= rate
    return np.asarray(kept / (1 - rate))


def side(forward: Factors, backward: Factors | None = None, generator: str = "torch",
         rate: float = 0.2, host: str = "x86_64 AuthenticAMD") -> VariantRecord:
    """Return a record with what these factors say."""
    drops = dropout.summarize(rate, (generator, host), forward,
                              forward if backward is None else backward)
    return VariantRecord("", drops={"float64": drops})


class Wrong(reference.Reference):
    """The reference, whose gradients in training mode have lost their scale."""

    def sample(self, weights: Tensors, batch: Batch, seed: int, passes: int) -> list[Tensors]:
        """Undo the scale of the units that are kept, on the way forth alone."""
        found = super().sample(weights, batch, seed, passes)
        return [{**gradients, "output.kernel": gradients["output.kernel"] * 0.8}
                for gradients in found]


def test_factors_are_read_of_gradients(checkout: Project) -> None:
    """The reference's own masks come back, and a lost scale shows in the forward pass alone."""
    task = task_of(checkout)
    right, wrong = (dropout.measure(task, cls(task)) for cls in (reference.Reference, Wrong))
    assert right is not None and wrong is not None
    expected = np.random.RandomState(dropout.SEED).random_sample(512)[:dropout.FIRST] >= 0.2
    assert right.first == wrong.first == expected.astype(int).tolist()
    assert (right.count, right.passes, right.generator) == (512 * 64, 64, "numpy")
    assert (right.scale, wrong.scale) == pytest.approx((1.25, 1.0))
    assert max(right.spread, right.mismatch) < 1e-14
    assert (wrong.spread, wrong.mismatch) == pytest.approx((0.2, 0.2))


def test_nothing_is_measured_where_nothing_is_promised(checkout: Project) -> None:
    """Other cases' records stay as they are, those with dropout in them included."""
    task = task_of(checkout, "masked_sequences")
    assert dropout.measure(task, reference.build(task)) is None
    with pytest.raises(ValueError, match="no dropout between"):
        dropout.find(task.variant.layers)


FORTH, BACK = draw(), draw(seed=1)


@pytest.mark.parametrize(("forward", "backward", "phase", "words"), [
    (FORTH, FORTH, None, "alike on the way back"),
    (FORTH * 0.8, FORTH * 0.8, "forward", "factor on a unit kept, 1 instead of 1.25"),
    (draw(0.8) * 0.25, draw(0.8) * 0.25, "forward", "share of units dropped 0.8"),
    (draw(0.22) * 0.975, draw(0.22) * 0.975, "forward", "share of units dropped 0.22"),
    (np.ones_like(FORTH), np.ones_like(FORTH), "forward", "share of units dropped 0,"),
    (np.tile(FORTH[:1], (64, 1)), np.tile(FORTH[:1], (64, 1)), "forward", "two passes treat alike"),
    (FORTH, BACK, "gradient", "way forth and back"),
    (FORTH, np.full_like(FORTH, np.nan), "gradient", "inf"),
    (np.full_like(FORTH, np.nan), FORTH, "forward", "dropped 0,"),
    (np.zeros_like(FORTH), np.zeros_like(FORTH), "forward", "dropped 1,")])
def test_each_way_to_break_the_promise_has_its_phase(forward: Factors, backward: Factors,
                                                     phase: str | None, words: str) -> None:
    """Share, freshness and scale belong to the forward pass, another mask on the way back to it."""
    health = evaluate(DropsOut(), side(forward, backward), "float64")
    assert health is not None
    assert (health.kept, health.phase) == (phase is None, phase) and words in health.words


def test_chance_keeps_the_promise() -> None:
    """Of a thousand streams that are right none is taken for a wrong one."""
    for seed in range(1000):
        health = evaluate(DropsOut(), side(draw(0.5, 8, 64, seed), rate=0.5), "float64")
        assert health is not None and health.kept, health


def pair(checkout: Project, observed: VariantRecord, baseline: VariantRecord) -> Pair:
    """Return two sides of the case's first variant."""
    case = checkout.case("dropout")
    for record in (observed, baseline):
        record.trajectories["float64"] = reference.build(task_of(checkout)).train()
    return Pair(case, case.variants[0], observed, baseline, {})


def test_a_lost_scale_is_a_regression(checkout: Project) -> None:
    """The promise is broken in the forward pass, and the masks are those of the baseline."""
    observed = pair(checkout, side(FORTH * 0.8), side(FORTH))
    (found,) = [f for f in check_health(observed) if f.phase]
    assert (found.verdict, found.phase) == (Verdict.REGRESSION, "forward")
    assert [f.verdict for f in check_dropout_stream(observed)] == [Verdict.IDENTICAL]


@pytest.mark.parametrize(("observed", "baseline", "words"), [
    (side(BACK), side(FORTH), "of the first 16 units it drops"),
    (side(BACK, generator="mkl"), side(FORTH), "from mkl's random stream instead of torch's"),
    (side(BACK, host="x86_64 GenuineIntel"), side(FORTH), "of the first 16 units it drops"),
    (side(np.vstack([FORTH[:1], BACK[1:]])), side(FORTH), "after the first few (float64)")])
def test_another_stream_is_an_alarm_of_its_own(checkout: Project, observed: VariantRecord,
                                               baseline: VariantRecord, words: str) -> None:
    """Masks that differ are told, although both keep the promise."""
    both = pair(checkout, observed, baseline)
    (found,) = check_dropout_stream(both)
    assert (found.verdict, found.phase, found.precision) == (Verdict.DRIFT, "forward", None)
    assert words in found.sentence
    assert not [f for f in check_health(both) if f.phase]


@pytest.mark.parametrize("baseline", [
    side(BACK, generator="mkl", host="x86_64 GenuineIntel"), VariantRecord("")])
def test_another_host_may_have_another_stream(checkout: Project,
                                              baseline: VariantRecord) -> None:
    """On another maker's processor torch may draw from MKL: that is no change of a version."""
    found: list[Finding] = check_dropout_stream(pair(checkout, side(FORTH), baseline))
    assert found == []


def test_what_dropout_does_survives_a_file() -> None:
    """All of it comes back, errors rounded to three digits; infinity as well."""
    record = side(FORTH, BACK)
    record.trajectories["float64"] = Trajectory([0.5])
    record.drops["float32"] = replace(record.drops["float64"], mismatch=float("inf"), scale=1.23456)
    text = writing.variant_text(record)
    back = records.content(text.encode(), "").drops
    assert back["float32"] == replace(record.drops["float32"], scale=1.23,
                                      spread=back["float32"].spread)
    assert isinstance(back["float64"], Drops)
    assert back["float64"].sha256 == record.drops["float64"].sha256


@pytest.mark.parametrize("change", [
    {"rate": 0.5}, {"count": 0}, {"passes": 1}, {"count": 511}, {"first": [2]}, {"sha256": "x"},
    {"dropped": 1.5}, {"agreeing": float("nan")}, {"spread": -1.0}, {"mismatch": float("nan")}])
def test_what_dropout_cannot_have_done_is_refused(checkout: Project,
                                                  change: dict[str, object]) -> None:
    """Another rate than the declared one, shares above 1 and errors below 0 are no measurement."""
    task = task_of(checkout)
    found = dropout.measure(task, reference.build(task))
    assert found is not None
    record = VariantRecord("0" * 64, drops={"float64": found})
    soundness.check(task.case, task.variant, 10, record, "here")
    record.drops["float64"] = replace(found, **change)  # type: ignore[arg-type]
    with pytest.raises(RecordError, match="cannot be true"):
        soundness.check(task.case, task.variant, 10, record, "here")


def test_dropout_of_a_case_that_promises_none_is_refused(checkout: Project) -> None:
    """A record cannot bring what its case does not measure."""
    task, other = task_of(checkout), task_of(checkout, "xor")
    found = dropout.measure(task, reference.build(task))
    assert found is not None
    with pytest.raises(RecordError, match="what the case promises"):
        soundness.check(other.case, other.variant, 10,
                        VariantRecord("0" * 64, drops={"float64": found}), "here")
