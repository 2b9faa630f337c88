"""Numbers that programs print and write, as events of their traces."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError, UsageError
from harness.programs.judging import phrases
from harness.programs.runs import figures
from harness.programs.runs.figures import Figure
from harness.programs.traces import trace as traces

PRINTED = """torch 2.13.0 on 2026-11-26
epoch 1: loss 0.6931 (12.5%)
epoch 2: loss 0.4, acc=.75 lr 1e-3
loss nan
"""


def trace() -> traces.Trace:
    """Return a trace without events, after three updates."""
    header = traces.Header(format="harness-trace", version=1, channels=list(traces.CHANNELS),
                           names=[], dtypes=[], ended="end", updates=3)
    columns = {name: np.zeros((0, 4) if name == "sketch" else 0, dtype)
               for name, dtype in traces.COLUMNS.items()}
    return traces.Trace("test", header, **columns)


def test_numbers_are_read_from_lines(tmp_path: Path) -> None:
    """Versions and dates are no numbers; what stands around a number names it."""
    found = figures.told(PRINTED, tmp_path, [])
    assert [(figure.name, figure.value) for figure in found[:-1]] == [
        ("printed: epoch #: loss # (#%)[0]", 1.0), ("printed: epoch #: loss # (#%)[1]", 0.6931),
        ("printed: epoch #: loss # (#%)[2]", 12.5),
        ("printed: epoch #: loss #, acc=# lr #[0]", 2.0),
        ("printed: epoch #: loss #, acc=# lr #[1]", 0.4),
        ("printed: epoch #: loss #, acc=# lr #[2]", 0.75),
        ("printed: epoch #: loss #, acc=# lr #[3]", 0.001)]
    assert np.isnan(found[-1].value)


def test_a_progress_bar_is_its_last_state(tmp_path: Path) -> None:
    """What was written over is not compared: how often a bar moves is chance."""
    bar = "\r 1/2 - loss: 0.9\r 2/2 - loss: 0.5\nepoch 1\n"
    assert [figure.value for figure in figures.told(bar, tmp_path, [])] == [2.0, 2.0, 0.5, 1.0]


def test_outputs_are_read_by_their_kind(tmp_path: Path) -> None:
    """JSON, text and arrays give figures with names."""
    (tmp_path / "m.json").write_text(json.dumps({"eval": {"loss": 0.5, "ok": True}, "n": [1, 2]}))
    (tmp_path / "log.csv").write_text("epoch,loss\n0,0.25\n")
    np.save(tmp_path / "w.npy", np.array([3.0, 4.0]))
    found = figures.told("", tmp_path, ["m.json", "log.csv", "w.npy"])
    values = {figure.name: figure.value for figure in found}
    assert values["output m.json: eval.loss"] == 0.5
    assert values["output m.json: n[]"] == 2.0
    assert values["output log.csv: #,#[1]"] == 0.25
    assert values["output w.npy norm"] == 5.0


@pytest.mark.parametrize("content", [None, "no number here", "{"])
def test_an_output_without_numbers_is_an_error(tmp_path: Path, content: str | None) -> None:
    """A file that is missing, damaged or empty of numbers is never a match."""
    if content is not None:
        (tmp_path / "m.json").write_text(content)
    with pytest.raises(HarnessError, match="output of the program"):
        figures.told("", tmp_path, ["m.json"])


def test_a_binary_output_is_refused_before_anything_runs() -> None:
    """The message says what can be read."""
    with pytest.raises(UsageError, match="JSON"):
        figures.require_readable(["model.pt"])


def test_figures_become_the_last_events_of_a_trace() -> None:
    """A trace with figures is one that can be true."""
    told = [Figure("printed: loss #[0]", 0.5), Figure("printed: loss #[0]", 0.25)]
    found = traces.check(figures.add(trace(), told, told))
    assert found.step.tolist() == [3, 3] and found.occurrence.tolist() == [0, 1]
    assert found.sketch[:, 0].tolist() == [0.5, 0.25]
    assert set(found.channel.tolist()) == {traces.REPORTED}


@pytest.mark.parametrize(("text", "is_same"), [("0.694", True), ("0.695", False), ("1", False)])
def test_a_printed_number_says_no_more_than_its_digits(
        tmp_path: Path, text: str, is_same: bool) -> None:
    """0.693 and 0.694 may be one number that was rounded either way; whole numbers are exact."""
    own = figures.told(f"loss {text}", tmp_path, [])
    like = figures.told("loss 0.693", tmp_path, [])
    value = figures.add(trace(), own, like).sketch[0, 0]
    assert (value == 0.693) == is_same


def test_no_figures_leave_a_trace_as_it_is() -> None:
    """A silent program has no event more."""
    one = trace()
    assert figures.add(one, [], []) is one


@pytest.mark.parametrize(("line", "values"), [
    ("2026-11-26 04:22:08,123 INFO loss 0.3", [0.3]), ("[04:22:08] loss 0.3", [0.3]),
    ("26/11/2026 4:22 loss 0.3", [0.3]), ("Linear at 0x7fde615017e0: 0.3", [0.3]),
    ("run 123e4567-e89b-12d3-a456-426614174000: 0.3", [0.3]), ("/tmp/tmpa1b2c3d4/w.pt 0.3", [0.3]),
    ("0.123/0.456", [0.123, 0.456]), ("3:0.93", [3.0, 0.93]), ("[0.5-0.6]", [0.5, 0.6]),
    ("mean 0.25 min 0.10 max 1", [0.25, 0.1, 1.0]), ("took 2 min 20 s, 1.5 h", []),
    ("acc 0.93 s=4", [0.93, 4.0]), ("12/40 107ms/step", [12.0, 40.0])])
def test_what_is_of_chance_is_no_figure(tmp_path: Path, line: str, values: list[float]) -> None:
    """Moments, addresses and durations are left out; whatever else is a number is read."""
    assert [figure.value for figure in figures.told(line, tmp_path, [])] == values


def test_a_line_is_called_the_same_at_another_time(tmp_path: Path) -> None:
    """What logging writes before a message is no part of its name."""
    names = {figure.name for time in ("04:22:08,123", "23:59:59,999") for figure in figures.told(
        f"2026-11-26 {time} INFO loss 0.3 of 0x{time[:2]}", tmp_path, [])}
    assert len(names) == 1


@pytest.mark.parametrize(("text", "is_same"), [("0.9", False), ("0.8", True), ("0.80", True)])
def test_nothing_is_rounded_otherwise_where_all_is_alike(
        tmp_path: Path, text: str, is_same: bool) -> None:
    """Of two equal trainings 0.8 and 0.9 are two numbers, if written with as many decimals."""
    own, like = (figures.told(f"accuracy {one}", tmp_path, []) for one in (text, "0.8"))
    assert (figures.add(trace(), own, like, True).sketch[0, 0] == 0.8) == is_same
    assert figures.add(trace(), own, like).sketch[0, 0] == 0.8


def test_of_too_many_figures_the_last_ones_stay(tmp_path: Path) -> None:
    """What a program says at its end is what most people look at."""
    found = figures.told("loss 0.5\n" * figures.MOST + "accuracy 0.25\n", tmp_path, [])
    assert len(found) == figures.MOST and found[-1].value == 0.25


def test_a_long_line_is_read_once(tmp_path: Path) -> None:
    """A list that is printed in one line of 40 kB takes no longer than its length."""
    began = time.process_time()
    assert len(figures.told("losses " + "0.5 " * 10_000, tmp_path, ())) == 10_000
    assert time.process_time() - began < 3.0


def test_of_too_many_lines_the_first_and_the_last_are_read(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed without end costs no more than its ends."""
    monkeypatch.setattr(figures, "LINES", 4)
    found = figures.told("\n".join(f"step {i}" for i in range(10)), tmp_path, ())
    assert [figure.value for figure in found] == [0, 1, 8, 9]


def test_what_is_logged_is_read_like_what_is_printed(tmp_path: Path) -> None:
    """It is called by where it came from."""
    found = figures.told("loss 0.5", tmp_path, [], "accuracy 0.25")
    assert [(figure.name, figure.value) for figure in found] == [
        ("printed: loss #[0]", 0.5), ("logged: accuracy #[0]", 0.25)]
    assert phrases.name("logged: epoch # accuracy #[1]") == \
        "`accuracy` in the logged line `epoch # accuracy #`"
