"""What a difference does to the training: where the loss ends, whether it trains, what is reported.

Outside half. Losses of single steps are not compared here, for chaos makes them unlike; where
they end is, against where runs of the baseline from last bits end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.compare.checks.finding import Verdict
from harness.programs.judging import phrases
from harness.programs.judging.compared import OBSERVED, Compared
from harness.programs.judging.verdict import Outcome
from harness.programs.traces.alignment import ABSENT, Numbers
from harness.programs.traces.trace import EVALUATION, LOSS, REPORTED, Trace

NO_LOSS = "no loss was recorded"
"""Sentence on a program of which there is neither a loss nor a figure."""
END, LONGEST = 0.1, 50
"""Part of the steps, and their largest number, over which the end of a curve is averaged."""
SPREAD = 3.0
"""Times the baseline's own runs differ at the end that is allowed there."""
FALLS = 0.02
"""Part of the first loss that the last must be lower by to say that a program trains."""
LEARNS = 0.5
"""Part of the baseline's fall that the observed loss must fall by."""
DRAWN = 0.25
"""Part of the steps that are averaged where the sides see other data: single batches tell less."""
WORSE, FIGURE = 0.05, 0.01
"""Part of the baseline's fall by which the end of a loss is worse, and of a figure that is."""
_HIGHER = re.compile(r"acc|auc|f1|precision|recall|score|bleu|rouge|iou|dice|\br2\b|correct")
_LOWER = re.compile(r"loss|err|perplexity|ppl|mse|mae|wer")


@dataclass(frozen=True, eq=False)
class Curve:
    """The losses of a run, one a step.

    Args:
        steps: ascending, ``[n]``.
        values: the mean of a step's losses, ``[n]``.
    """

    steps: Numbers
    values: Numbers

    def fall(self, part: float = 0.0) -> float:
        """How much lower the end is than the start, relative to it.

        Args:
            part: of the steps that are averaged at least.
        """
        count = max(self.window, int(part * len(self.values)))
        start, end = self.values[:count].mean(), self.values[-count:].mean()
        return float((start - end) / (abs(start) or 1.0))

    @property
    def end(self) -> float:
        """The mean of the last tenth."""
        return float(self.values[-self.window:].mean())

    @property
    def start(self) -> float:
        """The mean of as many at the beginning, at most a tenth."""
        return float(self.values[:self.window].mean())

    @property
    def window(self) -> int:
        """How many steps are averaged."""
        return max(1, min(LONGEST, int(END * len(self.values))))


def curve(trace: Trace) -> Curve | None:
    """Return the curve of the loss that a trace has most often; None if it has none."""
    at = np.flatnonzero((trace.channel == LOSS) & (trace.size == 0))
    if not at.size:
        return None
    at = at[trace.name[at] == np.bincount(trace.name[at]).argmax()]
    steps, inverse, count = np.unique(trace.step[at], return_inverse=True, return_counts=True)
    values = np.bincount(inverse.reshape(-1), trace.sketch[at, 0]) / count
    return Curve(steps.astype(float), values)


def weigh(observed: Trace, baseline: Trace, runs: Sequence[Trace],
          compared: Compared | None = None, is_drawn: bool = False) -> Outcome:
    """Return what a difference does.

    Args:
        runs: of the baseline side, from last bits.
        compared: the two sides, for the figures they report.
        is_drawn: whether the sides drew other data, weights or masks, or compute another loss:
            then their ends differ by more than the baseline's runs do, and one that is worse is
            no regression.
    """
    mine, theirs = curve(observed), curve(baseline)
    figures, verdict = ("", Verdict.DRIFT) if compared is None else _figures(compared)
    verdict = Verdict.DRIFT if is_drawn else verdict
    if mine is None or theirs is None:
        return Outcome(verdict, figures or NO_LOSS)
    mine, theirs = _common(mine, theirs)
    ends = [found for found in (curve(run) for run in runs) if found is not None]
    envelope = max((abs(found.end - theirs.end) for found in ends), default=0.0)
    found = _outcome(mine, theirs, np.inf if is_drawn else envelope)
    if found.largest == 0 and not (compared is not None and _evaluates_otherwise(compared)):
        verdict = Verdict.DRIFT  # it is told otherwise, and trains and predicts the same
    sentence = "; ".join(part for part in (found.sentence, figures) if part)
    return Outcome(max(found.verdict, verdict), sentence, found.largest, found.final,
                   found.envelope, found.trains)


def _common(mine: Curve, theirs: Curve) -> tuple[Curve, Curve]:
    """Return two curves at the steps that both have, or as they are if they share none."""
    steps, a, b = np.intersect1d(mine.steps, theirs.steps, return_indices=True)
    if not steps.size:
        return mine, theirs
    return Curve(steps, mine.values[a]), Curve(steps, theirs.values[b])


