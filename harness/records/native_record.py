"""The record of native runs: one environment on one case, many seeds, one JSON file.

Inside half: standard library and NumPy only. Apart from ``harness.records.record``, since native
runs take minutes and are measured, and accepted, on another occasion. Columns over seeds;
numbers that are not finite as the record's strings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import RecordError
from harness.files import write_text
from harness.records import writing
from harness.records.record import NativeRun
from harness.records.writing import encode_curve

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
    runs = ",\n".join(f"{json.dumps(name)}:{json.dumps(encode(runs), allow_nan=False)}"
                      for name, runs in record.runs.items())
    write_text(path, "{" + ",\n".join(lines) + ',\n"runs":{\n' + runs + "\n}}\n")


def reopen(path: Path) -> NativeRecord:
    """Return native runs that this harness wrote here, to write them once more.

    Nothing is compared by it: whoever does reads with ``harness.store.reading.records``.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is damaged, or of another format version.
    """
    data = writing.reopen(path, FORMAT, "runs")
    try:
        runs = {name: [NativeRun(*row) for row in zip(*(_decode(columns, name)
                                                        for name in COLUMNS))]
                for name, columns in data["runs"].items()}
        return NativeRecord(data["case"], data["environment"], data["provenance"], runs)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError("the native runs are damaged", str(path), repr(error)[:300]) from None


def _decode(columns: dict[str, Any], name: str) -> list[Any]:
    values = columns[name]
    if values is None:
        return [None] * len(columns["seed"])
    return list(values) if name in ("seed", "trained") else [float(value) for value in values]


def encode(runs: list[NativeRun]) -> dict[str, Any]:
    """Return native runs as JSON data: columns over seeds."""
    columns = {name: [getattr(run, name) for run in runs] for name in COLUMNS}
    return {name: values if name in ("seed", "trained") else None if None in values
            else encode_curve(values, np.dtype("float64")) for name, values in columns.items()}
