"""Judging a program under two sides, from the traces of its runs.

Outside half. Both sides once are enough where they are equal to the bit. Otherwise runs of the
baseline from weights changed by last bits tell what rounding does, and a run repeated unchanged
whether the program reproduces itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.errors import HarnessError, RecordError
from harness.programs.judging import causes, harm, phrases, structure
from harness.programs.judging.compared import OBSERVED, Compared, compare
from harness.programs.judging.structure import few
from harness.programs.judging.verdict import Cause, Judgement
from harness.programs.traces import distance
from harness.programs.traces.alignment import ABSENT, align
from harness.programs.traces.distance import is_identical
from harness.programs.traces.trace import (
    CHANNELS,
    DATA,
    GRADIENT,
    INITIALISATION,
    SCHEDULE,
    UPDATE,
    Trace,
)
from harness.words import counted

__all__ = ["is_identical", "judge", "problem"]
ROUNDING = 1e-4
"""Part of a tensor by which an unchanged run may be off, where it first is, by the order of sums;
beyond that it draws or reads something else."""
NOT_LOADED = "weights"
"""Code of the notes that say which weights could not be loaded."""


def judge(observed: Trace, baseline: Trace, perturbed: Sequence[Trace],
          repeated: Trace | None = None, loaded: Trace | None = None,
          again: Trace | None = None) -> Judgement:
    """Return the verdict on the observed side.

    Args:
        perturbed: runs of the baseline side from weights changed by last bits.
        repeated: the baseline side run once more, unchanged.
        loaded: the observed side run from the baseline's initial weights.
        again: the observed side from weights changed as those of ``perturbed[0]`` were; with
            ``loaded``, from the baseline's weights changed so.
    """
    stopped = problem(observed, baseline, repeated)
    if stopped is not None:
        return Judgement(problem=stopped)
    updates = observed.header.updates, baseline.header.updates
    if is_identical(observed, baseline):
        return Judgement(is_identical=True, compared=len(baseline), updates=updates,
                         notes=tuple(_told(observed, baseline)))
    first = compare(observed, baseline, perturbed, repeated, None if loaded else again)
    found = causes.find(first)
    begins = [cause for cause in found if cause.channel == "initialisation"]
    used, compared = observed, first
    if begins and loaded is not None:
        used = loaded
        compared = compare(loaded, baseline, perturbed, repeated, again)
        found = begins + causes.find(compared, skips_initialisation=True)
    one_sided, notes = structure.find(compared.aligned)
    runs = [*perturbed, *([] if repeated is None else [repeated])]
    told = tuple(_merge(found, one_sided))
    is_different = any(cause.verdict.is_difference for cause in told)
    return Judgement(
        told, tuple(_remarks(compared, observed, baseline, loaded, repeated) + notes),
        harm.weigh(used, baseline, runs, compared, _is_drawn(told, used is loaded))
        if is_different else None,
        compared=int((compared.aligned.places[OBSERVED] != ABSENT).sum()), updates=updates,
        chaotic_from=compared.allowance.chaotic_from,
        needs_weights=bool(begins) and loaded is None, chance=_chance(baseline, repeated))


def problem(observed: Trace, baseline: Trace, repeated: Trace | None = None
            ) -> HarnessError | None:
    """Return why nothing can be said of these runs, or None."""
    for side, trace in (("observed", observed), ("baseline", baseline)):
        if trace.failure:
            return HarnessError(f"the program failed on the {side} side", trace.where,
                                trace.failure.strip()[-300:], "run it there without the harness")
        if not trace.header.updates or not np.isin(trace.channel, (GRADIENT, UPDATE)).any():
            notes = "; ".join(note.text for note in trace.header.notes)
            return RecordError(
                f"the program trained nothing on the {side} side that could be recorded",
                trace.where, f"{trace.header.updates} updates, {len(trace)} events"
                + (f"; {notes[:300]}" if notes else ""),
                "mark the training by harness.watch(...), or see docs/programs.md")
    return None if repeated is None else _not_reproducible(baseline, repeated)


def _not_reproducible(baseline: Trace, repeated: Trace) -> HarnessError | None:
    """Return the error for a program that begins anew with every run."""
    aligned = align(baseline, [repeated])
    off = distance.measure(aligned, 0) > 0
    for channel, what in ((INITIALISATION, "initial weights"), (DATA, "data")):
        at = np.flatnonzero(off & (aligned.channel == channel))
        if at.size:
            return HarnessError(
                f"two unchanged runs of the baseline side have different {what}: nothing that "
                f"differs between the sides can be told from that", repeated.where,
                f"{few(aligned.text(event) for event in at[:100].tolist())}, first at step "
                f"{aligned.step[at[0]]}", "set the program's seeds, then the same command")
    return None


def _chance(baseline: Trace, repeated: Trace | None) -> float:
    """Return how far an unchanged run is off where it first differs; 0 if that is rounding."""
    found = None if repeated is None else _first_difference(baseline, repeated)
    return found[1] if found is not None and found[1] > ROUNDING else 0.0


def _merge(found: Sequence[Cause], one_sided: Sequence[Cause]) -> list[Cause]:
    """Return all causes in causal order; an update that follows from a gradient that is missing
    is no cause of its own."""
    rest, missing = list(found), list(one_sided)
    for i, cause in enumerate(missing):
        update = next((other for other in rest if other.channel == "update"
                       and other.step == cause.step and cause.channel == "gradient"), None)
        if update is not None:
            rest.remove(update)
            missing[i] = replace(
                cause, sentence=f"{cause.sentence} ({update.proof})", proof=update.proof,
                following={**update.following, "update": max(
                    update.alike + 1, update.following.get("update", 0))}, module=update.module,
                module_class=update.module_class, is_confirmed=update.is_confirmed)
    return sorted([*rest, *missing], key=lambda cause: (
        cause.step if cause.step is not None else -1, CHANNELS.index(cause.channel)))


def _is_drawn(found: Sequence[Cause], is_loaded: bool) -> bool:
    """Return whether the sides trained from other weights, on other data, with other masks or for
    another loss: then where the loss ends tells little."""
    return any(cause.kind == "random stream" or cause.channel in ("data", "loss")
               or (cause.channel == "initialisation" and not is_loaded) for cause in found)


def _remarks(compared: Compared, observed: Trace, baseline: Trace, loaded: Trace | None,
             repeated: Trace | None) -> list[str]:
    """Return what else is to be known, in sentences."""
    found, aligned = [], compared.aligned
    chance = None if repeated is None else _first_difference(baseline, repeated)
    if chance is not None:
        found.append(f"the baseline does not reproduce itself to the bit: {chance[0]}, "
                     f"{phrases.percent(chance[1])} off")
    volatile = compared.allowance.volatile
    if len(volatile):
        names = few(baseline.header.names[series % len(baseline.header.names)]
                    for series in volatile.tolist())
        found.append(f"not judged, since an unchanged run gives another value: {names}")
    if compared.allowance.start:
        found.append(f"initial weights or data differ by rounding of float32, "
                     f"{compared.allowance.start:.0e}: the rest is judged from there")
    if compared.allowance.chaotic_from is not None:
        found.append(f"from step {compared.allowance.chaotic_from} on, runs of the baseline from "
                     f"last bits are unlike: there only schedules, updates for their gradients, "
                     f"figures and the end of the loss are judged")
    noise = np.unique(aligned.name[compared.allowance.is_noise])
    if noise.size:
        found.append(f"{counted(len(noise), 'gradient')} of nothing but rounding, not judged: "
                     + few(baseline.header.names[name] for name in noise.tolist()))
    if not (aligned.channel == SCHEDULE).any():
        found.append("no learning rate was recorded")
    found += _told(observed, baseline)
    found += [note.text for note in loaded.header.notes if note.code == NOT_LOADED] \
        if loaded is not None else []
    return list(dict.fromkeys(found))


def _told(observed: Trace, baseline: Trace) -> list[str]:
    """Return what the recorder noted: of both sides, or of one."""
    mine, theirs = ([note.text for note in trace.header.notes] for trace in (observed, baseline))
    return [*(text for text in mine if text in theirs),
            *(f"on the observed side: {text}" for text in mine if text not in theirs),
            *(f"on the baseline's side: {text}" for text in theirs if text not in mine)]


def _first_difference(baseline: Trace, repeated: Trace) -> tuple[str, float] | None:
    """Return where an unchanged run first differs in what trains, and by how much; or None."""
    if is_identical(repeated, baseline):
        return None
    aligned = align(baseline, [repeated])
    off = ~distance.is_same(aligned, 0) & (aligned.places[0] != ABSENT)
    off &= aligned.channel <= UPDATE
    if not off.any():
        return None
    event = int(np.argmax(off))
    return (f"first at step {aligned.step[event]}, `{aligned.text(event)}`",
            float(distance.measure(aligned, 0)[event]))
