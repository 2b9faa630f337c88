"""Judging a program: what differs first is named, and what harmless versions do is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.compare.checks.finding import Verdict
from harness.programs.judging.judge import is_identical, judge, problem
from harness.programs.judging.verdict import Judgement
from harness.programs.showing.facts import facts
from harness.programs.showing.wording import terminal
from harness.programs.traces.trace import Note, Trace
from tests.kit import traces
from tests.kit.traces import Fault

LATE = 9
Options = dict[str, Any]


@pytest.fixture(scope="module")
def baseline() -> Trace:
    """Return the baseline's run."""
    return traces.train()


@pytest.fixture(scope="module")
def perturbed() -> list[Trace]:
    """Return the baseline's runs from last bits."""
    return traces.perturbed()


def judged(baseline: Trace, perturbed: list[Trace], fault: Fault, again: bool = True,
           **options: Any) -> Judgement:
    """Return the verdict on a fault, both sides adding up in different orders."""
    observed = traces.train(fault, reverse=True, **options)
    second = traces.train(fault, reverse=True, perturb=1, **options) if again else None
    return judge(observed, baseline, perturbed, baseline, again=second)


def only(array: Any, name: str, wanted: str, factor: float) -> Any:
    """Return a tensor scaled if it is the wanted one."""
    return array * factor if name == wanted else array


