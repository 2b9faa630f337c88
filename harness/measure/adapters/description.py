"""A case and a variant as JSON data: the vocabulary for programs in any language.

Inside half: standard library and NumPy only. ``docs/records.md`` says what every field means,
``docs/description.schema.json`` which there are. Numbers are the exact decimals of float32
values, so that a program may read them in float32 or in float64.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np

from harness.measure import probes
from harness.measure.adapters.task import Task, prepare
from harness.records.project import Project
from harness.vocabulary.case import PRECISIONS, Batch, Batches, Case, Variant

FORMAT = 1
"""Version of the description's format."""


def describe(project: Project, case: Case, variant: Variant) -> dict[str, Any]:
    """Return everything that a program needs to train a variant and to write its record."""
    batches, weights = project.batches(case), project.weights(variant)
    task = prepare(case, variant, "float64", batches, weights)
    return {"format": FORMAT, "case": case.name, "data_sha256": project.sha256(case.data),
            "weights_sha256": project.sha256(variant.weights), **of_task(task),
            "metrics": list(case.metrics), "precisions": list(PRECISIONS),
            "probes": _probes(case, variant, batches, weights)}


def of_task(task: Task) -> dict[str, Any]:
    """Return what is trained: the recipe, the batches and the initial weights."""
    variant, batches = task.variant, task.batches
    recipe = {name: declare(getattr(variant, name))
              for name in ("layers", "loss", "optimizer", "clip")}
    return {"variant": variant.name, **recipe,
            "trains_in_evaluation_mode": variant.trains_in_evaluation_mode,
            "parameters": list(task.weights), "weights": arrays(task.weights),
            "batches": give(batches), "evaluation": give(batches.evaluation),
            "evaluation_steps": list(task.evaluation_steps)}


def declare(declared: Any) -> Any:
    """Return a member of the vocabulary as an object with its ``type``, or a plain value."""
    if isinstance(declared, tuple):
        return [declare(one) for one in declared]
    if not dataclasses.is_dataclass(declared):
        return declared
    return {"type": type(declared).__name__,
            **{field.name: declare(getattr(declared, field.name))
               for field in dataclasses.fields(declared)}}


def give(data: Batch | Batches) -> dict[str, Any]:
    """Return a batch as nested lists; all batches of a training with an axis of steps."""
    return {"inputs": [x.tolist() for x in data.inputs], "targets": data.targets.tolist(),
            "mask": None if data.mask is None else data.mask.tolist()}


def arrays(tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return tensors as nested lists, by name."""
    return {name: np.asarray(value).tolist() for name, value in tensors.items()}


def dumps(description: dict[str, Any]) -> str:
    """Return the JSON text of a description, one field a line."""
    lines = (f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'), allow_nan=False)}"
             for name, value in description.items())
    return "{" + ",\n".join(lines) + "}\n"


def _probes(case: Case, variant: Variant, batches: Batches,
            weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the steps to take from fixed weights, and what the reference finds there."""
    found: dict[str, Any] = {}
    for checkpoint, expected in probes.expect_all(case, variant, batches, weights):
        found[checkpoint.name] = {
            "weights": arrays(checkpoint.weights), "batch": give(checkpoint.batch),
            "expected": arrays(expected.tensors), "scales": expected.scales,
            "allowances": {precision: [_number(value) for value in
                                       probes.allowances(checkpoint, expected, precision)]
                           for precision in PRECISIONS}}
    return found


def _number(value: float) -> Any:
    return value if math.isfinite(value) else "Infinity"
