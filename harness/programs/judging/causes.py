"""The causes of what is off: the first event in causal order, and what follows from it.

Outside half. In a step data come before the forward pass, that before the loss, the gradient and
the update; an update reaches every later step. What a program only reports reaches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from harness.compare.checks.finding import Verdict
from harness.programs.judging import patterns, phrases
from harness.programs.judging.compared import CORE, OBSERVED, Compared
from harness.programs.judging.verdict import Cause
from harness.programs.traces.distance import Flags
from harness.programs.traces.trace import (
    CHANNELS,
    DATA,
    EVALUATION,
    FORWARD,
    GRADIENT,
    INITIALISATION,
    LOSS,
    REPORTED,
    SCHEDULE,
    UPDATE,
)
from harness.words import counted

PARALLEL = (INITIALISATION, SCHEDULE, GRADIENT, UPDATE)
"""Channels in which tensors of one step are off beside each other, not one after the other."""
DRAWN = 0.05
"""Distance above which the output of a module that drops out is another draw, no rounding."""
_DROPS = re.compile(r"Drop|GaussianNoise")


def find(compared: Compared, skips_initialisation: bool = False) -> list[Cause]:
    """Return one cause for everything that is off, in causal order.

    Args:
        skips_initialisation: of a run that began with the baseline's weights.
    """
    channel, off = compared.aligned.channel, compared.is_off.copy()
    causes: list[Cause] = []
    if skips_initialisation:
        off &= channel != INITIALISATION
    first = _first(off & (channel == INITIALISATION))
    if first is not None:
        return [_initialisation(compared, off, first)]
    first = _first(off & (channel == DATA))
    if first is not None:
        causes.append(_data(compared, off, first))
        off &= compared.aligned.step < compared.aligned.step[first]
    schedule = _first(off & (channel == SCHEDULE))
    if schedule is not None:
        causes.append(_cause(compared, off, schedule))
    core = _first(off & np.isin(channel, CORE))
    is_explained = core is not None and schedule is not None and _follows(compared, core, schedule)
    if core is not None and not is_explained:
        causes.append(_cause(compared, off, _shown(compared, off, core)))
    relation = _relation(compared, core, schedule,
                         compared.aligned.step[first] if first is not None else None)
    causes += [] if relation is None else [relation]
    causes += _reports(compared, off, core, schedule)
    return sorted(causes, key=lambda cause: (cause.step if cause.step is not None else -1,
                                             CHANNELS.index(cause.channel)))


def _first(off: Flags) -> int | None:
    return int(np.argmax(off)) if off.any() else None


def _follows(compared: Compared, core: int, schedule: int) -> bool:
    """Return whether an event comes after a schedule that is off: its update, or a later step."""
    aligned = compared.aligned
    at, since = int(aligned.step[core]), int(aligned.step[schedule])
    return at > since or (at == since and int(aligned.channel[core]) == UPDATE)


def _shown(compared: Compared, off: Flags, first: int) -> int:
    """Return the event to show: of updates in one step, which nothing orders, the largest."""
    aligned = compared.aligned
    if aligned.channel[first] != UPDATE:
        return first
    at = np.flatnonzero(off & (aligned.step == aligned.step[first]) & (aligned.channel == UPDATE))
    return int(at[np.argmax(compared.excess[at])])


def _cause(compared: Compared, off: Flags, event: int) -> Cause:
    """Return the cause that an event shows."""
    aligned = compared.aligned
    channel, step = int(aligned.channel[event]), int(aligned.step[event])
    mine = aligned.column("sketch", OBSERVED)[event]
    theirs = aligned.column("sketch")[event]
    sizes = int(aligned.column("size", OBSERVED)[event]), int(aligned.column("size")[event])
    size = sizes[1]
    tensor = aligned.text(event)
    module = aligned.baseline.header.tensors.get(tensor, "")
    kind = aligned.baseline.header.modules.get(module, "")
    factor = patterns.factor(mine, theirs) if size and sizes[0] == size else None
    deviation = float(compared.off[event]) if factor is None else abs(factor - 1)
    same_place = off & (aligned.step == step) & (aligned.channel == channel)
    alike = len(np.unique(aligned.name[same_place])) - 1 if channel in PARALLEL else 0
    is_draw = channel == FORWARD and bool(_DROPS.search(kind)) and deviation > DRAWN \
        and ":input[" not in tensor  # what goes in was not drawn there
    ratio = _common_factor(compared, same_place) if channel == GRADIENT else None
    cause = Cause(
        CHANNELS[channel], "random stream" if is_draw else "value", Verdict.DRIFT, "", step,
        tensor, module, kind, int(aligned.column("occurrence")[event]), deviation,
        float(compared.allowance.limit[event]),
        factor, ratio or patterns.describe(mine, theirs, sizes),
        None if size else float(mine[0]), None if size else float(theirs[0]), alike,
        _following(compared, off, event), _proof(compared, event),
        True if compared.is_again else None)
    return with_sentence(cause)


def with_sentence(cause: Cause) -> Cause:
    """Return a cause with its sentence made of its parts."""
    where = phrases.place(cause.channel, cause.tensor, cause.step)
    off = phrases.percent(cause.deviation or 0.0)
    size = f"{off} off" if np.isfinite(cause.deviation or 0.0) else \
        "" if cause.pattern else "another shape, or not finite"
    if cause.observed is not None and cause.baseline is not None:
        size = phrases.rather(cause.observed, cause.baseline) + (
            f", {off} off" if np.isfinite(cause.deviation or 0.0) else "")
    if cause.kind == "random stream":
        size = f"another random stream of {cause.module_class} `{cause.module}`"
    brackets = f" ({cause.proof})" if cause.proof else ""
    pattern = cause.pattern if cause.kind != "random stream" else ""
    size = ", ".join(part for part in (size, pattern) if part)
    more = f", and so {'is' if cause.alike == 1 else 'are'} " \
           f"{counted(cause.alike, 'other tensor')}" if cause.alike else ""
    return replace(cause, sentence=f"{where}: {size}{brackets}{more}")


def _common_factor(compared: Compared, at: Flags) -> str:
    """Return that all gradients of a step have one factor, if they have."""
    aligned = compared.aligned
    mine, theirs = aligned.column("sketch", OBSERVED)[at], aligned.column("sketch")[at]
    factors = [patterns.factor(a, b) for a, b in zip(mine[:64], theirs[:64], strict=True)]
    known = [factor for factor in factors if factor is not None]
    if len(known) < max(2, len(factors)) or np.ptp(known) > patterns.AGREE * abs(known[0] - 1):
        return ""
    return f"every gradient that is off {patterns.times(float(np.median(known)))} the baseline's"


def _following(compared: Compared, off: Flags, event: int) -> Mapping[str, int]:
    """Return by channel how many tensors are off after an event."""
    aligned = compared.aligned
    later = off.copy()
    later[:event + 1] = False
    if int(aligned.channel[event]) in PARALLEL:
        later &= (aligned.step > aligned.step[event]) | (aligned.channel != aligned.channel[event])
    return {CHANNELS[channel]: len(np.unique(aligned.name[later & (aligned.channel == channel)]))
            for channel in np.unique(aligned.channel[later]).tolist()}


def _proof(compared: Compared, event: int) -> str:
    """Return what comes before an event and is equal: that the difference begins there."""
    aligned = compared.aligned
    step, channel = aligned.step[event], int(aligned.channel[event])
    if channel not in CORE:
        return ""
    before = np.zeros(len(aligned), bool)
    before[:event] = True
    if channel == UPDATE:
        before &= aligned.channel < channel
    told = []
    for kind in (INITIALISATION, DATA, FORWARD, LOSS, GRADIENT):
        at = before & (aligned.channel == kind) & (aligned.step == step)
        at &= ~np.isnan(compared.off)
        if at.any():
            told.append(_agreement(compared, at, kind, kind == channel))
    exact = [word for word, size in told if not size]
    near = [word for word, size in told if size]
    largest = max((size for _, size in told), default=0.0)
    parts = [f"{_listed(exact)} equal to the bit"] if exact else []
    parts += [f"{_listed(near)} equal within rounding, {largest:.0e}"] if near else []
    return "; ".join(parts)


def _agreement(compared: Compared, at: Flags, kind: int, is_own: bool) -> tuple[str, float]:
    """Return what a channel's events before are called, and by how much they differ at most."""
    word = {INITIALISATION: "initial weights", DATA: "data", FORWARD: "forward pass",
            LOSS: "loss", GRADIENT: "gradients"}[kind]
    if is_own:
        word = {FORWARD: "every tensor before", GRADIENT: "gradients of later layers",
                LOSS: "the losses before"}[kind]
    size = float(np.nanmax(np.where(compared.is_same[at], 0.0, compared.off[at])))
    return word, size


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _initialisation(compared: Compared, off: Flags, event: int) -> Cause:
    aligned = compared.aligned
    at = np.flatnonzero(off & (aligned.channel == INITIALISATION))
    cause = _cause(compared, off, event)
    pattern = "" if (cause.deviation or 0.0) < patterns.DRAWN else patterns.draw(
        aligned.column("sketch", OBSERVED)[at, 0], aligned.column("sketch")[at, 0],
        aligned.column("size")[at].astype(float))
    return with_sentence(replace(cause, step=None, pattern=cause.pattern or pattern, following={}))


