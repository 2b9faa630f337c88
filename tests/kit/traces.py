"""Traces for tests: a small training in NumPy, recorded as the recorder does, with faults to order.

A classifier of two dense layers learns by momentum or Adam. The order of adding up can be
changed, which another version may do, and so can the initial weights by last bits.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.programs.traces.trace import CHANNELS, COLUMNS, Header, Trace, check

Array = NDArray[Any]
_SIGNS = np.sign(np.random.default_rng(7).random((3, 1 << 12)) - 0.5)
_DATA = np.random.default_rng(11)
_INPUTS, _CENTRES = _DATA.standard_normal((96, 20)), _DATA.standard_normal((3, 20))
_LABELS = np.arange(96) % 3
_INPUTS += _CENTRES[_LABELS]


@dataclass
class Log:
    """Events one by one, and the trace they make."""

    rows: list[tuple[int, str, str, int, int, str, int, tuple[float, ...]]] = field(
        default_factory=list)
    met: dict[tuple[int, str, str], int] = field(default_factory=dict)

    def add(self, step: int, channel: str, name: str, size: int, dtype: str, digest: int,
            sketch: tuple[float, ...]) -> None:
        """Add an event of which all is given but its occurrence."""
        occurrence = self.met.get((step, channel, name), 0)
        self.met[step, channel, name] = occurrence + 1
        self.rows.append((step, channel, name, occurrence, size, dtype, digest, sketch))

    def number(self, step: int, channel: str, name: str, value: float) -> None:
        """Add a plain number."""
        self.add(step, channel, name, 0, "number", 0, (float(value), 0.0, 0.0, 0.0))

    def tensor(self, step: int, channel: str, name: str, values: Array,
               state: Array | None = None) -> None:
        """Add a tensor; of an update the digest is that of the parameter after it."""
        flat = values.astype(np.float64).ravel()
        digest = zlib.crc32((values if state is None else state).tobytes())
        with np.errstate(all="ignore"):
            sketch = (float(np.sqrt(flat @ flat)),
                      *(float(p) for p in _SIGNS[:, :flat.size] @ flat))
        self.add(step, channel, name, flat.size, str(values.dtype), digest, sketch)

    def trace(self, where: str = "run", **header: Any) -> Trace:
        """Return the events as a trace."""
        names = list(dict.fromkeys(row[2] for row in self.rows))
        dtypes = list(dict.fromkeys(row[5] for row in self.rows))
        columns: dict[str, Any] = {
            "step": [row[0] for row in self.rows],
            "channel": [CHANNELS.index(row[1]) for row in self.rows],
            "name": [names.index(row[2]) for row in self.rows],
            "occurrence": [row[3] for row in self.rows], "size": [row[4] for row in self.rows],
            "dtype": [dtypes.index(row[5]) for row in self.rows],
            "digest": [row[6] for row in self.rows],
            "sketch": np.array([row[7] for row in self.rows], float).reshape(-1, 4)}
        head = {"format": "harness-trace", "version": 1, "channels": list(CHANNELS),
                "names": names, "dtypes": dtypes, "ended": "end",
                "updates": max((row[0] for row in self.rows), default=-1) + 1, **header}
        return check(Trace(where, Header(**head), **{
            name: np.array(columns[name], dtype) for name, dtype in COLUMNS.items()}))


@dataclass
class Fault:
    """What a run does otherwise; every function gets the step and a value, and returns one."""

    gradient: Callable[[int, str, Array], Array] = lambda step, name, value: value
    update: Callable[[int, str, Array], Array] = lambda step, name, value: value
    hidden: Callable[[int, Array], Array] = lambda step, value: value
    dropped: Callable[[int, Array], Array] = lambda step, value: value
    loss: Callable[[int, float], float] = lambda step, value: value
    rate: Callable[[int, float], float] = lambda step, value: value
    order: Callable[[int, Array], Array] = lambda step, value: value
    begin: Callable[[str, Array], Array] = lambda name, value: value
    accuracy: Callable[[float], float] = lambda value: value
    evaluated: Callable[[Array], Array] = lambda value: value
    name: Callable[[str], str] = lambda name: name


def train(fault: Fault | None = None, *, perturb: int | None = None, reverse: bool = False,
          steps: int = 24, dtype: str = "float32", adam: bool = False, load: bool = False,
          where: str = "run", **header: Any) -> Trace:
    """Record a training.

    Args:
        perturb: seed of the change of the initial weights by last bits.
        reverse: add up in another order.
        load: begin with the weights that a run without fault begins with.
    """
    do, log = fault or Fault(), Log()
    weights = _weights(do, log, np.dtype(dtype), perturb, load)
    first = {name: np.zeros_like(value) for name, value in weights.items()}
    second = {name: np.zeros_like(value) for name, value in weights.items()}
    for step in range(steps):
        rows = do.order(step, np.random.default_rng(100 + step).permutation(96)[:32])
        x, y = _INPUTS[rows].astype(dtype), _LABELS[rows]
        log.tensor(step, "data", "batch[0]", x)
        rate = do.rate(step, 0.02 if adam else 0.1)
        log.number(step, "schedule", "optimizer[0].group[0].lr", rate)
        gradients = _gradients(do, log, step, weights, x, y, reverse)
        for name in weights:
            gradients[name] = do.gradient(step, name, gradients[name]).astype(dtype)
            log.tensor(step, "gradient", do.name(name), gradients[name])
        for name, before in weights.items():
            g = gradients[name]
            if adam:
                first[name] = (0.9 * first[name] + 0.1 * g).astype(dtype)
                second[name] = (0.99 * second[name] + 0.01 * g * g).astype(dtype)
                change = first[name] / (1 - 0.9 ** (step + 1)) / (
                    np.sqrt(second[name] / (1 - 0.99 ** (step + 1))) + 1e-8)
            else:
                first[name] = (0.9 * first[name] + g).astype(dtype)
                change = first[name]
            change = do.update(step, name, -rate * change)
            weights[name] = (before + change).astype(dtype)
            log.tensor(step, "update", do.name(name), weights[name] - before, weights[name])
    _, _, logits = _forward(weights, _INPUTS.astype(dtype), reverse)
    log.tensor(steps, "evaluation", do.name("Net:output"),
               do.evaluated(logits).astype(dtype))
    log.number(steps, "reported", "accuracy",
               do.accuracy(float((logits.argmax(1) == _LABELS).mean())))
    told: dict[str, Any] = {
        "updates": steps, "modules": {do.name("hidden"): "Linear", do.name("drop"): "Dropout",
                                      do.name("head"): "Linear"},
        "tensors": {do.name(f"{name}:output"): do.name(name)
                    for name in ("hidden", "drop", "head")}}
    return log.trace(where, **{**told, **header})


def _weights(do: Fault, log: Log, dtype: np.dtype[Any], perturb: int | None,
             load: bool) -> dict[str, Array]:
    generator = np.random.default_rng(5)
    shapes = {"hidden.weight": (16, 20), "hidden.bias": (16,), "head.weight": (3, 16),
              "head.bias": (3,)}
    weights = {}
    for name, shape in shapes.items():
        value = (generator.standard_normal(shape) / np.sqrt(shape[-1])).astype(dtype)
        value = value if load else do.begin(name, value).astype(dtype)
        if perturb is not None:
            signs = np.sign(np.random.default_rng([perturb, len(name)]).random(shape) - 0.5)
            value = (value * (1 + 8 * signs * np.finfo(dtype).eps)).astype(dtype)
        weights[name] = value
        log.tensor(0, "initialisation", do.name(name), value)
    return weights


def _forward(weights: dict[str, Array], x: Array, reverse: bool) -> tuple[Array, Array, Array]:
    turn = slice(None, None, -1 if reverse else 1)
    hidden = np.einsum("bi,oi->bo", x[:, turn], weights["hidden.weight"][:, turn]) \
        + weights["hidden.bias"]
    active = np.tanh(hidden)
    logits = np.einsum("bi,oi->bo", active[:, turn], weights["head.weight"][:, turn]) \
        + weights["head.bias"]
    return hidden, active, logits


def _gradients(do: Fault, log: Log, step: int, weights: dict[str, Array], x: Array, y: Array,
               reverse: bool) -> dict[str, Array]:
    turn = slice(None, None, -1 if reverse else 1)
    hidden, active, _ = _forward(weights, x, reverse)
    hidden = do.hidden(step, hidden).astype(x.dtype)
    log.tensor(step, "forward", do.name("hidden:output"), hidden)
    active = np.tanh(hidden)
    mask = do.dropped(step, (np.random.default_rng(900 + step).random(active.shape) > 0.1)
                      .astype(x.dtype))
    active = active * mask
    log.tensor(step, "forward", do.name("drop:output"), active)
    logits = np.einsum("bi,oi->bo", active[:, turn], weights["head.weight"][:, turn]) \
        + weights["head.bias"]
    log.tensor(step, "forward", do.name("head:output"), logits)
    shifted = logits - logits.max(1, keepdims=True)
    chance = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    loss = float(-np.log(chance[np.arange(len(y)), y]).mean())
    log.number(step, "loss", "loss", do.loss(step, loss))
    error = chance.copy()
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    back = error @ weights["head.weight"] * mask * (1 - np.tanh(hidden) ** 2)
    return {"hidden.weight": np.einsum("bo,bi->oi", back[turn], x[turn]),
            "hidden.bias": back[turn].sum(0),
            "head.weight": np.einsum("bo,bi->oi", error[turn], active[turn]),
            "head.bias": error[turn].sum(0)}


def perturbed(count: int = 8, **options: Any) -> list[Trace]:
    """Return runs from weights changed by last bits."""
    return [train(perturb=seed, **options) for seed in range(1, count + 1)]


def write(found: Trace, path: Path, **changes: bytes | None) -> Path:
    """Write a trace as the recorder does; return the path.

    Args:
        changes: members, by name without what follows the dot, to replace; None leaves one out.
    """
    head = {name: getattr(found.header, name) for name in found.header.__struct_fields__}
    head["notes"] = [{"code": note.code, "text": note.text} for note in found.header.notes]
    members: dict[str, bytes | None] = {"trace.json": json.dumps(head).encode()}
    for name, dtype in COLUMNS.items():
        content = io.BytesIO()
        np.lib.format.write_array(content, getattr(found, name).astype(dtype), version=(1, 0))
        members[f"{name}.npy"] = content.getvalue()
    for name, value in changes.items():
        members["trace.json" if name == "trace" else f"{name}.npy"] = value
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, value in members.items():
            if value is not None:
                file.writestr(name, value)
    return path
