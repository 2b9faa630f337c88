"""A variant's measurements as JSON data, and back.

Inside half: standard library and NumPy only. Numbers as the shortest decimal that reads
back to the same bits in the trajectory's precision; non-finite ones as the strings "NaN",
"Infinity", "-Infinity".
"""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from typing import Any, Mapping, Sequence

import numpy as np

from harness.errors import RecordError
from harness.native import Fingerprint
from harness.reader import Reader
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


def decode_variant(data: Any, path: str, reader: Reader) -> VariantRecord:
    """Return the variant in JSON data.

    Args:
        path: of the data in its record, for errors.

    Raises:
        RecordError: a field is missing or of another type.
    """
    variant = VariantRecord(reader.get(data, "weights_sha256", str, path))
    for reason in ("unsupported", "error"):
        if reason in data:
            setattr(variant, reason, reader.get(data, reason, str, path))
            return variant
    variant.trajectories = reader.mapping(
        data, "trajectories", path, lambda child, where: _decode_trajectory(child, where, reader))
    if "probes" in data:
        variant.probes = reader.mapping(
            data, "probes", path, lambda child, where: _decode_probes(child, where, reader))
    if "invariances" in data:
        variant.invariances = reader.mapping(data, "invariances", path, reader.numbers)
    if "fingerprint" in data:
        variant.fingerprint = _decode_fingerprint(data["fingerprint"], path, reader)
    if "drops" in data:
        variant.drops = reader.mapping(data, "drops", path,
                                       lambda child, where: _decode_drops(child, where, reader))
    return variant


def _decode_probes(data: Any, path: str, reader: Reader) -> Probes:
    tensors = reader.get(data, "tensors", list, path)
    parts = {}
    for part in ("errors", "allowances"):
        children = reader.get(data, part, dict, path)
        parts[part] = {name: list(reader.curve(children, name, f"{path}{part}."))
                       for name in children}
    lengths = {len(values) for children in parts.values() for values in children.values()}
    if lengths - {len(tensors)} or parts["errors"].keys() != parts["allowances"].keys():
        raise RecordError(f"{path}errors and allowances must have a number for every tensor",
                          reader.where)
    return Probes([str(name) for name in tensors], **parts)


def _decode_fingerprint(data: Any, path: str, reader: Reader) -> Fingerprint:
    number = (int, float)
    kinds = {"int": int, "str": str, "float": number, "float | None": (*number, type(None))}
    found = {field.name: reader.get(data, field.name,
                                    kinds.get(str(field.type), (dict, list)), f"{path}fingerprint.")
             for field in fields(Fingerprint)}
    return Fingerprint(**found)


def _decode_drops(data: Any, path: str, reader: Reader) -> Drops:
    kinds = {"int": int, "str": str, "list[int]": list}
    found: dict[str, Any] = {field.name: reader.get(data, field.name, kinds[str(field.type)], path)
                             for field in fields(Drops) if field.type in kinds}
    if "host" in data:
        found["host"] = reader.get(data, "host", str, path)
    numbers = [field.name for field in fields(Drops) if field.type == "float"]
    found.update(reader.numbers({name: data.get(name) for name in numbers}, path))
    return Drops(**found)


def _decode_trajectory(data: Any, path: str, reader: Reader) -> Trajectory:
    loss = reader.curve(data, "loss", path)
    if not loss:
        raise RecordError(f"{path}loss holds no step", reader.where)
    optional = {name: reader.curve(data, name, path) for name in CURVES[1:] if name in data}
    for name, curve in optional.items():
        if len(curve) != len(loss):
            raise RecordError(f"{path}{name} must be as long as the loss", reader.where,
                              f"{len(curve)} against {len(loss)}")
    return Trajectory(
        loss=loss,
        metrics=reader.curves(data, "metrics", path),
        reported=reader.curves(data, "reported", path) if "reported" in data else None,
        nonfinite_from=reader.get(data, "nonfinite_from", (int, type(None)), path),
        envelope=reader.curves(data, "envelope", path) if "envelope" in data else None,
        **optional,
    )
