"""Traces as these tests read them."""

from __future__ import annotations

import json

import numpy as np


class Trace:
    """A trace, with its events as rows."""

    def __init__(self, path):
        with np.load(str(path)) as file:
            self.header = json.loads(bytes(file["trace.json"]))
            self.arrays = {name: file[name] for name in file.files if name != "trace.json"}

    def rows(self, channel=None, name=None):
        """Return step, channel, name, occurrence, size, digest and values of events."""
        arrays, found = self.arrays, []
        for i in range(len(arrays["step"])):
            row = (int(arrays["step"][i]), self.header["channels"][arrays["channel"][i]],
                   self.header["names"][arrays["name"][i]], int(arrays["occurrence"][i]),
                   int(arrays["size"][i]), int(arrays["digest"][i]), arrays["sketch"][i].tolist())
            if channel in (None, row[1]) and name in (None, row[2]):
                found.append(row)
        return found


def read(path):
    """Return the trace in a file; None if there is no file."""
    return Trace(path) if path.exists() else None
