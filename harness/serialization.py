"""Records as files: strict JSON that a program in any language can write.

Inside half: standard library and NumPy only. UTF-8; numbers as the shortest
decimal that reads back to the same bits in the trajectory's precision;
non-finite ones as the strings "NaN", "Infinity", "-Infinity".
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, Callable

import numpy as np

from harness.errors import MissingRecordError, RecordError
from harness.files import write_text
from harness.record import CURVES, Record, Trajectory, VariantRecord

FORMAT = 1
"""Version of the record format; a reader accepts its own only."""
_NAME = re.compile(r"^[a-z][a-z0-9_]*(-[0-9A-Za-z][0-9A-Za-z.+_]*)?$")
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def write(record: Record, path: Path) -> None:
    """Write a record atomically, one variant a line."""
    write_text(path, dumps(record))


def dumps(record: Record) -> str:
    """Return a record's JSON text."""
    head: dict[str, Any] = {"format": FORMAT, "case": record.case,
                            "environment": record.environment, "provenance": record.provenance}
    if record.accepted is not None:
        head["accepted"] = record.accepted
    variants = ",\n".join(f"{json.dumps(name)}:{_compact(_encode_variant(variant))}"
                          for name, variant in record.variants.items())
    fields = "".join(f"{json.dumps(key)}:{_compact(value)},\n" for key, value in head.items())
    return "{" + fields + '"variants":{\n' + variants + "\n}}\n"


def read(path: Path) -> Record:
    """Read and check a record.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is truncated, malformed, or of another format version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingRecordError("no such record", str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"unreadable record: {error}", str(path)) from None
    return loads(text, str(path))


def loads(text: str, where: str) -> Record:
    """Return the record in a JSON text; ``where`` names it in errors."""
    def refuse(constant: str) -> float:
        raise RecordError(f"bare {constant} is not JSON; write it as a string", where)

    try:
        data = json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise RecordError("not JSON: truncated or damaged", where, str(error),
                          "measure or import it again") from None
    except RecursionError:
        raise RecordError("nested too deeply to be a record", where) from None
    return _decode(data, _Reader(where))


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _encode_variant(variant: VariantRecord) -> dict[str, Any]:
    data: dict[str, Any] = {"weights_sha256": variant.weights_sha256}
    for reason in ("unsupported", "error"):
        if getattr(variant, reason) is not None:
            data[reason] = getattr(variant, reason)
    if variant.trajectories:
        data["trajectories"] = {precision: _encode_trajectory(trajectory, np.dtype(precision))
                                for precision, trajectory in variant.trajectories.items()}
    return data


def _encode_trajectory(trajectory: Trajectory, dtype: np.dtype) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name in CURVES:
        curve = getattr(trajectory, name)
        if curve is not None:
            data[name] = _encode_curve(curve, dtype)
    data["metrics"] = {name: [int(value) for value in values] if name == "step"
                       else _encode_curve(values, np.dtype("float64"))
                       for name, values in trajectory.metrics.items()}
    data["nonfinite_from"] = trajectory.nonfinite_from
    if trajectory.envelope is not None:
        data["envelope"] = {name: _encode_curve(curve, np.dtype("float32"))
                            for name, curve in trajectory.envelope.items()}
    return data


def _encode_curve(values: list[float], dtype: np.dtype) -> list[Any]:
    shortest = [float(str(value)) for value in np.asarray(values, dtype)]
    return [value if math.isfinite(value) else
            "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            for value in shortest]


class _Reader:
    """Typed access to untrusted JSON; every error names the place."""

    def __init__(self, where: str) -> None:
        self.where = where

    def get(self, data: Any, key: str, kind: Any, path: str) -> Any:
        if not isinstance(data, dict):
            raise RecordError(f"{path or 'record'} must be an object", self.where)
        value = data.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            expected = getattr(kind, "__name__", "number or null")
            raise RecordError(f"{path}{key} must be a {expected}", self.where,
                              f"{type(value).__name__}: {str(value)[:80]!r}")
        return value

    def curve(self, data: Any, key: str, path: str) -> list[float]:
        values = self.get(data, key, list, path)
        for index, value in enumerate(values):
            if type(value) is not float or not math.isfinite(value):
                values[index] = self._number(value, f"{path}{key}[{index}]")
        return values  # type: ignore[no-any-return]

    def _number(self, value: Any, path: str) -> float:
        if isinstance(value, str) and value in _NON_FINITE:
            return _NON_FINITE[value]
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            return float(value)
        raise RecordError(f"{path} must be a number", self.where, repr(value)[:80])

    def mapping(self, data: Any, key: str, path: str,
                decode: Callable[[Any, str], Any]) -> dict[str, Any]:
        children = self.get(data, key, dict, path)
        return {name: decode(child, f"{path}{key}.{name}.") for name, child in children.items()}


def _decode(data: Any, reader: _Reader) -> Record:
    found = reader.get(data, "format", int, "")
    if found != FORMAT:
        raise RecordError("record of another format version", reader.where,
                          f"format {found}, this harness reads {FORMAT}", "measure it again")
    environment = reader.get(data, "environment", str, "")
    if not _NAME.match(environment):
        raise RecordError("environment must be a name such as torch-2.13.0", reader.where,
                          repr(environment)[:80])
    provenance = reader.get(data, "provenance", dict, "")
    reader.get(provenance, "data_sha256", str, "provenance.")
    return Record(
        case=reader.get(data, "case", str, ""),
        environment=environment,
        provenance=provenance,
        variants=reader.mapping(data, "variants", "",
                                lambda child, path: _decode_variant(child, path, reader)),
        accepted=reader.get(data, "accepted", dict, "") if "accepted" in data else None,
    )


def _decode_variant(data: Any, path: str, reader: _Reader) -> VariantRecord:
    variant = VariantRecord(reader.get(data, "weights_sha256", str, path))
    for reason in ("unsupported", "error"):
        if reason in data:
            setattr(variant, reason, reader.get(data, reason, str, path))
            return variant
    variant.trajectories = reader.mapping(
        data, "trajectories", path, lambda child, where: _decode_trajectory(child, where, reader))
    return variant


def _decode_trajectory(data: Any, path: str, reader: _Reader) -> Trajectory:
    loss = reader.curve(data, "loss", path)
    if not loss:
        raise RecordError(f"{path}loss holds no step", reader.where)
    optional = {name: reader.curve(data, name, path) for name in CURVES[1:] if name in data}
    for name, curve in optional.items():
        if len(curve) != len(loss):
            raise RecordError(f"{path}{name} must be as long as the loss", reader.where,
                              f"{len(curve)} against {len(loss)}")
    metrics = reader.get(data, "metrics", dict, path)
    envelope = reader.get(data, "envelope", dict, path) if "envelope" in data else None
    return Trajectory(
        loss=loss,
        metrics={name: reader.curve(metrics, name, f"{path}metrics.") for name in metrics},
        nonfinite_from=reader.get(data, "nonfinite_from", (int, type(None)), path),
        envelope=None if envelope is None else
        {name: reader.curve(envelope, name, f"{path}envelope.") for name in envelope},
        **optional,
    )
