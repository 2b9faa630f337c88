"""A variant's measurements as JSON data.

Inside half: standard library and NumPy only. Numbers as the shortest decimal that reads
back to the same bits in the trajectory's precision; non-finite ones as the strings "NaN",
"Infinity", "-Infinity".
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, Mapping, Sequence

import numpy as np

from harness.record import CURVES, Drops, Probes, Trajectory, VariantRecord

ROUNDED = ("scale", "spread", "mismatch")
"""What is an error, or moves with rounding, of what dropout does."""


def encode_variant(variant: VariantRecord) -> dict[str, Any]:
    """Return a variant as JSON data."""
    data: dict[str, Any] = {"weights_sha256": variant.weights_sha256}
    for reason in ("unsupported", "error"):
        if getattr(variant, reason) is not None:
            data[reason] = getattr(variant, reason)
    if variant.trajectories:
        data["trajectories"] = {precision: _encode_trajectory(trajectory, np.dtype(precision))
                                for precision, trajectory in variant.trajectories.items()}
    if variant.probes:
        data["probes"] = {precision: _encode_probes(probes)
                          for precision, probes in variant.probes.items()}
    if variant.invariances:
        data["invariances"] = {precision: {claim: _rounded(value) for claim, value in found.items()}
                               for precision, found in variant.invariances.items()}
    if variant.fingerprint is not None:
        data["fingerprint"] = asdict(variant.fingerprint)
    if variant.drops:
        data["drops"] = {precision: _encode_drops(drops)
                         for precision, drops in variant.drops.items()}
    return data


def _encode_drops(drops: Drops) -> dict[str, Any]:
    data = {**asdict(drops), **{name: _rounded(getattr(drops, name)) for name in ROUNDED}}
    return {name: value for name, value in data.items() if value is not None}


def _encode_probes(probes: Probes) -> dict[str, Any]:
    return {"tensors": probes.tensors,
            **{part: {checkpoint: [_rounded(value) for value in values]
                      for checkpoint, values in getattr(probes, part).items()}
               for part in ("errors", "allowances")}}


def _rounded(value: float) -> Any:
    """Return three significant digits: the size of an error, not a measured value."""
    return encode_curve([float(f"{value:.3g}")], np.dtype("float64"))[0]


def _encode_trajectory(trajectory: Trajectory, dtype: np.dtype) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name in CURVES:
        curve = getattr(trajectory, name)
        if curve is not None:
            data[name] = encode_curve(curve, dtype)
    data["metrics"] = _encode_table(trajectory.metrics)
    if trajectory.reported is not None:
        data["reported"] = _encode_table(trajectory.reported)
    data["nonfinite_from"] = trajectory.nonfinite_from
    if trajectory.envelope is not None:
        data["envelope"] = {name: encode_curve(curve, np.dtype("float32"))
                            for name, curve in trajectory.envelope.items()}
    return data


def _encode_table(table: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    return {name: [int(value) for value in values] if name == "step"
            else encode_curve(values, np.dtype("float64")) for name, values in table.items()}


def encode_curve(values: Sequence[float], dtype: np.dtype) -> list[Any]:
    """Return the shortest decimals of a precision, strings for what is not finite."""
    shortest = [float(str(value)) for value in np.asarray(values, dtype)]
    return [value if math.isfinite(value) else
            "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            for value in shortest]
