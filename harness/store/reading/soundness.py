"""What cannot be true of a record, whoever measured it; and how far it may judge itself.

Outside half. A record has its types when it comes here (``records``). What no training can
have left is refused: an error below 0, a metric above 1, a norm that is negative.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import RecordError
from harness.records.record import (
    CURVES,
    Drops,
    Fingerprint,
    NativeRun,
    Probes,
    Trajectory,
    VariantRecord,
)
from harness.vocabulary.case import CLAIMS, Case, DropsOut, Variant
from harness.vocabulary.checkpoint import is_name, parse
from harness.vocabulary.layers import Dropout, flat, parameter_names

WIDEST = 2.0
"""Times the reference's allowance at a checkpoint that a run's own one may count. Measured over
741,784 allowances of 57 environments on four machines, one of another architecture: at most
1.63, at a checkpoint of a chaotic trajectory, to which no two machines come quite alike."""
LONGEST = 100_000
"""Characters of what a framework raised."""
_HEX = re.compile(r"[0-9a-f]{64}\Z")


def check_provenance(provenance: Mapping[str, Any], accepted: Mapping[str, Any] | None,
                     where: str) -> None:
    """Refuse a provenance that cannot be.

    Raises:
        RecordError: a digest that is none, a time that is none, a duration that is negative.
    """
    require = _Required(where)
    require(_is_hash(provenance["data_sha256"]), "data_sha256 must be 64 digits of a SHA-256",
            provenance["data_sha256"])
    times = [("recorded", provenance.get("recorded")), ("at", (accepted or {}).get("at"))]
    for name, time in times:
        require(time is None or _is_time(time), f"{name} must be a time, ISO 8601, in UTC", time)
    seconds = provenance.get("seconds", 0)
    require(0 <= seconds < math.inf, "seconds must be a duration", seconds)


def check(case: Case, declared: Variant, steps: int, variant: VariantRecord, where: str) -> None:
    """Refuse a variant's measurements if they cannot be true.

    Args:
        steps: of every trajectory.

    Raises:
        RecordError: says what, and the number.
    """
    require = _Required(where)
    require(_is_hash(variant.weights_sha256), "weights_sha256 must be 64 digits of a SHA-256",
            variant.weights_sha256)
    for said in (variant.unsupported, variant.error):
        require(said is None or 0 < len(said) <= LONGEST, "a reason must say something", said)
    for precision, trajectory in variant.trajectories.items():
        _check_trajectory(trajectory, precision, steps, require)
    tensors = _tensors(declared, variant)
    for precision, probes in variant.probes.items():
        _check_probes(probes, precision, steps, tensors, require)
    claims = {claim for promise in case.promises for claim in CLAIMS.get(type(promise), ())}
    for precision, found in variant.invariances.items():
        require(not found or found.keys() == claims,
                f"{precision} invariances must be those that the case promises", sorted(found))
        require(all(value >= 0 for value in found.values()),
                f"{precision} invariances must not be negative, nor NaN", found)
    for precision, drops in variant.drops.items():
        _check_drops(case, declared, drops, precision, require)
    if variant.fingerprint is not None:
        _check_fingerprint(variant.fingerprint, require)


def check_native(case: Case, runs: Mapping[str, Sequence[NativeRun]], where: str) -> None:
    """Refuse native runs that cannot be true, or that the case does not have.

    Raises:
        RecordError: says what, and the number.
    """
    require = _Required(where)
    for name, found in runs.items():
        require(case.native is None or name in case.native.variants,
                f"the case {case.name} has no native runs of this variant", name)
        seeds = [run.seed for run in found]
        require(seeds == sorted(set(seeds)) and all(0 <= seed < 2**63 for seed in seeds),
                "seeds must ascend", seeds)
        for run in found:
            require(0 <= run.metric <= 1, "a metric must lie between 0 and 1", run.metric)
            require(not run.final_loss < 0, "a final loss must not be negative", run.final_loss)
            require(case.native is None
                    or run.trained == (run.metric >= case.native.trained.minimum),
                    "whether a run trained must follow from its metric", run)


def bound(variant: VariantRecord, reference: VariantRecord | None) -> VariantRecord:
    """Return a run's variant, its allowances no wider than the reference's let them be.

    A run learns them itself, at its own checkpoints; it must not excuse itself by them.

    Args:
        reference: the accepted one; None where there is none to go by.
    """
    if reference is None or not variant.probes:
        return variant
    probes = {precision: _bound(found, reference.probes.get(precision))
              for precision, found in variant.probes.items()}
    same = all(probes[precision] is found for precision, found in variant.probes.items())
    return variant if same else dataclasses.replace(variant, probes=probes)


def _bound(found: Probes, known: Probes | None) -> Probes:
    if known is None or known.tensors != found.tensors:
        return found
    allowances = {
        name: [min(own, WIDEST * other)
               for own, other in zip(values, known.allowances[name], strict=True)]
        if name in known.allowances else values for name, values in found.allowances.items()}
    return found if allowances == found.allowances else \
        dataclasses.replace(found, allowances=allowances)


class _Required:
    """Refuses what does not hold, at one place of a record."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __call__(self, holds: bool, words: str, found: object) -> None:
        if not holds:
            raise RecordError(f"this cannot be true: {words}", self.where, repr(found)[:200],
                              "measure or import it again")


