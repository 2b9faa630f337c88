"""A judgement shown: twenty lines, Markdown that obeys nobody, JSON of its schema, facts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from harness.errors import HarnessError
from harness.programs.judging import phrases
from harness.programs.judging.harm import NO_LOSS
from harness.programs.judging.judge import judge
from harness.programs.judging.verdict import Judgement
from harness.programs.showing import wording
from harness.programs.showing.capture import examine
from harness.programs.showing.encoding import to_json
from harness.programs.showing.facts import facts
from harness.programs.traces.trace import Trace
from tests.kit import traces
from tests.kit.traces import Fault

DOCS = Path(__file__).parents[2] / "docs"
LATE = Fault(update=lambda s, n, v: v * 1.008 if s >= 3 and n == "head.weight" else v)
BROKEN = Fault(gradient=lambda s, n, v: v * np.nan if s == 9 else v)
OTHER = Fault(begin=lambda n, v: v * 1.1)


@pytest.fixture(scope="module")
def baseline() -> Trace:
    """Return the baseline's run."""
    return traces.train(packages={"torch": "2.3.1", "numpy": "1.26.4"},
                        settings={"OMP_NUM_THREADS": "1"})


@pytest.fixture(scope="module")
def perturbed() -> list[Trace]:
    """Return the baseline's runs from last bits."""
    return traces.perturbed(4)


@pytest.fixture(scope="module")
def observed() -> Trace:
    """Return a run with an update that is off from step 3."""
    return traces.train(LATE, packages={"torch": "2.14.1", "numpy": "1.26.4"}, settings={})


@pytest.fixture(scope="module")
def found(observed: Trace, baseline: Trace, perturbed: list[Trace]) -> Judgement:
    """Return the judgement on that run."""
    return judge(observed, baseline, perturbed, baseline)


