"""The trace: the events of one run in order, in one file that NumPy reads. See docs/traces.md.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

import io
import json
import zipfile
from array import array
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from harness.files import write_bytes
from harness.measure.recorder.sketch import Sketch

FORMAT, VERSION = "harness-trace", 1
HEADER = "trace.json"
CHANNELS = ("initialisation", "data", "schedule", "forward", "loss", "gradient", "update",
            "evaluation", "reported")
"""Channels in causal order."""
COLUMNS = {"step": np.int32, "channel": np.uint8, "name": np.int32, "occurrence": np.int32,
           "size": np.int64, "dtype": np.uint8, "digest": np.uint64, "sketch": np.float64}
"""Arrays of a trace, one element an event, of ``sketch`` four."""
CODES = {"step": "i", "channel": "B", "name": "i", "occurrence": "i", "size": "q", "dtype": "B",
         "digest": "Q", "sketch": "d"}
"""The same columns while they grow, in the codes of the module ``array``."""
MOMENT = (1980, 1, 1, 0, 0, 0)
"""Date of every member: equal runs give equal files."""


class Events:
    """The events of a run, added one by one in the order in which they happened."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.dtypes: dict[str, int] = {}
        self._columns: dict[str, Any] = {name: array(code) for name, code in CODES.items()}
        self._met: dict[tuple[str, str], int] = {}
        self._step = 0

    def __len__(self) -> int:
        return len(self._columns["step"])

    def add(self, step: int, channel: str, name: str, found: Sketch) -> int:
        """Add an event.

        Args:
            step: updates finished before it; never less than that of the event before.

        Returns:
            Its occurrence: how many events of this step, channel and name came before it.
        """
        if step != self._step:
            self._step, self._met = step, {}
        occurrence = self._met.get((channel, name), 0)
        self._met[channel, name] = occurrence + 1
        columns = self._columns
        columns["step"].append(step)
        columns["channel"].append(CHANNELS.index(channel))
        columns["name"].append(self.names.setdefault(name, len(self.names)))
        columns["occurrence"].append(occurrence)
        columns["size"].append(found.size)
        columns["dtype"].append(self.dtypes.setdefault(found.dtype, len(self.dtypes)))
        columns["digest"].append(found.digest)
        columns["sketch"].extend(found.values)
        return occurrence

    def count(self, channel: str, name: str) -> int:
        """Return how many events of a channel and name the present step has."""
        return self._met.get((channel, name), 0)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the columns as arrays: ``[n]``, of ``sketch`` ``[n, 4]``."""
        arrays = {name: np.array(column, COLUMNS[name])
                  for name, column in self._columns.items()}
        arrays["sketch"] = arrays["sketch"].reshape(-1, 4)
        return arrays


def write(path: Path, events: Events, header: Mapping[str, Any]) -> None:
    """Write a trace so that readers see all of it or nothing.

    Args:
        header: what ``docs/trace.schema.json`` demands, but for what the events say.
    """
    head = {"format": FORMAT, "version": VERSION, "channels": list(CHANNELS),
            "names": list(events.names), "dtypes": list(events.dtypes), **header}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        _add(file, HEADER, json.dumps(head, indent=1, allow_nan=False).encode())
        for name, column in events.to_arrays().items():
            _add(file, f"{name}.npy", _encode(column))
    write_bytes(path, content.getvalue())


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name, as ``numpy.savez`` does, so that readers see all of them or nothing."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as file:
        for name, values in arrays.items():
            _add(file, f"{name}.npy", _encode(values))
    write_bytes(path, content.getvalue())


def _encode(values: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, np.ascontiguousarray(values), allow_pickle=False)
    return content.getvalue()


def _add(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, MOMENT)
    member.compress_type = file.compression
    file.writestr(member, content)
