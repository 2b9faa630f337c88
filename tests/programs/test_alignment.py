"""Events beside each other: renamed, missing, more of them, of other types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.programs.judging.judge import judge
from harness.programs.judging.structure import SAID
from harness.programs.traces.alignment import ABSENT, align
from harness.programs.traces.distance import is_identical, measure
from harness.programs.traces.trace import CHANNELS, Trace, check
from tests.kit import traces
from tests.kit.traces import Fault


@pytest.fixture(scope="module")
def baseline() -> Trace:
    """Return the baseline's run."""
    return traces.train()


@pytest.fixture(scope="module")
def perturbed() -> list[Trace]:
    """Return the baseline's runs from last bits."""
    return traces.perturbed(3)


def without(trace: Trace, channel: str, name: str, since: int = 0, **header: Any) -> Trace:
    """Return a trace without an event."""
    out = (trace.channel == CHANNELS.index(channel)) & (trace.step >= since) & (
        trace.name == trace.header.names.index(name))
    head = traces.Log().trace().header
    for field in trace.header.__struct_fields__:
        setattr(head, field, header.get(field, getattr(trace.header, field)))
    return check(Trace(trace.where, head, *(getattr(trace, column)[~out] for column in (
        "step", "channel", "name", "occurrence", "size", "dtype", "digest", "sketch"))))


def test_events_come_in_causal_order(baseline: Trace) -> None:
    """In a step the channels; of the forward pass the order of calls, of gradients the last."""
    aligned = align(baseline, [])
    first = [(CHANNELS[aligned.channel[i]], aligned.text(i)) for i in range(len(aligned))
             if aligned.step[i] == 0]
    assert [name for channel, name in first if channel == "gradient"] == [
        "head.bias", "head.weight", "hidden.bias", "hidden.weight"]
    assert [name for channel, name in first if channel == "forward"] == [
        "hidden:output", "drop:output", "head:output"]
    order = [CHANNELS.index(channel) for channel, _ in first]
    assert order == sorted(order) and (np.diff(aligned.step) >= 0).all()


@pytest.mark.parametrize("fault", [Fault(name=lambda n: f"model.{n}"),
                                   Fault(name=lambda n: f"module._orig_mod.{n}")])
def test_a_prefix_of_all_paths_is_said_once(baseline: Trace, perturbed: list[Trace],
                                            fault: Fault) -> None:
    """A side that is renamed as a whole is compared all the same."""
    found = judge(traces.train(fault, reverse=True), baseline, perturbed)
    assert found.exit_code == 0 and found.compared == len(baseline)
    assert len([note for note in found.notes if "begin with" in note]) == 1


def test_names_without_a_common_end_are_matched_by_order_and_size(
        baseline: Trace, perturbed: list[Trace]) -> None:
    """Counters in names change with what was made before; sizes and their order do not."""
    fault = Fault(name=lambda n: "".join(str(ord(letter)) for letter in n))
    found = judge(traces.train(fault, reverse=True), baseline, perturbed)
    assert found.exit_code == 0 and found.compared == len(baseline)
    assert any("by order and size" in note for note in found.notes)


def test_a_fault_is_found_under_another_name(baseline: Trace, perturbed: list[Trace]) -> None:
    """It is named as the baseline names it."""
    fault = Fault(name=lambda n: f"model.{n}", update=lambda s, n, v: v * 1.01 if s >= 3 else v)
    first = judge(traces.train(fault), baseline, perturbed).first
    assert first is not None and (first.channel, first.step) == ("update", 3)
    assert "." in first.tensor and not first.tensor.startswith("model.")


def test_a_missing_gradient_is_one_cause_with_its_update(baseline: Trace,
                                                         perturbed: list[Trace]) -> None:
    """A parameter that no longer learns is told by its gradient, which is on one side only."""
    frozen = traces.train(Fault(update=lambda s, n, v: v * 0 if n == "hidden.weight" else v,
                                gradient=lambda s, n, v: v * 0 if n == "hidden.weight" else v))
    found = judge(without(frozen, "gradient", "hidden.weight"), baseline, perturbed)
    first = found.first
    assert first is not None and len(found.differences) == 1
    assert (first.channel, first.step, first.tensor) == ("gradient", 0, "hidden.weight")
    assert "on the baseline side only" in first.sentence
    assert "loss and gradients equal to the bit" in first.proof
    assert first.following["update"] == 4


@pytest.mark.parametrize(("channel", "name"), [
    ("forward", "head:output"), ("schedule", "optimizer[0].group[0].lr")])
def test_what_comes_and_goes_with_versions_is_said_only(baseline: Trace, perturbed: list[Trace],
                                                        channel: str, name: str) -> None:
    """Modules within modules and hyperparameters differ in what they do, or not at all."""
    found = judge(without(traces.train(reverse=True), channel, name), baseline, perturbed)
    assert found.exit_code == 0
    assert any(channel in note and name in note for note in found.notes)


