"""The facts on a program that a page shows, as plain JSON data; nothing is drawn here.

Outside half. A heat map of steps, channels and tensors with the first difference, the tree of
modules, the curves with their envelope, what differs between the sides, and the proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness import words
from harness.programs.judging.compared import OBSERVED, Compared, compare
from harness.programs.judging.harm import curve
from harness.programs.judging.verdict import Judgement
from harness.programs.showing.capture import Whole
from harness.programs.showing.encoding import to_json
from harness.programs.showing.wording import same
from harness.programs.traces.alignment import ABSENT
from harness.programs.traces.trace import CHANNELS, EVALUATION, INITIALISATION, REPORTED, Trace

COLUMNS, ROWS, POINTS, FIGURES = 160, 400, 1000, 40
"""Steps and tensors of the heat map, points of a curve, and figures: at most."""


def facts(judgement: Judgement, observed: Trace, baseline: Trace, perturbed: Sequence[Trace],
          repeated: Trace | None = None, whole: Whole | None = None) -> dict[str, Any]:
    """Return what a page shows of a program.

    Args:
        observed: the run that was judged; with other initial weights the one from the baseline's.
        whole: what whole tensors of the first difference tell.
    """
    compared = compare(observed, baseline, perturbed, repeated)
    runs = [*perturbed, *([] if repeated is None else [repeated])]
    return {
        "verdict": to_json(judgement, whole),
        "same": same(judgement) if judgement.first is None and judgement.problem is None else "",
        "sides": {"observed": _side(observed), "baseline": _side(baseline)},
        "differs": {name: _differing(getattr(observed.header, name),
                                     getattr(baseline.header, name))
                    for name in ("packages", "settings")},
        "heat": _heat(compared, judgement),
        "modules": _modules(compared),
        "curves": {"loss": losses(observed, baseline, runs),
                   "figures": _figures(compared, runs)},
    }


def _side(trace: Trace) -> dict[str, Any]:
    head = trace.header
    return {"program": head.program, "python": head.python, "ended": head.ended,
            "updates": head.updates, "devices": head.devices, "processes": head.processes,
            "packages": head.packages, "settings": head.settings,
            "notes": [{"code": note.code, "text": note.text} for note in head.notes]}


def _differing(mine: Mapping[str, str | None], theirs: Mapping[str, str | None]
               ) -> list[dict[str, str | None]]:
    return [{"name": name, "observed": mine.get(name), "baseline": theirs.get(name)}
            for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)]


def _heat(compared: Compared, judgement: Judgement) -> dict[str, Any]:
    """Return how far beyond its allowance every tensor is at every step, as ten's logarithm.

    Steps are put together where there are many; the largest of them counts. -9 is equal to the
    bit, None not recorded.
    """
    aligned = compared.aligned
    there = aligned.places[OBSERVED] != ABSENT
    steps = np.unique(aligned.step[there])
    edges = steps[np.unique(np.linspace(0, max(len(steps) - 1, 0), COLUMNS).astype(int))] \
        if len(steps) else steps
    series, first = np.unique(aligned.series, return_index=True)
    order = np.lexsort((first, aligned.channel[first]))[:ROWS]
    row = np.full(len(series), ABSENT)
    row[order] = np.arange(len(order))
    at = row[np.searchsorted(series, aligned.series)]
    chosen = there & (at >= 0)
    column = np.searchsorted(edges, aligned.step, side="right") - 1
    with np.errstate(all="ignore"):
        value = np.clip(np.log10(compared.excess), -9, 9)
    grid = np.full((len(order), len(edges)), -np.inf)
    np.maximum.at(grid, (at[chosen], column[chosen]), np.nan_to_num(value[chosen], nan=-9.0))
    rows = [{"channel": CHANNELS[int(aligned.channel[first[i]])],
             "tensor": aligned.text(int(first[i]))} for i in order]
    for cause in judgement.differences:  # a run from the baseline's weights does not show these
        place = {"channel": cause.channel, "tensor": cause.tensor}
        if cause.channel == CHANNELS[INITIALISATION] and cause.deviation and place in rows:
            beyond = cause.deviation / (cause.allowance or cause.deviation * 1e-9)
            grid[rows.index(place), 0] = np.clip(np.log10(beyond), 0, 9)
    first_cause = judgement.first
    return {
        "steps": edges.tolist(),
        "rows": rows,
        "left_out": max(0, len(series) - ROWS),
        "values": [[None if np.isneginf(cell) else round(float(cell), 2) for cell in line]
                   for line in grid],
        "first": None if first_cause is None else {
            "channel": first_cause.channel, "tensor": first_cause.tensor,
            "step": first_cause.step},
        "chaotic_from": judgement.chaotic_from,
    }


def _modules(compared: Compared) -> list[dict[str, Any]]:
    """Return the modules with their classes, the first step that is off, and by how much."""
    aligned, head = compared.aligned, compared.aligned.baseline.header
    paths = list(head.modules)[:ROWS]
    number = {path: i for i, path in enumerate(paths)}
    own = np.array([number.get(head.tensors.get(name, ""), ABSENT) for name in head.names] or [0])
    module = own[aligned.name]
    worst, first = np.zeros(len(paths)), np.full(len(paths), np.iinfo(np.int64).max)
    known = (module >= 0) & ~np.isnan(compared.excess)
    np.maximum.at(worst, module[known], compared.excess[known])
    off = known & compared.is_off
    np.minimum.at(first, module[off], aligned.step[off])
    return [{"path": path, "class": head.modules[path], "excess": words.number(float(worst[i])),
             "first": None if first[i] == np.iinfo(np.int64).max else int(first[i])}
            for i, path in enumerate(paths)]


def losses(observed: Trace, baseline: Trace, runs: Sequence[Trace]) -> dict[str, Any] | None:
    """Return the loss of both sides, and the lowest and highest of the baseline's own runs."""
    sides = curve(observed), curve(baseline)
    if sides[0] is None or sides[1] is None:
        return None
    others = [found for found in (curve(run) for run in runs) if found is not None]
    steps = sides[1].steps
    steps = steps[np.unique(np.linspace(0, len(steps) - 1, POINTS).astype(int))]
    spread = np.array([_at(found.steps, found.values, steps) for found in (sides[1], *others)])
    with np.errstate(all="ignore"):
        low, high = np.fmin.reduce(spread), np.fmax.reduce(spread)
    return {"steps": steps.astype(int).tolist(),
            "observed": _numbers(_at(sides[0].steps, sides[0].values, steps)),
            "baseline": _numbers(spread[0]), "low": _numbers(low), "high": _numbers(high)}


