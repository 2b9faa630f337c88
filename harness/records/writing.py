"""Writing records: strict JSON that a program in any language can write.

Inside half: standard library and NumPy only. UTF-8; one field and one variant a line,
though any layout is read (``harness.store.reading.records``); numbers as the
shortest decimal that reads back to the same bits in the trajectory's precision; non-finite
ones as the strings "NaN", "Infinity", "-Infinity".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from harness.errors import RecordError
from harness.files import read_text, write_text
from harness.records.record import CURVES, Drops, Probes, Record, Trajectory, VariantRecord
from harness.words import number

FORMAT = 2
"""Version of the record format that is written."""
VARIANTS, END = '\n"variants":{\n', "\n}}\n"
"""What comes before the line of the first variant, and after that of the last."""
ROUNDED = ("scale", "spread", "mismatch")
"""What is an error, or moves with rounding, of what dropout does."""


def write(record: Record, path: Path) -> None:
    """Write a record atomically, one variant a line."""
    write_text(path, dumps(record))


def dumps(record: Record) -> str:
    """Return a record's JSON text."""
    return lay_out({"format": FORMAT}, record, {name: variant_text(variant)
                                                for name, variant in record.variants.items()})


def reopen(path: Path, form: int = FORMAT, holds: str = "variants") -> dict[str, Any]:
    """Return the JSON data of a record that this harness wrote here, to write it once more.

    Nothing is compared by it: whoever does reads with ``harness.store.reading.records``.

    Args:
        form: version of the format.
        holds: name of what it holds by variant.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is damaged, or of another format version.
    """
    try:
        data = json.loads(read_text(path), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise RecordError("not JSON: truncated or damaged", str(path), str(error)[:300]) from None
    if not isinstance(data, dict) or data.get("format") != form:
        raise RecordError("record of another format version", str(path))
    parts = data.get("provenance"), data.get(holds)
    if not all(isinstance(part, dict) for part in parts):
        raise RecordError(f"the record must hold provenance and {holds}", str(path))
    return data


def rewrite(data: dict[str, Any], path: Path) -> None:
    """Write the JSON data of a record as ``write`` writes a record."""
    record = Record(data["case"], data["environment"], data["provenance"], {})
    write_text(path, lay_out({"format": FORMAT}, record, {
        name: _compact(variant) for name, variant in data["variants"].items()}))


def lay_out(first: dict[str, Any], record: Record, variants: dict[str, str]) -> str:
    """Return the text of a record: one field a line, and then one variant a line.

    Args:
        first: fields that tell the format.
        variants: JSON texts by name.
    """
    head: dict[str, Any] = {**first, "case": record.case, "environment": record.environment,
                            "provenance": record.provenance}
    if record.accepted is not None:
        head["accepted"] = record.accepted
    lines = ",\n".join(f"{json.dumps(name)}:{text}" for name, text in variants.items())
    return "{" + ",\n".join(f"{json.dumps(key)}:{_compact(value)}"
                            for key, value in head.items()) + f",{VARIANTS}{lines}{END}"


def variant_text(variant: VariantRecord) -> str:
    """Return the JSON text of a variant, as it stands on its line."""
    return _compact(encode_variant(variant))


def find_key(text: bytes) -> str:
    """Return the key of a variant's text: the first 16 digits of its SHA-256."""
    return hashlib.sha256(text).hexdigest()[:16]


def key_of(data: Any) -> str:
    """Return the key of JSON data: two parts of records are the same to the bit if theirs is."""
    return find_key(_compact(data).encode("utf-8"))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


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
    numbers = np.asarray(values, dtype)
    shortest = numbers.tolist() if dtype == np.float64 else [float(str(one)) for one in numbers]
    return shortest if np.isfinite(numbers).all() else [number(value) for value in shortest]