FAULTS: dict[str, tuple[Fault, str, int, str, str]] = {
    "every gradient 1.002 x": (Fault(gradient=lambda s, n, v: v * 1.002),
                               "gradient", 0, "head.bias", "every gradient"),
    "one gradient 1.002 x": (Fault(gradient=lambda s, n, v: only(v, n, "hidden.weight", 1.002)),
                             "gradient", 0, "hidden.weight", "1.002 x the baseline's"),
    "a gradient of the other sign": (Fault(gradient=lambda s, n, v: only(v, n, "head.weight", -1)),
                                     "gradient", 0, "head.weight", "the opposite sign"),
    "a gradient that vanishes": (Fault(gradient=lambda s, n, v: only(v, n, "head.weight", 1e-8)),
                                 "gradient", 0, "head.weight", "next to zero on the observed"),
    "an update 0.8 % too long from step 3": (
        Fault(update=lambda s, n, v: only(v, n, "head.weight", 1.008) if s >= 3 else v),
        "update", 3, "head.weight", "0.8 % off, 1.008 x the baseline's"),
    "an update that begins late": (
        Fault(update=lambda s, n, v: only(v, n, "head.bias", 1.01) if s >= 20 else v),
        "update", 20, "head.bias", "1 % off"),
    "a layer's output": (Fault(hidden=lambda s, v: v * 1.0003), "forward", 0, "hidden:output",
                         "1.0003 x the baseline's"),
    "a mask": (Fault(hidden=lambda s, v: v * (np.arange(16) != 3) if s >= LATE else v),
               "forward", LATE, "hidden:output", "hidden:output"),
    "a loss": (Fault(loss=lambda s, v: v * 1.001), "loss", 0, "loss", "0.1 % off"),
    "a schedule from step 10": (Fault(rate=lambda s, v: v / 2 if s >= 10 else v), "schedule", 10,
                                "optimizer[0].group[0].lr", "0.05 rather than 0.1"),
    "the order of the data": (Fault(order=lambda s, v: v[::-1] if s == 7 else v), "data", 7,
                              "batch[0]", "the same elements in another order"),
    "an evaluation figure": (Fault(accuracy=lambda v: v - 0.05), "reported", 24, "accuracy",
                             "rather than"),
    "not a number": (Fault(gradient=lambda s, n, v: v * np.nan if s == LATE else v), "gradient",
                     LATE, "head.bias", "not finite on the observed side only"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(baseline: Trace, perturbed: list[Trace], name: str) -> None:
    """Channel, step, tensor and size of the first difference are those of the fault, and no other
    cause is."""
    fault, channel, step, tensor, words = FAULTS[name]
    found = judged(baseline, perturbed, fault)
    first = found.first
    assert first is not None and found.exit_code == 1
    assert (first.channel, first.step, first.tensor) == (channel, step, tensor)
    assert words in first.sentence
    assert len(found.differences) == 1
    assert first.is_confirmed


@pytest.mark.parametrize("options", [
    {}, {"adam": True}, {"dtype": "float64"}, {"dtype": "float64", "adam": True}, {"steps": 60},
    {"steps": 60, "adam": True}])
def test_another_order_of_adding_up_is_no_difference(options: Options) -> None:
    """Rounding is what the perturbed runs show, under momentum and Adam, in both precisions."""
    baseline = traces.train(**options)
    runs = traces.perturbed(**options)
    found = judge(traces.train(reverse=True, **options), baseline, runs, baseline)
    assert found.verdict is Verdict.EQUIVALENT, found.first
    assert found.exit_code == 0 and found.outcome is None


@pytest.mark.parametrize("options", [{"adam": True}, {"dtype": "float64"}])
def test_a_small_fault_is_seen_under_adam_and_in_float64(options: Options) -> None:
    """An update 0.8 % off at step 3 is named wherever it occurs."""
    fault = Fault(update=lambda s, n, v: only(v, n, "head.weight", 1.008) if s >= 3 else v)
    found = judged(traces.train(**options), traces.perturbed(**options), fault, **options)
    assert found.first is not None
    assert (found.first.channel, found.first.step) == ("update", 3)


def test_equal_runs_are_identical(baseline: Trace) -> None:
    """Two runs equal to the bit need no others, whatever their files are called."""
    again = traces.train(where="another")
    assert is_identical(again, baseline)
    assert judge(again, baseline, []).verdict is Verdict.IDENTICAL


def test_names_in_another_order_are_identical(baseline: Trace) -> None:
    """The order of a header's names says nothing."""
    log = traces.Log()
    for row in reversed(range(len(baseline))):
        log.rows.append((int(baseline.step[row]), [
            "initialisation", "data", "schedule", "forward", "loss", "gradient", "update",
            "evaluation", "reported"][int(baseline.channel[row])],
            baseline.header.names[int(baseline.name[row])], int(baseline.occurrence[row]),
            int(baseline.size[row]), baseline.header.dtypes[int(baseline.dtype[row])],
            int(baseline.digest[row]), tuple(baseline.sketch[row])))
    assert is_identical(log.trace(updates=24), baseline)


def test_two_causes_are_two(baseline: Trace, perturbed: list[Trace]) -> None:
    """A schedule and a gradient before it have nothing to do with each other."""
    fault = Fault(gradient=lambda s, n, v: v * 1.01, rate=lambda s, v: v / 2 if s >= 10 else v)
    found = judged(baseline, perturbed, fault)
    assert [cause.channel for cause in found.differences] == ["gradient", "schedule"]


def test_what_follows_is_counted(baseline: Trace, perturbed: list[Trace]) -> None:
    """One fault is one finding, and what comes of it is a number by channel."""
    first = judged(baseline, perturbed, FAULTS["every gradient 1.002 x"][0]).first
    assert first is not None
    assert first.alike == 3
    assert dict(first.following) == {"forward": 3, "loss": 1, "gradient": 4, "update": 4,
                                     "evaluation": 1}


def test_proof_says_what_is_equal(baseline: Trace, perturbed: list[Trace]) -> None:
    """What comes before the first difference is equal, to the bit or within rounding."""
    fault = FAULTS["an update 0.8 % too long from step 3"][0]
    exact = judge(traces.train(fault), baseline, perturbed, baseline).first
    near = judged(baseline, perturbed, fault).first
    assert exact is not None and near is not None
    assert exact.proof == "data, forward pass, loss and gradients equal to the bit"
    assert "gradients equal within rounding" in near.proof


def test_other_masks_are_a_random_stream(baseline: Trace, perturbed: list[Trace]) -> None:
    """Equal inputs and another output of a module that drops out are no fault of its arithmetic."""
    fault = Fault(dropped=lambda s, v: v[::-1])
    first = judged(baseline, perturbed, fault).first
    assert first is not None and first.kind == "random stream"
    assert "another random stream of Dropout `drop`" in first.sentence


def test_what_goes_into_a_module_that_drops_out_was_not_drawn_there(
        baseline: Trace, perturbed: list[Trace]) -> None:
    """Another activation before a dropout is arithmetic, and may be a regression."""
    def as_input(trace: Trace) -> Trace:
        tensors = dict(trace.header.tensors)
        names = ["drop:input[0]" if name == "drop:output" else name
                 for name in trace.header.names]
        tensors["drop:input[0]"] = tensors.pop("drop:output")
        header = msgspec.structs.replace(trace.header, names=names, tensors=tensors)
        return replace(trace, header=header)

    observed = as_input(traces.train(Fault(dropped=lambda s, v: v[::-1])))
    first = judge(observed, as_input(baseline), [as_input(one) for one in perturbed]).first
    assert first is not None and (first.tensor, first.kind) == ("drop:input[0]", "value")


def test_other_weights_are_said_and_what_follows_is_judged(perturbed: list[Trace],
                                                           baseline: Trace) -> None:
    """From the baseline's weights the observed side goes on, and its other fault is found."""
    fault = Fault(begin=lambda n, v: v * 1.1,
                  update=lambda s, n, v: only(v, n, "head.weight", 1.008) if s >= 3 else v)
    alone = judge(traces.train(fault), baseline, perturbed, baseline)
    assert alone.needs_weights and [c.channel for c in alone.differences] == ["initialisation"]
    found = judge(traces.train(fault), baseline, perturbed, baseline,
                  traces.train(fault, load=True), traces.train(fault, load=True, perturb=1))
    assert [c.channel for c in found.differences] == ["initialisation", "update"]
    assert "1.1 x the baseline's" in found.differences[0].sentence
    assert found.differences[1].step == 3


def test_another_draw_of_weights_is_told_from_another_scale(baseline: Trace,
                                                            perturbed: list[Trace]) -> None:
    """Weights of the same norm come from another random stream."""
    fault = Fault(begin=lambda n, v: np.random.default_rng(len(n)).permutation(v.ravel())
                  .reshape(v.shape))
    first = judge(traces.train(fault), baseline, perturbed, baseline).first
    assert first is not None and "the same elements in another order" in first.sentence
    fault = Fault(begin=lambda n, v: np.random.default_rng(len(n)).standard_normal(v.shape)
                  / np.sqrt(v.shape[-1]))
    first = judge(traces.train(fault), baseline, perturbed, baseline).first
    assert first is not None and "other random numbers of the same scale" in first.sentence
    fault = Fault(begin=lambda n, v: v + 1e-3 * (np.arange(v.size).reshape(v.shape) == 0))
    first = judge(traces.train(fault), baseline, perturbed, baseline).first
    assert first is not None and "random numbers" not in first.sentence


def test_data_that_differ_stop_the_judging(baseline: Trace, perturbed: list[Trace]) -> None:
    """After other data nothing can be said; before them it can."""
    late = Fault(order=lambda s, v: v[::-1] if s >= 7 else v,
                 update=lambda s, n, v: v * 1.01 if s >= 9 else v)
    assert [c.channel for c in judged(baseline, perturbed, late).differences] == ["data"]
    early = Fault(order=late.order, update=lambda s, n, v: v * 1.01 if s >= 3 else v)
    found = judged(baseline, perturbed, early)
    assert [c.channel for c in found.differences] == ["update", "data"]
    assert found.data_differs


def test_an_accident_of_one_run_is_no_difference(baseline: Trace,
                                                 perturbed: list[Trace]) -> None:
    """What differs between one pair of runs and not between another one is not raised."""
    fault = Fault(gradient=lambda s, n, v: only(v, n, "head.weight", 1.001) if s == 5 else v)
    observed = traces.train(fault, reverse=True)
    once = judge(observed, baseline, perturbed, baseline)
    assert once.exit_code == 1 and once.wants_again
    twice = judge(observed, baseline, perturbed, baseline,
                  again=traces.train(perturb=1, reverse=True))
    assert twice.exit_code == 0


def test_a_program_without_seeds_is_an_error(baseline: Trace) -> None:
    """Two unchanged runs that begin otherwise leave nothing to compare."""
    other = traces.train(Fault(begin=lambda n, v: v + 1))
    found = problem(baseline, traces.train(), other)
    assert found is not None and "initial weights" in str(found) and found.next_command
    shuffled = problem(baseline, baseline, traces.train(Fault(order=lambda s, v: v[::-1])))
    assert shuffled is not None and "data" in str(shuffled)


@pytest.mark.parametrize(("side", "header", "words"), [
    ("observed", {"ended": "failed: ValueError: no"}, "the program failed on the observed side"),
    ("baseline", {"ended": "failed: SystemExit"}, "the program failed on the baseline side")])
def test_a_program_that_failed_is_an_error(baseline: Trace, side: str, header: Options,
                                           words: str) -> None:
    """A failure is never a match; the side and its last words are said."""
    failed = traces.train(**header)
    sides = (failed, baseline) if side == "observed" else (baseline, failed)
    found = judge(*sides, [])
    assert found.verdict is Verdict.ERROR and found.exit_code == 3
    assert words in str(found.problem)


def test_a_program_that_trains_nothing_is_an_error(baseline: Trace) -> None:
    """An empty trace is never a match, not even with itself."""
    empty = traces.Log().trace()
    assert judge(empty, empty, []).verdict is Verdict.ERROR
    assert "trained nothing on the observed side" in str(judge(empty, baseline, []).problem)


def test_other_figures_of_an_unchanged_run_are_not_judged(baseline: Trace,
                                                          perturbed: list[Trace]) -> None:
    """A time that is printed is another one in every run; that is said, and not judged."""
    repeated = traces.train(Fault(accuracy=lambda v: 0.123))
    observed = traces.train(Fault(accuracy=lambda v: 77.7), reverse=True)
    found = judge(observed, baseline, perturbed, repeated)
    assert found.exit_code == 0
    assert any("accuracy" in note and "not judged" in note for note in found.notes)


def test_what_the_recorder_noted_is_said_of_runs_that_agree(baseline: Trace) -> None:
    """Two runs that are equal to the bit say as well what of them was not recorded."""
    noted = replace(baseline, header=msgspec.structs.replace(
        baseline.header, notes=[Note("processes", "2 processes train")]))
    assert judge(noted, noted, []).notes == ("2 processes train",)
    assert judge(noted, baseline, []).notes == ("on the observed side: 2 processes train",)


def test_runs_that_do_not_reproduce_are_said(baseline: Trace, perturbed: list[Trace]) -> None:
    """A program whose unchanged run differs in its last bits is judged, and that is said."""
    found = judge(traces.train(perturb=20), baseline, perturbed, traces.train(
        Fault(hidden=lambda s, v: v * (1 + 1e-7))))
    assert found.exit_code == 0
    assert any("does not reproduce itself" in note for note in found.notes)
    assert not found.chance and "within what rounding does" in "".join(terminal(found))


def test_what_chance_does_is_not_called_rounding(baseline: Trace, perturbed: list[Trace]) -> None:
    """An unchanged run that is 10 % off draws something: little can be told then."""
    other = Fault(gradient=lambda s, n, v: v * 0.9)
    found = judge(traces.train(other), baseline, perturbed, traces.train(other))
    assert found.exit_code == 0 and found.chance == pytest.approx(0.1, rel=0.1)
    told = "by no more than chance does: an unchanged run of the baseline is 10 % off"
    assert told in "".join(terminal(found)) and told in facts(
        found, traces.train(other), baseline, perturbed)["same"]


def test_a_tie_that_last_bits_break_is_still_told(baseline: Trace) -> None:
    """Where all before is equal to the bit, what perturbed runs do at a corner excuses nothing."""
    def corner(number: int) -> Fault:
        return Fault(gradient=lambda s, n, v: only(v, n, "head.weight", 1 + number / 4))

    runs = [traces.train(corner(number), perturb=number) for number in range(1, 5)]
    observed = traces.train(corner(-1))
    again = traces.train(corner(1), perturb=1)
    first = judge(observed, baseline, runs, baseline, again=again).first
    assert first is not None and (first.channel, first.step) == ("gradient", 0)
    assert "0.75 x the baseline's" in first.sentence
    near = traces.train(corner(-1), reverse=True)
    assert judge(near, baseline, runs, baseline).exit_code == 0


def noisy(spread: float) -> list[Trace]:
    """Return perturbed runs that end far from each other in their evaluation."""
    return [traces.train(Fault(evaluated=lambda v, i=i: v * (1 + spread * i),
                               accuracy=lambda v, i=i: v - spread * i), perturb=i)
            for i in range(1, 9)]


@pytest.mark.parametrize(("fault", "channel"), [
    (Fault(evaluated=lambda v: v * 1.016), "evaluation"),
    (Fault(accuracy=lambda v: v - 1 / 96), "reported")])
def test_what_no_weight_shows_is_not_excused_by_runs_from_other_weights(
        baseline: Trace, fault: Fault, channel: str) -> None:
    """Where all weights are equal to the bit, an evaluation is off by no accident of rounding."""
    found = judge(traces.train(fault), baseline, noisy(0.02), baseline)
    assert found.exit_code == 1 and found.causes[0].channel == channel


def test_rounding_of_an_evaluation_is_excused(baseline: Trace) -> None:
    """Kernels of evaluation may be others while those of training are the same."""
    fault = Fault(evaluated=lambda v: v * (1 + 1e-6))
    assert judge(traces.train(fault), baseline, noisy(0.0), baseline).exit_code == 0


def test_an_evaluation_that_is_chance_is_excused(baseline: Trace) -> None:
    """What the unchanged run does not repeat tells nothing."""
    repeated = traces.train(Fault(evaluated=lambda v: v * 0.99))
    observed = traces.train(Fault(evaluated=lambda v: v * 1.016))
    assert judge(observed, baseline, noisy(0.02), repeated).exit_code == 0


def test_a_figure_that_is_told_otherwise_is_no_regression(
        baseline: Trace, perturbed: list[Trace]) -> None:
    """Where training and evaluation are the same, what a progress bar averages does no harm."""
    worse = Fault(accuracy=lambda v: v - 0.3)
    found = judge(traces.train(worse), baseline, perturbed, baseline)
    assert found.verdict is Verdict.DRIFT and "ends worse" in "".join(terminal(found))
    both = Fault(accuracy=worse.accuracy, evaluated=lambda v: v * 1.2)
    assert judge(traces.train(both), baseline, perturbed, baseline).verdict is Verdict.REGRESSION