def test_extra_events_do_not_end_the_comparison(baseline: Trace, perturbed: list[Trace]) -> None:
    """A second loss in every step is a finding, and an update that is off beside it another."""
    observed = traces.train(Fault(update=lambda s, n, v: v * 1.01 if s >= 5 else v))
    log = traces.Log()
    for i in range(len(observed)):
        channel = CHANNELS[observed.channel[i]]
        row = (int(observed.step[i]), channel, observed.header.names[observed.name[i]])
        rest = (int(observed.size[i]), observed.header.dtypes[observed.dtype[i]],
                int(observed.digest[i]), tuple(observed.sketch[i]))
        log.add(*row, *rest)
        if channel == "loss":
            log.add(*row, *rest)
    found = judge(log.trace(updates=24), baseline, perturbed)
    assert [(c.kind, c.channel, c.step) for c in found.differences] == [
        ("structure", "loss", 0), ("value", "update", 5)]
    assert "more often in a step" in found.differences[0].sentence


def test_fewer_updates_are_a_difference(baseline: Trace, perturbed: list[Trace]) -> None:
    """Each side's number is said, and what both have is equal."""
    found = judge(traces.train(steps=20, reverse=True), baseline, perturbed)
    assert [c.kind for c in found.differences] == ["structure"]
    assert "20 updates, the baseline 24" in found.differences[0].sentence


def test_another_floating_type_is_a_difference(baseline: Trace, perturbed: list[Trace]) -> None:
    """Autocast that takes in one module more is seen by the type of its output."""
    observed = traces.train()
    types = observed.dtype.copy()
    out = observed.name == observed.header.names.index("hidden:output")
    head = traces.Log().trace().header
    for field in observed.header.__struct_fields__:
        setattr(head, field, getattr(observed.header, field))
    head.dtypes = [*observed.header.dtypes, "bfloat16"]
    types[out] = len(head.dtypes) - 1
    changed = Trace("run", head, observed.step, observed.channel, observed.name,
                    observed.occurrence, observed.size, types, observed.digest + out,
                    observed.sketch * np.where(out, 1 + 1e-4, 1)[:, None])
    found = judge(changed, baseline, perturbed)
    assert ("precision", "forward") in [(c.kind, c.channel) for c in found.differences]
    assert any("bfloat16 rather than float32" in c.sentence for c in found.differences)


def test_another_shape_is_a_difference(baseline: Trace, perturbed: list[Trace]) -> None:
    """A tensor of another size has no distance; it is off beyond all measure."""
    observed = traces.train()
    sizes = observed.size.copy()
    sizes[observed.name == observed.header.names.index("head:output")] += 1
    found = judge(Trace("run", observed.header, observed.step, observed.channel, observed.name,
                        observed.occurrence, sizes, observed.dtype, observed.digest,
                        observed.sketch), baseline, perturbed)
    assert found.first is not None
    assert (found.first.channel, found.first.tensor) == ("forward", "head:output")
    assert "elements rather than" in found.first.sentence


def test_many_names_are_counted_not_listed(baseline: Trace, perturbed: list[Trace]) -> None:
    """Three names are said, and how many more there are."""
    log = traces.Log()
    for i in range(len(baseline)):
        log.add(int(baseline.step[i]), CHANNELS[baseline.channel[i]],
                baseline.header.names[baseline.name[i]], int(baseline.size[i]),
                baseline.header.dtypes[baseline.dtype[i]], int(baseline.digest[i]),
                tuple(baseline.sketch[i]))
    for i in range(9):
        log.tensor(0, "forward", f"extra.{i}:output", np.ones(5 + i, "float32"))
    note, = [n for n in judge(log.trace(updates=24), baseline, perturbed).notes if "extra" in n]
    assert f"and {9 - SAID} more" in note


def test_what_is_absent_has_no_place(baseline: Trace) -> None:
    """The alignment tells where an event is in another trace, or that it is not."""
    aligned = align(baseline, [without(baseline, "loss", "loss", since=3)])
    gone = aligned.places[0] == ABSENT
    assert gone.sum() == 21 and set(aligned.step[gone].tolist()) == set(range(3, 24))


def test_digests_of_two_kinds_say_nothing(baseline: Trace) -> None:
    """A trace of an earlier recorder, whose digests are all CRC-32, is compared by its sketches."""
    tagged = baseline.digest + np.where(baseline.digest > 0, np.uint64(2**63), np.uint64(0))
    hashed = replace(baseline, digest=tagged)
    assert is_identical(hashed, baseline)
    assert (measure(align(baseline, [hashed]), 0) == 0).all()
    assert is_identical(hashed, hashed)