def _at(known: Any, values: Any, steps: Any) -> Any:
    """Return the values at some steps, NaN where there are none."""
    at = np.minimum(np.searchsorted(known, steps), len(known) - 1)
    return np.where(known[at] == steps, values[at], np.nan)


def _numbers(values: Any) -> list[float | str | None]:
    return [words.number(float(value)) for value in values]


def _figures(compared: Compared, runs: Sequence[Trace]) -> list[dict[str, Any]]:
    """Return the figures that the program reports, each with its range over the baseline's runs."""
    aligned = compared.aligned
    chosen = np.isin(aligned.channel, (EVALUATION, REPORTED)) & (aligned.column("size") == 0)
    found = []
    for series in np.unique(aligned.series[chosen])[:FIGURES]:
        at = np.flatnonzero(chosen & (aligned.series == series))[-POINTS:]
        values = [aligned.column("sketch")[at, 0], *(
            np.where(aligned.places[run][at] == ABSENT, np.nan,
                     aligned.column("sketch", run)[at, 0]) for run in range(len(runs) + 1))]
        low, high = np.fmin.reduce([values[0], *values[2:]]), np.fmax.reduce(
            [values[0], *values[2:]])
        found.append({"name": aligned.text(int(at[0])), "steps": aligned.step[at].tolist(),
                      "observed": _numbers(values[1]), "baseline": _numbers(values[0]),
                      "low": _numbers(low), "high": _numbers(high),
                      "is_off": bool(compared.is_off[at].any())})
    return found