def _check_trajectory(trajectory: Trajectory, precision: str, steps: int,
                      require: Callable[[bool, str, object], None]) -> None:
    for name in CURVES:
        curve = getattr(trajectory, name)
        if curve is None or (name, precision) == ("loss", "float64"):  # any number can be true
            continue
        numbers = np.asarray(curve, np.float64)
        require(precision == "float64" or _fits_float32(numbers),
                f"{precision} {name} must fit its precision", name)
        require(name == "loss" or not (numbers < 0).any(),
                f"{precision} {name} must not be negative", name)
    broken = trajectory.nonfinite_from
    require(broken is None or 0 <= broken < steps, "nonfinite_from must be a step", broken)
    _check_metrics(trajectory, precision, steps, require)
    if trajectory.envelope is not None:
        require(set(trajectory.envelope) == set(CURVES), "an envelope must be of every curve",
                sorted(trajectory.envelope))
        for name, curve in trajectory.envelope.items():
            numbers = np.asarray(curve, np.float64)
            require(bool((numbers >= 0).all() and (numbers[1:] >= numbers[:-1]).all()),
                    f"the envelope of {name} must be a running maximum", name)


def _check_metrics(trajectory: Trajectory, precision: str, steps: int,
                   require: Callable[[bool, str, object], None]) -> None:
    for table in (trajectory.metrics, trajectory.reported or {}):
        rows = list(table.get("step", ()))
        require({len(column) for column in table.values()} <= {len(rows)} and
                all(0 <= row <= steps and row == int(row) for row in rows) and
                all(low < high for low, high in itertools.pairwise(rows)),
                f"{precision} metrics must be of steps that ascend", rows)
    rows = list(trajectory.metrics.get("step", ()))
    require(rows[-1:] in ([], [steps]), f"{precision} metrics must end with the training", rows)
    require(set((trajectory.reported or {}).get("step", ())) <= set(rows),
            f"{precision} reported metrics must be of the steps of the others", rows)
    for name, column in trajectory.metrics.items():
        require(name == "step" or all(0 <= value <= 1 for value in column),
                f"{precision} {name} must lie between 0 and 1", column)


def _check_probes(probes: Probes, precision: str, steps: int, tensors: list[str],
                  require: Callable[[bool, str, object], None]) -> None:
    places = [tensors.index(name) if name in tensors else -1 for name in probes.tensors]
    require(bool(places) and places == sorted(set(places)) and places[0] == 0,
            f"{precision} probes must be of the variant's tensors, in the order of a step",
            probes.tensors)
    for name in probes.errors:
        require(is_name(name) and (parse(name).step or 0) < steps,
                f"{precision} probes must be of checkpoints", name)
        require(all(error >= 0 for error in probes.errors[name]),
                f"{precision} errors at {name} must not be negative, nor NaN", probes.errors[name])
        require(all(limit > 0 for limit in probes.allowances[name]),
                f"{precision} allowances at {name} must be more than 0", probes.allowances[name])


def _tensors(declared: Variant, variant: VariantRecord) -> list[str]:
    """Return what a probe of a variant can compare, in the order of a step."""
    if not variant.probes:
        return []
    names = [f"{layer}.{part}" for layer, part in parameter_names(declared.layers)]
    return ["outputs", "loss", "gradient of outputs",
            *(f"gradient of {name}" for name in reversed(names)),
            *(f"update of {name}" for name in names)]


def _check_fingerprint(found: Fingerprint,
                       require: Callable[[bool, str, object], None]) -> None:
    for name in ("weights_sha256", "order_sha256", "random_sha256"):
        require(_is_hash(getattr(found, name)), f"{name} must be 64 digits of a SHA-256", name)
    require(0 <= found.seed < 2**63, "a seed must be a natural number", found.seed)
    require(len(found.order) == len(found.presented),
            "there must be an order for every epoch", found.presented)
    require(all(0 <= index < 2**53 for row in (*found.order, found.presented) for index in row),
            "examples must be counted from 0", found.presented)
    for name, numbers in found.weights.items():
        require(len(numbers) == 3 and numbers[1] >= 0 and numbers[2] >= 1,
                f"{name} must have a mean, a deviation and a count", numbers)


def _check_drops(case: Case, declared: Variant, found: Drops, precision: str,
                 require: Callable[[bool, str, object], None]) -> None:
    rates = [layer.rate for layer in flat(declared.layers) if isinstance(layer, Dropout)]
    require(DropsOut() in case.promises and found.rate in rates,
            f"{precision} dropout must be what the case promises", found.rate)
    require(found.passes > 1 and found.count > 0 and found.count % found.passes == 0,
            f"{precision} dropout must be of as many units in every pass",
            (found.count, found.passes))
    require(len(found.first) <= found.count and set(found.first) <= {0, 1},
            f"{precision} dropout's first units must be kept or dropped", found.first)
    require(_is_hash(found.sha256), "sha256 must be 64 digits of a SHA-256", found.sha256)
    for name in ("dropped", "agreeing"):
        require(0 <= getattr(found, name) <= 1, f"{precision} {name} must be a share",
                getattr(found, name))
    for name in ("spread", "mismatch"):
        require(getattr(found, name) >= 0, f"{precision} {name} must not be negative, nor NaN",
                getattr(found, name))


def _fits_float32(numbers: NDArray[Any]) -> bool:
    finite = numbers[np.isfinite(numbers)]
    return not finite.size or float(np.abs(finite).max()) <= float(np.finfo(np.float32).max)


def _is_hash(text: object) -> bool:
    return isinstance(text, str) and bool(_HEX.match(text))


def _is_time(text: object) -> bool:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return False
    return found.utcoffset() is not None