def _data(compared: Compared, off: Flags, event: int) -> Cause:
    """Return that data differ, and whether they are the same in another order."""
    aligned = compared.aligned
    cause = _cause(compared, off, event)
    same = (aligned.channel == DATA) & (aligned.name == aligned.name[event])
    mine = np.sort(aligned.column("digest", OBSERVED)[same])
    theirs = np.sort(aligned.column("digest")[same])
    pattern = cause.pattern
    if len(mine) > 1 and np.array_equal(mine, theirs):
        pattern = "the same batches in another order"
    return with_sentence(replace(cause, pattern=pattern))


def _relation(compared: Compared, core: int | None, schedule: int | None,
              data_step: int | None) -> Cause | None:
    """Return an update that its gradient does not lead to, where no tensor alone tells it.

    Beyond the horizon of chaos tensors are unlike, but not what an update makes of a gradient.
    """
    aligned, relation = compared.aligned, compared.relation
    off = relation.off > relation.limit
    off &= ~compared.allowance.is_noise[relation.events]
    step = aligned.step[relation.events]
    if schedule is not None:
        off &= step < aligned.step[schedule]
    if data_step is not None:
        off &= step < data_step
    if core is not None:
        off &= step < aligned.step[core]
    if not off.any():
        return None
    first = step == step[np.argmax(off)]
    at = np.flatnonzero(off & first)
    shown = int(at[np.argmax(relation.off[at] / relation.limit[at])])
    event = int(relation.events[shown])
    tensor = aligned.text(event)
    module = aligned.baseline.header.tensors.get(tensor, "")
    size = float(np.expm1(relation.off[shown]))
    more = f", and so {'is' if len(at) == 2 else 'are'} " \
           f"{counted(len(at) - 1, 'other tensor')}" if len(at) > 1 else ""
    return Cause(
        "update", "relation", Verdict.DRIFT,
        f"{phrases.place('update', tensor, int(aligned.step[event]))}: {phrases.percent(size)} "
        f"off, relative to its gradient{more}", int(aligned.step[event]), tensor, module,
        aligned.baseline.header.modules.get(module, ""), 0, size, float(relation.limit[shown]),
        alike=len(at) - 1, following={"update": len(np.unique(
            aligned.name[relation.events[off]]))}, proof="",
        is_confirmed=True if compared.is_again else None)


def _reports(compared: Compared, off: Flags, core: int | None,
             schedule: int | None) -> list[Cause]:
    """Return what is evaluated or reported otherwise although training is the same up to there."""
    aligned = compared.aligned
    since = min((int(aligned.step[event]) for event in (core, schedule) if event is not None),
                default=None)
    causes: list[Cause] = []
    for channel in (EVALUATION, REPORTED):
        at = off & (aligned.channel == channel)
        if since is not None:
            at &= aligned.step <= since if _reaches_later(compared, core) else \
                aligned.step < since
        event = _first(at)
        if event is not None and not (channel == REPORTED and any(
                cause.channel == "evaluation" for cause in causes)):
            causes.append(_cause(compared, at, event))
    return causes


def _reaches_later(compared: Compared, core: int | None) -> bool:
    """Return whether what is off reaches the weights of its own step only by an update."""
    return core is None or int(compared.aligned.channel[core]) in (GRADIENT, UPDATE)
