"""Trains what descriptions say, and writes a record: plain Python and NumPy, no harness.

    harness describe xor --output descriptions
    python docs/runner.py record.json descriptions/*.json
    harness import record.json

It knows dense layers, binary cross-entropy and plain SGD; all else it calls unsupported.
"""
import json
import sys
import time
from pathlib import Path

import numpy as np

FUNCTIONS = {None: lambda z: z, "tanh": np.tanh, "relu": lambda z: z * (z > 0),
             "sigmoid": lambda z: np.exp(-np.logaddexp(0, -z))}
SLOPES = {"tanh": lambda x: 1 - x * x, "relu": lambda x: x > 0}


def is_known(it):
    """Return whether this program can express a description."""
    optimizer = {field: value for field, value in it["optimizer"].items() if value}
    return (set(optimizer) == {"type", "learning_rate"} and optimizer["type"] == "SGD"
            and isinstance(optimizer["learning_rate"], float)
            and {layer["type"] for layer in it["layers"]} <= {"Concatenate", "Dense"}
            and it["loss"].get("positive_weight") == 1 and not it["clip"])


def step(it, weights, batch, dtype):
    """Return outputs, loss, gradients and updates of one batch."""
    weights = {name: np.asarray(numbers, dtype) for name, numbers in weights.items()}
    x = np.concatenate([np.asarray(x, dtype) for x in batch["inputs"]], -1)
    y, given, gradients = np.asarray(batch["targets"], dtype), [], {}
    dense = [layer for layer in it["layers"] if layer["type"] == "Dense"]
    for layer in dense:
        given.append(x)
        z = x @ weights[f"{layer['name']}.kernel"] + weights[f"{layer['name']}.bias"]
        x = FUNCTIONS[layer["activation"]](z)
    loss = (y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)).mean()
    slope = (FUNCTIONS["sigmoid"](z) - y) / dtype(len(y))
    for place in reversed(range(len(dense))):
        kernel, bias = (f"{dense[place]['name']}.{part}" for part in ("kernel", "bias"))
        gradients[kernel], gradients[bias] = given[place].T @ slope, slope.sum(0)
        if place:
            slope = slope @ weights[kernel].T * SLOPES[dense[place - 1]["activation"]](given[place])
    rate = dtype(it["optimizer"]["learning_rate"])
    return x, loss, gradients, {name: -rate * gradients[name] for name in it["parameters"]}


def train(it, dtype):
    """Return the trajectory of a training in one precision."""
    weights = {name: np.asarray(numbers, dtype) for name, numbers in it["weights"].items()}
    losses, rows = [], []
    for t, targets in enumerate(it["batches"]["targets"]):
        rows += [metrics(it, weights, dtype)] if t in it["evaluation_steps"] else []
        batch = {"inputs": [x[t] for x in it["batches"]["inputs"]], "targets": targets}
        _, loss, _, updates = step(it, weights, batch, dtype)
        losses.append(float(loss))
        weights = {name: weights[name] + change for name, change in updates.items()}
    rows.append(metrics(it, weights, dtype))
    table = {"step": it["evaluation_steps"], **{m: [r[m] for r in rows] for m in it["metrics"]}}
    return {"loss": losses, "metrics": table, "nonfinite_from": None}


def metrics(it, weights, dtype):
    """Return the metrics on the evaluation set."""
    p = step(it, weights, it["evaluation"], dtype)[0] > (0 if it["loss"]["from_logits"] else 0.5)
    y = np.asarray(it["evaluation"]["targets"]) > 0.5
    hits, found, real = (p & y).sum(), p.sum(), y.sum()
    return {"accuracy": (p == y).mean(), "precision": hits / max(found, 1),
            "recall": hits / max(real, 1), "f1": 2 * hits / (found + real)}


def probe(it, dtype):
    """Return how far one step from each checkpoint is from the reference, tensor by tensor."""
    errors = {}
    for name, at in it["probes"].items():
        outputs, loss, gradients, updates = step(it, at["weights"], at["batch"], dtype)
        found = {"outputs": outputs, "loss": loss,
                 **{f"gradient of {part}": value for part, value in gradients.items()},
                 **{f"update of {part}": value for part, value in updates.items()}}
        errors[name] = [np.linalg.norm(np.float64(found[tensor]) - value) / at["scales"][tensor]
                        for tensor, value in at["expected"].items()]
    allowances = {n: at["allowances"][np.dtype(dtype).name] for n, at in it["probes"].items()}
    return {"tensors": list(at["expected"]), "errors": errors, "allowances": allowances}


variants = {}
for it in [json.loads(Path(name).read_text()) for name in sys.argv[2:]]:
    variants[it["variant"]] = measured = {"weights_sha256": it["weights_sha256"]}
    for part, function in (("trajectories", train), ("probes", probe)) if is_known(it) else ():
        measured[part] = {p: function(it, np.dtype(p).type) for p in it["precisions"]}
    measured.update({} if is_known(it) else {"unsupported": "only dense layers and plain SGD"})
origin = {"data_sha256": it["data_sha256"], "recorded": time.strftime("%FT%TZ", time.gmtime())}
record = {"format": 2, "case": it["case"], "environment": "example-1.0", "provenance": origin,
          "variants": variants}
Path(sys.argv[1]).write_text(json.dumps(record, allow_nan=False))  # NaN would be a string
