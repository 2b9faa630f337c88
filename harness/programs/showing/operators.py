"""The first operator that returns something else, of those that a captured step called.

Outside half. Read from what the recorder keeps under torch, in the order of the calls. The lists
of calls are aligned like lines of text, since versions call other operators for the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from harness.programs.judging import phrases
from harness.programs.judging.verdict import Cause
from harness.programs.showing import capture
from harness.words import counted

PART = 0.1
"""Part of the cause's own deviation from which on an operator's output is off."""
ORDERED = ("forward", "loss", "gradient", "update")
"""Channels that operators of a step lead to."""
MOST = 3000
"""Calls that are aligned, which takes time with their square where they are alike."""
SHOWN = 3
"""Operators of one side that are named."""
_MOVES = re.compile(
    r"aten\.(_?unsafe_view|_reshape_alias|view|t|transpose|permute|expand|detach|detach_|alias|"
    r"slice|select|unsqueeze|squeeze|as_strided|split|chunk|unbind|lift_fresh|_to_copy|clone|"
    r"_conj|zeros|zeros_like|ones|ones_like|full|full_like|scalar_tensor)\.|^profiler\.")
"""Operators that compute nothing: versions call more or fewer of them at will."""
_DRAWS = re.compile(
    r"aten\.(bernoulli|exponential|normal|uniform|random|rand|randn|randint|randperm|geometric|"
    r"cauchy|log_normal|multinomial|poisson|binomial|native_dropout|_standard_gamma|rrelu)")
"""Operators that draw random numbers."""


@dataclass(frozen=True)
class Call:
    """One operator that was called.

    Args:
        place: path of the module, ``backward``, ``step``, or ``outside`` of any module.
        operator: its name, with what overload and part of its result it is.
        array: name of its output in the capture.
    """

    place: str
    operator: str
    array: str


def compare(observed: Path, baseline: Path, cause: Cause) -> str:
    """Return in words which operator is the first that differs; empty if that is not known.

    Args:
        observed, baseline: captures of the cause's step.

    Raises:
        RecordError: a file is damaged or too large.
    """
    if cause.channel not in ORDERED:
        return ""
    with capture.opened(observed) as mine, capture.opened(baseline) as theirs:
        return _compare(mine, theirs, cause)


def _compare(observed: ZipFile, baseline: ZipFile, cause: Cause) -> str:
    mine, theirs = calls(observed, cause.step or 0), calls(baseline, cause.step or 0)
    if not (mine and theirs):
        return ""
    least = PART * min(1.0, cause.deviation if cause.deviation is not None else 1.0)
    mine, theirs = mine[:MOST], theirs[:MOST]
    aligned = SequenceMatcher(None, [_key(call) for call in theirs],
                              [_key(call) for call in mine], autojunk=False)
    others: tuple[list[Call], list[Call]] = ([], [])
    equal = 0
    for kind, start, end, begin, stop in aligned.get_opcodes():
        if kind != "equal":
            others = mine[begin:stop], theirs[start:end]
            continue
        for one, other in zip(mine[begin:stop], theirs[start:end], strict=True):
            found = capture.take(observed, one.array), capture.take(baseline, other.array)
            off = _distance(*found)
            if off is None:
                continue
            if off > least or np.isnan(off):
                return _other(*others) if any(others) else _words(other, off, equal)
            others = ([], [])
            equal += 1
    return ""


def calls(archive: ZipFile, step: int) -> list[Call]:
    """Return the operators of a captured step that compute, in the order of their calls."""
    found = []
    for name in (name.removesuffix(".npy") for name in archive.namelist()):
        parts = name.split("|")
        if len(parts) == len(("step", "channel", "name", "occurrence")) \
                and parts[:2] == [str(step), "operator"]:
            place, _, operator = parts[2].rpartition(":")
            if not _MOVES.search(operator):
                found.append(Call(place, operator, name))
    return found


def _key(call: Call) -> str:
    return f"{call.place}:{call.operator}"


def _distance(observed: Any, baseline: Any) -> float | None:
    """Return how far apart two outputs are; NaN if one is not finite; None if incomparable."""
    if observed is None or baseline is None or observed.shape != baseline.shape:
        return None
    mine, theirs = observed.astype(np.float64), baseline.astype(np.float64)
    is_same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    if is_same.all():
        return 0.0
    if not (np.isfinite(mine[~is_same]).all() and np.isfinite(theirs[~is_same]).all()):
        return float("nan")
    size = float(np.linalg.norm(theirs[np.isfinite(theirs)]))
    error = float(np.linalg.norm(mine[~is_same] - theirs[~is_same]))
    return error / size if size else float("inf")


def _words(call: Call, off: float, equal: int) -> str:
    size = "not finite on one side" if np.isnan(off) else f"{phrases.percent(off)} off"
    before = f"; {counted(equal, 'operator')} before it alike" if equal else ""
    draws = ", which draws random numbers: another random stream" \
        if _DRAWS.search(call.operator) else ""
    return f"first operator that differs: {_named([call])}{draws} ({size}{before})"


def _other(mine: list[Call], theirs: list[Call]) -> str:
    """Return that the two sides call other operators where they begin to differ."""
    if not (mine and theirs):
        side, only = ("observed", mine) if mine else ("baseline", theirs)
        return f"first operators that differ: the {side} side alone calls {_named(only)}"
    return f"first operators that differ: {_named(mine)} rather than {_named(theirs)}"


def _named(some: list[Call]) -> str:
    """Return names of calls, each with its place unless the next one has the same."""
    shown = some[:SHOWN]
    last = [one.place != other.place for one, other in pairwise(shown)] + [True]
    words = [f"`{call.operator.removesuffix('.default')}`" + (
        f" {_where(call.place)}" if is_last else "")
        for call, is_last in zip(shown, last, strict=True)]
    return ", ".join(words) + (", ..." if len(some) > SHOWN else "")


def _where(place: str) -> str:
    return {"backward": "in the backward pass", "step": "in the optimizer's step",
            "outside": "outside of modules"}.get(place, f"in `{place}`")
