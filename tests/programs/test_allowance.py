"""What is allowed: floors, kinks, figures that are counted, and from where on all is chaos."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.programs.judging import allowance, floors, kinks
from harness.programs.judging.allowance import granule
from harness.programs.judging.compared import compare
from harness.programs.judging.judge import judge
from harness.programs.traces import alignment
from harness.programs.traces.trace import GRADIENT, UPDATE, Trace
from tests.kit import traces
from tests.kit.traces import Fault

Scale = Callable[[int, int], float]
"""Of a run and a step: how far the run is from the baseline."""
ONES = np.ones((4, 4), "float32")


def run(scale: Scale, number: int = 0, steps: int = 40, update: float = 1e-2) -> Trace:
    """Return a run of one parameter whose gradient is off by so much in every step."""
    log = traces.Log()
    log.tensor(0, "initialisation", "w", ONES)
    for step in range(steps):
        log.number(step, "schedule", "lr", 0.1)
        log.number(step, "loss", "loss", 1.0 / (step + 1))
        log.tensor(step, "gradient", "w", (ONES.astype("float64") * (1 + scale(number, step))))
        log.tensor(step, "update", "w", ONES.astype("float64") * update * (1 + scale(number, step)))
    return log.trace()


def noise(size: float) -> Scale:
    """Return a scale that differs from run to run, and not from step to step."""
    return lambda number, step: number * size


def learned(runs: list[Trace]) -> tuple[alignment.Alignment, allowance.Allowance]:
    """Return what is learned from runs of the baseline, the first of which is the baseline."""
    aligned = alignment.align(runs[0], runs[1:])
    return aligned, allowance.learn(
        aligned, list(range(len(runs) - 1)), None, np.zeros(len(aligned)))


@pytest.mark.parametrize(("values", "expected"), [
    ([0.5, 0.75], 0.01), ([0.412, 0.398, 0.4], 1e-3), ([63 / 64, 61 / 64], 1 / 64),
    ([58 / 60 * 100, 95.0], 100 / 60), ([0.287361534, 0.7123412], 0.0), ([1.0, 2.0], 0.0),
    ([1 / 3, 1.0], 1 / 21),
    ([], 0.0), ([float("nan")], 0.0), ([1e9, 2e9], 0.0)])
def test_figures_that_are_counted_or_printed_have_a_smallest_step(values: list[float],
                                                                  expected: float) -> None:
    """An accuracy of 64 examples moves by 1/64, a printed one by its last digit."""
    assert granule(np.array(values)) == pytest.approx(expected, rel=1e-3)


def test_one_example_more_is_no_difference() -> None:
    """An accuracy may be off by one example though no run of the baseline happened to show it."""
    baseline, runs = traces.train(), traces.perturbed(4)
    assert judge(traces.train(Fault(accuracy=lambda v: v - 1 / 96), reverse=True), baseline, runs
                 ).exit_code == 0
    assert judge(traces.train(Fault(accuracy=lambda v: v - 10 / 96), reverse=True), baseline, runs
                 ).exit_code == 1


def test_allowance_is_three_times_the_largest_so_far() -> None:
    """It never falls, and is that of its own series."""
    def scale(number: int, step: int) -> float:
        return number * (1e-3 if step == 5 else 1e-5)

    aligned, found = learned([run(scale, number) for number in range(3)])
    at = aligned.channel == GRADIENT
    limits = found.limit[at]
    assert limits[5] == pytest.approx(3 * (2e-3 + floors.FLOORS["float64"]), rel=0.7)
    assert (np.diff(limits[5:]) == 0).all() and limits[0] < 2e-4


def test_a_jump_soon_after_is_allowed_before_but_not_in_the_first_step() -> None:
    """In which run a unit changes sides first is luck; nothing has had time to do so at step 0."""
    def scale(number: int, step: int) -> float:
        return number * (1e-3 if step >= 20 else 1e-9)

    aligned, found = learned([run(scale, number) for number in range(3)])
    limits = found.limit[aligned.channel == GRADIENT]
    assert limits[0] < 1e-7 < 1e-3 < limits[1]
    observed = run(lambda number, step: 1e-3 if step >= 7 else 1e-9)
    early = run(lambda number, step: 1e-3)
    runs = [run(scale, number) for number in range(1, 3)]
    assert judge(observed, run(scale), runs).exit_code == 0
    first = judge(early, run(scale), runs).first
    assert first is not None and first.step == 0


def test_a_jump_much_later_is_not_allowed_before() -> None:
    """What happens at step 150 says nothing about step 3."""
    def scale(number: int, step: int) -> float:
        return number * (1e-3 if step >= 150 else 1e-9)

    aligned, found = learned([run(scale, number, 200) for number in range(3)])
    steps, limits = (values[aligned.channel == GRADIENT] for values in (aligned.step, found.limit))
    assert limits[steps == 3].max() < 1e-7 < limits[steps == 60].max()


def test_the_largest_ahead_is_that_of_the_window() -> None:
    """Every window is looked at, whatever its length."""
    steps = np.array([0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144])
    sizes = np.random.default_rng(0).random(len(steps))
    expected = [sizes[(steps >= step) & (steps <= 4 * step + 16)].max() for step in steps]
    assert kinks._largest_ahead(steps, sizes).tolist() == expected


def test_a_last_bit_of_a_weight_is_much_of_a_small_update() -> None:
    """The smaller an update is beside its weight, the less of it can be told."""
    limits = []
    for size in (1e-2, 1e-6):
        log = traces.Log()
        log.tensor(0, "initialisation", "w", ONES)
        log.tensor(0, "gradient", "w", ONES)
        log.tensor(0, "update", "w", ONES * np.float32(size))
        aligned = alignment.align(log.trace(), [])
        limits.append(floors.find(aligned)[aligned.channel == UPDATE].item())
    assert limits[0] < 1e-4 and limits[1] > 0.1


def test_float64_that_was_drawn_in_float32_is_judged_from_there() -> None:
    """Weights drawn in float32 can differ in its last bits, which no run in float64 shows."""
    bits = np.random.default_rng(3).standard_normal((16, 20)) * 6e-8
    options = {"dtype": "float64", "steps": 12}
    drawn = Fault(begin=lambda n, v: v * (1 + bits) if v.shape == bits.shape else v)
    baseline, runs = traces.train(**options), traces.perturbed(**options)
    found = judge(traces.train(drawn, **options), baseline, runs)
    assert found.exit_code == 0
    assert any("rounding of float32" in note for note in found.notes)
    fault = Fault(begin=drawn.begin, update=lambda s, n, v: v * 1.001 if s >= 3 else v)
    first = judge(traces.train(fault, **options), baseline, runs).first
    assert first is not None and (first.channel, first.step) == ("update", 3)


def test_whole_numbers_that_are_computed_may_flip() -> None:
    """One index of a thousand is luck; one of ten is not. Those of data must be equal."""
    def chosen(flipped: int, channel: str = "forward") -> Trace:
        log, values = traces.Log(), np.arange(1000) % 7
        values[:flipped] += 1
        log.tensor(0, channel, "router", values)
        log.tensor(0, "gradient", "w", ONES)
        return log.trace()

    for flipped, channel, expected in ((1, "forward", 0), (100, "forward", 1), (1, "data", 1)):
        found = judge(chosen(flipped, channel), chosen(0, channel), [])
        assert found.exit_code == expected


@pytest.mark.parametrize(("size", "expected"), [(1e-6, None), (0.2, 0)])
def test_chaos_begins_where_runs_from_last_bits_are_unlike(size: float,
                                                           expected: int | None) -> None:
    """As long as they are alike there is none."""
    _, found = learned([run(noise(size), number) for number in range(3)])
    assert found.chaotic_from == expected


def grows(number: int, step: int) -> float:
    """Return a distance that doubles every step: 0.1 after 20."""
    return number * 1e-7 * 2.0 ** step


def test_beyond_chaos_tensors_are_not_compared() -> None:
    """Gradients that are as unlike as anything do not make a difference any more."""
    runs = [run(grows, number) for number in range(1, 9)]
    observed = run(lambda number, step: 9e-8 * 2.0 ** step + (9.0 if step > 30 else 0))
    found = judge(observed, run(grows), runs)
    assert found.chaotic_from is not None and found.chaotic_from < 25
    assert not [c for c in found.differences if c.channel == "gradient"]


def test_beyond_chaos_an_update_is_judged_by_its_gradient() -> None:
    """Plain descent by half the rate is half as far, whatever the gradient has become."""
    def late(number: int, step: int) -> Trace:
        return run(grows, number)

    log = traces.Log()
    for step in range(40):
        log.number(step, "schedule", "lr", 0.1)
        log.number(step, "loss", "loss", 1.0 / (step + 1))
        size = 1 + grows(3, step)
        log.tensor(step, "gradient", "w", ONES.astype("float64") * size)
        log.tensor(step, "update", "w",
                   ONES.astype("float64") * 1e-2 * size * (1.01 if step >= 33 else 1))
    log.tensor(0, "initialisation", "w", ONES)
    found = judge(log.trace(), run(grows), [run(grows, number) for number in range(1, 9)])
    first = found.first
    assert first is not None and (first.kind, first.channel) == ("relation", "update")
    assert first.step == 33 and "1 % off, relative to its gradient" in first.sentence


def test_a_gradient_of_nothing_but_rounding_is_not_judged() -> None:
    """What is 0 but for rounding is unlike from run to run; that is said."""
    def noisy(number: int, factor: float = 1.0) -> Trace:
        log = traces.Log()
        for step in range(5):
            log.tensor(step, "gradient", "w", ONES.astype("float64"))
            log.tensor(step, "gradient", "v", ONES.astype("float64") * 2)
            log.tensor(step, "gradient", "b", np.random.default_rng([number, step])
                       .standard_normal(8) * 1e-9 * factor)
            log.tensor(step, "update", "w", ONES.astype("float64") * 1e-3)
        return log.trace()

    runs = [noisy(number) for number in range(1, 9)]
    found = judge(noisy(50, 40.0), noisy(0), runs)
    assert found.exit_code == 0
    assert any("nothing but rounding" in note and "`b`" in note for note in found.notes)
    assert judge(noisy(50, 1e8), noisy(0), runs).exit_code == 1


def test_floors_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that judges two sides stands on the same floors."""
    found, find = [], floors.find

    def count(aligned: alignment.Alignment) -> alignment.Numbers:
        found.append(find(aligned))
        return found[-1]

    monkeypatch.setattr(floors, "find", count)
    compare(traces.train(Fault(update=lambda s, n, v: v * 1.01)), traces.train(),
            traces.perturbed(), traces.train())
    assert len(found) == 1