def check(data: Any) -> None:
    """Check a verdict against its schema, as strict JSON."""
    schema = json.loads((DOCS / "verdict-program.schema.json").read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(
        json.loads(json.dumps(data, allow_nan=False)))


def test_the_answer_says_what_begins_where_and_what_becomes_of_it(found: Judgement) -> None:
    """Channel, tensor, step, size, proof and harm are in the second line."""
    lines = wording.terminal(found, ("torch==2.14.1", "torch==2.3.1"), commands=["harness report"])
    assert lines[0] == "drift: torch==2.14.1 against torch==2.3.1"
    assert lines[1].startswith("  update of `head.weight` at step 3: 0.8 % off, 1.008 x the "
                               "baseline's (data, forward pass, loss and gradients equal to the "
                               "bit), from there the loss differs by up to ")
    assert lines[1].endswith("training still converges")
    assert "update 4" in lines[2]
    assert lines[-1] == "  next: harness report"


def test_the_answer_has_twenty_lines_at_most(found: Judgement) -> None:
    """What does not fit is counted; what to type next is never left out."""
    lines = wording.terminal(found, more=[f"package {i}" for i in range(50)],
                             commands=["harness report", "harness accept"])
    assert len(lines) == wording.LINES
    assert "more lines are in the report" in lines[-3]
    assert lines[-2:] == ["  next: harness report", "  next: harness accept"]


def test_a_name_cannot_make_lines(found: Judgement) -> None:
    """Line breaks and endless names of a program stay on one bounded line."""
    lines = wording.terminal(found, more=["a\nb\rc" + "x" * 5000])
    assert all("\n" not in line and "\r" not in line and len(line) <= wording.LONGEST
               for line in lines)


@pytest.mark.parametrize(("fault", "reverse", "words"), [
    (Fault(), False, "both sides train the same, to the bit"),
    (Fault(), True, "within what rounding does to this program")])
def test_a_match_says_so(baseline: Trace, perturbed: list[Trace], fault: Fault, reverse: bool,
                         words: str) -> None:
    """Identical and equivalent are told apart, with how much was compared."""
    lines = wording.terminal(judge(traces.train(fault, reverse=reverse), baseline, perturbed))
    assert words in lines[1] and "events of 24 updates" in lines[1]


def test_a_problem_is_said_in_its_four_parts(baseline: Trace) -> None:
    """What, where, found and next are lines of the answer."""
    failed = traces.train(ended="failed: ValueError: no such file")
    lines = wording.terminal(judge(failed, baseline, []))
    assert lines[0] == "error: the program failed on the observed side"
    assert [line.split()[0] for line in lines[1:]] == ["where:", "found:", "next:"]


def test_other_weights_are_said_with_what_comes_from_the_baselines(
        baseline: Trace, perturbed: list[Trace]) -> None:
    """Before the second run the answer says what is not judged; after it, what it showed."""
    other = traces.train(OTHER)
    before = wording.terminal(judge(other, baseline, perturbed))
    assert any("what follows is not judged" in line for line in before)
    after = wording.terminal(judge(other, baseline, perturbed, None,
                                   traces.train(OTHER, load=True)))
    assert "from the baseline's weights every loss is the same" in after[1]


def test_markdown_obeys_no_name(observed: Trace, baseline: Trace, perturbed: list[Trace]) -> None:
    """Mentions, tables and HTML in what a program says are shown and not followed."""
    fault = Fault(name=lambda n: f"<img>@team|{n}", update=LATE.update)
    text = wording.pull_request(
        judge(traces.train(fault), traces.train(Fault(name=fault.name)), []),
        "python train.py --name '`x`|@all'", packages={"torch": ("2.14.1", "2.3.1")},
        captured=["first operator that differs: `aten.mm` in `@team`"])
    assert "first operator that differs" in text
    assert text.startswith("### Training: drift\n")
    assert "<img>" not in text.replace("\\<img\\>", "").replace("`<img>", "")
    assert "@team" not in text
    assert "| `torch` | `2.14.1` | `2.3.1` |" in text


def test_json_keeps_its_schema(found: Judgement, baseline: Trace, perturbed: list[Trace]) -> None:
    """Verdicts of every kind do, with numbers that are not finite as words."""
    first = found.first
    assert first is not None
    check(to_json(found, examine(np.ones((2, 3)), np.zeros((2, 3)), first)))
    check(to_json(judge(traces.train(BROKEN), baseline, perturbed)))
    check(to_json(judge(traces.train(OTHER), baseline, perturbed)))
    check(to_json(judge(baseline, baseline, [])))
    check(to_json(judge(traces.train(ended="failed: x"), baseline, [])))
    data = to_json(judge(traces.train(BROKEN), baseline, perturbed))
    assert data["causes"][0]["deviation"] == "Infinity" and data["verdict"] == "regression"


def test_facts_hold_what_a_page_draws(found: Judgement, observed: Trace, baseline: Trace,
                                      perturbed: list[Trace]) -> None:
    """Heat map, modules, curves and what differs, as strict JSON."""
    data = json.loads(json.dumps(facts(found, observed, baseline, perturbed, baseline),
                                 allow_nan=False))
    assert data["differs"]["packages"] == [
        {"name": "torch", "observed": "2.14.1", "baseline": "2.3.1"}]
    assert data["differs"]["settings"] == [
        {"name": "OMP_NUM_THREADS", "observed": None, "baseline": "1"}]
    heat = data["heat"]
    assert heat["first"] == {"channel": "update", "tensor": "head.weight", "step": 3}
    row = heat["rows"].index({"channel": "update", "tensor": "head.weight"})
    assert heat["values"][row][2] <= 0 < heat["values"][row][3]
    assert len(heat["values"]) == len(heat["rows"])
    assert all(len(line) == len(heat["steps"]) for line in heat["values"])
    assert {module["path"]: module["class"] for module in data["modules"]}["drop"] == "Dropout"
    loss = data["curves"]["loss"]
    assert loss["steps"] == list(range(24)) and loss["observed"] != loss["baseline"]
    assert all(low <= middle <= high for low, middle, high in zip(
        loss["low"], loss["baseline"], loss["high"], strict=True))
    assert data["curves"]["figures"][0]["name"] == "accuracy"


def test_other_initial_weights_are_drawn_as_that(perturbed: list[Trace], baseline: Trace) -> None:
    """Though the run that is drawn began with the baseline's."""
    loaded = traces.train(OTHER, load=True)
    told = judge(traces.train(OTHER), baseline, perturbed, baseline, loaded)
    heat = facts(told, loaded, baseline, perturbed, baseline)["heat"]
    cells = {row["tensor"]: line[0] for row, line in zip(heat["rows"], heat["values"], strict=True)
             if row["channel"] == "initialisation"}
    assert heat["first"]["channel"] == "initialisation" and heat["first"]["step"] is None
    assert cells[heat["first"]["tensor"]] > 3


def test_facts_are_bounded() -> None:
    """A long run of many tensors becomes a page of bearable size."""
    log = traces.Log()
    for step in range(300):
        log.number(step, "loss", "loss", 1.0)
        log.tensor(step, "gradient", "w", np.ones(4, "float32"))
    for i in range(500):
        log.tensor(0, "forward", f"m{i}:output", np.ones(4, "float32"))
    trace = log.trace(modules={f"m{i}": "Linear" for i in range(500)})
    data = facts(judge(trace, trace, []), trace, trace, [])
    assert len(data["heat"]["steps"]) <= 160 and len(data["heat"]["rows"]) <= 400
    assert data["heat"]["left_out"] == 102 and len(data["modules"]) <= 400


def test_an_unknown_error_is_no_match() -> None:
    """A judgement with a problem is an error, whatever else it holds."""
    assert Judgement(is_identical=True, problem=HarnessError("x")).exit_code == 3


def test_what_a_function_between_modules_computes_is_said_to_be_that() -> None:
    """An input that no module returned is no fault of the module that is given it."""
    assert phrases.place("forward", "decode:input[0]", 3) == \
        "forward of `decode:input[0]` (computed between modules) at step 3"
    assert phrases.place("evaluation", "net:input[0]", 3) == \
        "evaluation of `net:input[0]` at step 3"


def test_a_long_sentence_goes_on_in_a_line_of_figures(found: Judgement) -> None:
    """What figures become is not cut off by how the cause was proved."""
    assert found.outcome is not None
    told = "; ".join(["x" * 250, *(f"`printed: {name} #[2]` ends worse: 1.41532 rather than 1.40071"
                                   for name in ("loss", "accuracy"))])
    shown = wording.terminal(replace(found, outcome=replace(found.outcome, sentence=told)))
    assert shown[1].endswith("x" * 250)
    assert shown[2] == f"  at the end {told.partition('; ')[2]}"


def test_that_no_loss_was_recorded_is_nothing_that_begins_there(found: Judgement) -> None:
    """A program of which no loss is known is said to be that."""
    assert found.outcome is not None and found.first is not None
    shown = wording.sentence(replace(found, outcome=replace(found.outcome, sentence=NO_LOSS)),
                             found.first)
    assert shown.endswith("; no loss was recorded") and "from there" not in shown


@pytest.mark.parametrize(("numbers", "words"), [
    ((1.52104004, 1.52104), "1.52104004 rather than 1.52104"),
    ((2.0, 3.0), "2 rather than 3"), ((1.5, 1.5), "1.5 rather than 1.5"),
    ((float("nan"), 1.0), "nan rather than 1")])
def test_two_numbers_are_told_apart(numbers: tuple[float, float], words: str) -> None:
    """A difference of one part in ten million is no reason to print one number twice."""
    assert phrases.rather(*numbers) == words


def test_what_is_only_reported_leads_to_no_loss(found: Judgement) -> None:
    """Nothing begins at a figure, whatever rounding does to the loss beside it."""
    assert found.first is not None
    told = wording.sentence(found, replace(found.first, channel="reported"))
    assert "from there" not in told and "from there" in wording.sentence(found, found.first)
