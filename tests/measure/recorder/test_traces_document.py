"""The documents on traces: their example runs, and is a trace like any other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np

from harness.measure.recorder import header, sketch, trace
from harness.measure.recorder.recording import Recording

ROOT = Path(__file__).parents[3]
WRITING, READING = re.findall(r"```python\n(.*?)```", (ROOT / "docs/traces.md").read_text(), re.S)
SCHEMA = json.loads((ROOT / "docs/trace.schema.json").read_text())


def test_example_is_a_trace(tmp_path: Path) -> None:
    """What it writes has the arrays, the types and the sketches of the recorder itself."""
    for source in (WRITING, READING):
        subprocess.run([sys.executable, "-c", source], cwd=tmp_path, check=True)
    with np.load(tmp_path / "trace.npz") as file:
        found = {name: file[name] for name in file.files}
    head = json.loads(found.pop("trace.json"))
    jsonschema.validate(head, SCHEMA)
    assert {name: values.dtype for name, values in found.items()} == {
        name: np.dtype(kind) for name, kind in trace.COLUMNS.items()}
    assert found["sketch"].shape == (len(found["step"]), 4)
    first = sketch.sketch(np.array([0.5]))
    assert (found["digest"][0], tuple(found["sketch"][0])) == (first.digest, first.values)


def test_example_sketches_long_tensors_alike(tmp_path: Path) -> None:
    """The example's few lines and the recorder's blocks define the same projections."""
    names: dict[str, object] = {}
    exec(WRITING.partition("CHANNELS =")[0], names)
    values = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    shown, digest = names["sketch"](values)  # type: ignore[operator]
    found = sketch.sketch(values)
    assert digest == found.digest
    assert np.allclose(shown, found.values, rtol=1e-9)


def test_recorder_writes_what_the_schema_says(tmp_path: Path) -> None:
    """The header of a real recording is valid, and the file is the same for the same events."""
    recording = Recording()
    recording.tensor("gradient", "a.weight", np.ones(3), module="a")
    recording.advance()
    head = header.describe(recording, ["train.py"], "end")
    for name in ("one.npz", "other.npz"):
        trace.write(tmp_path / name, recording.events, head)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as file:
        jsonschema.validate(json.loads(file["trace.json"]), SCHEMA)


def test_schema_refuses_what_is_no_header() -> None:
    """A header that lacks a field, or has another, is not valid."""
    head = header.describe(Recording(), ["train.py"], "end")
    whole = {"format": trace.FORMAT, "version": 1, "channels": list(trace.CHANNELS), "names": [],
             "dtypes": [], **head}
    jsonschema.validate(whole, SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for name in SCHEMA["required"]:
        assert not validator.is_valid({k: v for k, v in whole.items() if k != name}), name
    assert not validator.is_valid({**whole, "more": 1})
