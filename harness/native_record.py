"""The record of native runs: one environment on one case, many seeds, one JSON file.

Inside half: standard library and NumPy only. Apart from ``harness.record``, since native
runs take minutes and are measured, and accepted, on another occasion. Columns over seeds;
numbers that are not finite as the record's strings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from harness.encoding import encode_curve
from harness.errors import MissingRecordError, RecordError
from harness.files import write_text
from harness.native import NativeRun
from harness.reader import Reader, parse

FORMAT = 1
"""Version of this record's format."""
COLUMNS = tuple(column.name for column in fields(NativeRun))


@dataclass
class NativeRecord:
    """Native runs of one environment on one case.

    Args:
        runs: by variant, one for every seed, in the order of seeds.
        accepted: reason and time of acceptance; baselines only.
    """

    case: str
    environment: str
    provenance: dict[str, Any]
    runs: dict[str, list[NativeRun]] = field(default_factory=dict)
    accepted: dict[str, Any] | None = None


def write(record: NativeRecord, path: Path) -> None:
    """Write a record atomically, one variant a line."""
    head = {"format": FORMAT, "case": record.case, "environment": record.environment,
            "provenance": record.provenance}
    head.update({} if record.accepted is None else {"accepted": record.accepted})
    lines = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in head.items()]
    runs = ",\n".join(f"{json.dumps(name)}:{json.dumps(_encode(runs), allow_nan=False)}"
                      for name, runs in record.runs.items())
    write_text(path, "{" + ",\n".join(lines) + ',\n"runs":{\n' + runs + "\n}}\n")


def read(path: Path) -> NativeRecord:
    """Read and check a record.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is damaged, or of another format version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingRecordError("no native runs", str(path)) from None
    reader, data = Reader(str(path)), parse(text, str(path))
    if reader.get(data, "format", int, "") != FORMAT:
        raise RecordError("native runs of another format version", str(path),
                          f"this harness reads {FORMAT}", "measure them again")
    return NativeRecord(
        reader.get(data, "case", str, ""), reader.get(data, "environment", str, ""),
        reader.get(data, "provenance", dict, ""),
        reader.mapping(data, "runs", "", lambda child, where: _decode(child, where, reader)),
        reader.get(data, "accepted", dict, "") if "accepted" in data else None)


def _encode(runs: list[NativeRun]) -> dict[str, Any]:
    columns = {name: [getattr(run, name) for run in runs] for name in COLUMNS}
    return {name: values if name in ("seed", "trained") else None if None in values
            else encode_curve(values, np.dtype("float64")) for name, values in columns.items()}


def _decode(data: Any, path: str, reader: Reader) -> list[NativeRun]:
    seeds, trained = (reader.get(data, name, list, path) for name in ("seed", "trained"))
    reported = reader.get(data, "reported_loss", (list, type(None)), path)
    losses, metrics = (reader.curve(data, name, path) for name in ("final_loss", "metric"))
    said = [None] * len(seeds) if reported is None else reader.curve(data, "reported_loss", path)
    if {len(column) for column in (losses, metrics, said, trained)} != {len(seeds)}:
        raise RecordError(f"{path} columns must have a value for every seed", reader.where)
    return [NativeRun(int(seed), loss, said_loss, metric, bool(is_trained))
            for seed, loss, said_loss, metric, is_trained
            in zip(seeds, losses, said, metrics, trained)]
