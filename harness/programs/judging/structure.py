"""What only one side has: events, hyperparameters, updates, another element type.

Outside half. None of it ends a comparison; what both sides have is judged beside it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from harness import words
from harness.compare.checks.finding import Verdict
from harness.programs.judging.compared import OBSERVED
from harness.programs.judging.verdict import Cause
from harness.programs.traces.alignment import ABSENT, Alignment, Indices
from harness.programs.traces.trace import (
    CHANNELS,
    DATA,
    EVALUATION,
    FORWARD,
    GRADIENT,
    INITIALISATION,
    LOSS,
    UPDATE,
    Trace,
)

SAID = 3
"""Names that are said; the rest is counted."""
TELLING = (INITIALISATION, LOSS, GRADIENT, UPDATE, EVALUATION)
"""Channels in which an event on one side only is a difference by itself. Modules, batches,
hyperparameters and printed lines come and go with versions, and what they do shows elsewhere."""


def find(aligned: Alignment) -> tuple[list[Cause], list[str]]:
    """Return what is on one side only: as causes, and what is only said."""
    observed, baseline = aligned.others[OBSERVED], aligned.baseline
    causes, notes = [], [renaming.sentence for renaming in aligned.renamings]
    common = min(observed.header.updates, baseline.header.updates)
    missing = aligned.order[aligned.places[OBSERVED] == ABSENT]
    sides = (("baseline", baseline, missing), ("observed", observed, aligned.extra[OBSERVED]))
    if observed.header.updates != baseline.header.updates:
        causes.append(Cause(
            "update", "structure", Verdict.DRIFT, step=common,
            sentence=f"the observed side makes {observed.header.updates} updates, the baseline "
                     f"{baseline.header.updates}"))
    for side, trace, events in sides:
        inside = events[(trace.step[events] < common) | ~np.isin(
            trace.channel[events], (FORWARD, LOSS, GRADIENT, UPDATE, DATA))]
        for channel in np.unique(trace.channel[inside]).tolist():
            chosen = inside[trace.channel[inside] == channel]
            sentence = _sentence(trace, chosen, CHANNELS[channel], side)
            if channel in TELLING and observed.header.updates == baseline.header.updates:
                causes.append(_cause(trace, chosen, CHANNELS[channel], sentence))
            else:
                notes.append(sentence)
    return causes + _other_types(aligned), notes


def _cause(trace: Trace, events: Indices, channel: str, sentence: str) -> Cause:
    first = events[np.lexsort((events, trace.step[events]))[0]]
    return Cause(channel, "structure", Verdict.DRIFT, step=int(trace.step[first]),
                 tensor=trace.header.names[trace.name[first]],
                 occurrence=int(trace.occurrence[first]), sentence=sentence,
                 alike=len(np.unique(trace.name[events])) - 1)


def _sentence(trace: Trace, events: Indices, channel: str, side: str) -> str:
    first = int(trace.step[events].min())
    names = few(trace.header.names[name] for name in np.unique(trace.name[events]).tolist())
    repeated = "" if not (trace.occurrence[events] > 0).all() else " (more often in a step)"
    return f"{channel} on the {side} side only{repeated}, from step {first}: {names}"


def _other_types(aligned: Alignment) -> list[Cause]:
    """Return the channels in which tensors have another floating type."""
    mine, theirs = aligned.others[OBSERVED], aligned.baseline
    there = aligned.places[OBSERVED] != ABSENT
    names = np.array([*mine.header.dtypes, ""]), np.array([*theirs.header.dtypes, ""])
    observed = names[0][aligned.column("dtype", OBSERVED)]
    baseline = names[1][aligned.column("dtype")]
    is_other = there & (observed != baseline) & (aligned.column("size") > 0)
    is_other &= np.char.find(observed, "float") >= 0
    is_other &= np.isin(aligned.channel, (FORWARD, LOSS, GRADIENT, UPDATE))
    causes = []
    for channel in np.unique(aligned.channel[is_other]).tolist():
        at = np.flatnonzero(is_other & (aligned.channel == channel))
        first = int(at[0])
        count = len(np.unique(aligned.name[at]))
        causes.append(Cause(
            CHANNELS[channel], "precision", Verdict.DRIFT, step=int(aligned.step[first]),
            tensor=aligned.text(first), occurrence=int(aligned.column("occurrence")[first]),
            alike=count - 1,
            sentence=f"{CHANNELS[channel]} of `{aligned.text(first)}` at step "
                     f"{aligned.step[first]} is {observed[first]} rather than {baseline[first]}"
                     + (f", and so are {count - 1} more" if count > 1 else "")))
    return causes[:1]


def few(names: Iterable[str]) -> str:
    """Return the first of different names, and the number of the others."""
    return words.few([f"`{name}`" for name in dict.fromkeys(names)], SAID)