def _outcome(mine: Curve, theirs: Curve, envelope: float) -> Outcome:
    broken = [not np.isfinite(found.values).all() for found in (mine, theirs)]
    if broken[0] != broken[1]:
        side = "observed" if broken[0] else "baseline's"
        values = mine if broken[0] else theirs
        step = int(values.steps[np.argmax(~np.isfinite(values.values))])
        return Outcome(Verdict.REGRESSION if broken[0] else Verdict.IMPROVEMENT,
                       f"the {side} loss is not finite from step {step}, the other is")
    if broken[0]:
        return Outcome(Verdict.DRIFT, "neither loss stays finite")
    scale = np.maximum(np.abs(theirs.values), 0.01 * np.abs(theirs.values).max())
    with np.errstate(all="ignore"):
        largest = float(np.nan_to_num(np.abs(mine.values - theirs.values) / scale).max())
    size = max(abs(theirs.end), 0.01 * float(np.abs(theirs.values).max())) or 1.0
    off = mine.end - theirs.end
    fall = theirs.start - theirs.end
    allowed = SPREAD * envelope
    trains = _trains(mine, theirs, not np.isfinite(envelope))
    numbers = largest, off / size, envelope / size if np.isfinite(envelope) else None, trains
    if trains == (False, True):
        return Outcome(Verdict.REGRESSION, f"the loss differs by up to {phrases.percent(largest)}, "
                       f"and the observed side no longer trains: {phrases.number(mine.start)} to "
                       f"{phrases.number(mine.end)}, baseline to {phrases.number(theirs.end)}",
                       *numbers)
    if trains == (True, False):
        return Outcome(Verdict.IMPROVEMENT, "the observed side trains, the baseline does not: to "
                       f"{phrases.number(mine.end)} rather than {phrases.number(theirs.end)}",
                       *numbers)
    if largest == 0:
        return Outcome(Verdict.DRIFT, "every loss is the same", *numbers)
    words = f"the loss differs by up to {phrases.percent(largest)}"
    if len(theirs.values) > 1:
        end = f"ends at {phrases.rather(mine.end, theirs.end)}"
        if abs(off) <= allowed < np.inf:
            end += ", as far as runs of the baseline are apart"
        words += f" and {end}"
    if trains[0] and trains[1]:
        words += ", training still converges"
    is_worse = off > max(allowed, WORSE * max(fall, 0.0)) and fall > 0
    return Outcome(Verdict.REGRESSION if is_worse else Verdict.DRIFT,
                   words + (", worse than any run of the baseline" if is_worse else ""), *numbers)


def _trains(mine: Curve, theirs: Curve, is_drawn: bool) -> tuple[bool | None, bool | None]:
    """Return whether each loss falls; None of runs that are too short to tell."""
    if len(theirs.values) < 4:
        return None, None
    falls = [found.fall(DRAWN if is_drawn else 0.0) for found in (mine, theirs)]
    does = falls[1] > FALLS
    return falls[0] > (LEARNS * falls[1] if does and not is_drawn else FALLS), does


def _evaluates_otherwise(compared: Compared) -> bool:
    """Return whether what is evaluated differs, and not only what is told of it."""
    return bool((compared.is_off & (compared.aligned.channel == EVALUATION)).any())


def _figures(compared: Compared) -> tuple[str, Verdict]:
    """Return which of the last figures that are reported are worse or better."""
    aligned, words = compared.aligned, []
    verdict = Verdict.DRIFT
    at = np.flatnonzero(np.isin(aligned.channel, (EVALUATION, REPORTED)) & compared.is_off
                        & (aligned.column("size") == 0) & (aligned.places[OBSERVED] != ABSENT))
    last = {int(aligned.series[event]): int(event) for event in at}
    values = aligned.column("sketch")[:, 0], aligned.column("sketch", OBSERVED)[:, 0]
    ends = _last_of_series(compared)
    for series, event in last.items():
        name, theirs, mine = aligned.text(event), values[0][event], values[1][event]
        sign = direction(name)
        known = values[0][aligned.series == series]
        least = max(FIGURE * abs(theirs), WORSE * float(np.ptp(known)))
        if not sign or ends.get(series) != event or abs(mine - theirs) <= least:
            continue
        is_worse = (mine - theirs) * sign < 0
        verdict = Verdict.REGRESSION if is_worse else verdict
        words.append(f"{phrases.name(name)} ends {'worse' if is_worse else 'better'}: "
                     f"{phrases.rather(mine, theirs)}")
    return "; ".join(words[:2]), verdict


def _last_of_series(compared: Compared) -> dict[int, int]:
    """Return the last event of every series of figures."""
    aligned = compared.aligned
    at = np.flatnonzero(np.isin(aligned.channel, (EVALUATION, REPORTED)))
    return {int(aligned.series[event]): int(event) for event in at}


def direction(name: str) -> int:
    """Return 1 if more of a figure is better, -1 if less is, 0 if its name does not tell.

    Of a printed line the words before the number count: ``printed: loss # accuracy #[1]``.
    """
    text = name.lower()
    if "#" in text:
        ordinal = re.search(r"\[(\d+)\]$", text)
        parts = text.rpartition("[")[0].split("#") if ordinal else text.split("#")
        text = parts[min(int(ordinal[1]) if ordinal else 0, len(parts) - 1)]
        text = text.rpartition(",")[2]
    higher, lower = _HIGHER.search(text), _LOWER.search(text)
    if higher and lower:
        return 1 if higher.start() > lower.start() else -1
    return 1 if higher else -1 if lower else 0
