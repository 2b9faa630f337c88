"""Importer of loss curves recorded from real Axon (Elixir) releases.

Outside half. An example of how any outside program's measurements become records.
The files lie as ``curves/*.json`` beside ``data/``, which holds the data and the
initial weights they were trained on; those are hashed, never assumed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from harness.errors import HarnessError, RecordError
from harness.files import sha256
from harness.records.environment import Environment
from harness.records.paths import is_name
from harness.records.project import Project
from harness.records.record import Record, Trajectory, VariantRecord
from harness.store.reading.parsing import convert as convert_typed
from harness.store.reading.schema import Number
from harness.vocabulary.case import Case, Variant
from harness.vocabulary.metrics import classify, from_counts
from harness.vocabulary.optimizers import SGD, Adam

COMMITS = {
    "57c75e52": "0.6.1.dev1+57c75e52",
    "235a0308": "0.6.1.dev2+235a0308",
    "5f9e7bc1": "0.7.0.dev1+5f9e7bc1",
    "0473cf92": "0.7.0.dev2+0473cf92",
}
"""Commits between releases, as development versions (PEP 440), oldest first."""
LOSS_PATHS = {"bce_from_logits": "bce_logits", "bce_nxsigmoid": "bce_lambda"}
CASES = {"xor": "xor", "imbalanced": "imbalanced_binary"}
DEFAULT_RATES = {"sgd": 0.01, "adam": 0.001}
OPTIMIZERS = {"sgd": SGD, "adam": Adam}
KEYS = {"case", "variant", "version", "nx_version", "config", "loss"}


class Config(Struct):
    """How a curve was trained."""

    lr: float | Literal["default"]
    optimizer: Literal["sgd", "adam"]
    init: str = ""


class AxonCurve(Struct):
    """What is looked at of a recorded curve."""

    case: Literal["xor", "imbalanced"]
    variant: str
    version: str
    nx_version: str
    config: Config
    loss: list[Number]
    params_nonfinite_from_iteration: int | None = None
    pred_00_01_10_11: list[Number] = []
    tp: int = 0
    fp: int = 0
    fn: int = 0


def is_curve(data: Any) -> bool:
    """Return whether JSON data is one of these curves."""
    return isinstance(data, dict) and data.keys() >= KEYS


def convert(curves: dict[Path, Any], project: Project) -> list[Record]:
    """Return one record for every case and version among the curves, by file.

    Raises:
        RecordError: a file is damaged, names no variant of its case, or disagrees
            with another file about the same variant.
    """
    records: dict[tuple[str, str], Record] = {}
    for path in sorted(curves):
        convert_typed(AxonCurve, curves[path], str(path))
        try:
            _add(records, curves[path], path, project)
        except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as error:
            raise RecordError("damaged Axon curve", str(path),
                              f"{type(error).__name__}: {error}") from error
    return [records[key] for key in sorted(records)]


def _add(records: dict[tuple[str, str], Record], curve: dict[str, Any], path: Path,
         project: Project) -> None:
    case = project.case(CASES[curve["case"]])
    version = _version(curve["version"])
    data = path.parent.parent / "data"
    environment = str(Environment("axon", version))
    if not is_name("environment", environment):
        raise ValueError(f"no version: {version!r}"[:80])
    record = records.setdefault((case.name, version), Record(
        case.name, environment,
        {"data_sha256": _sha256(data / case.data),
         "packages": {"axon": version, "nx": curve["nx_version"]},
         "recorded": "2026-11-21T00:00:00Z", "platform": "Nx BinaryBackend, OTP 25",
         "source": "imported from recorded curves"}, {}))
    variant = _variant(case, curve)
    trajectory = _trajectory(case, curve, project)
    measured = VariantRecord(_sha256(data / variant.weights), {"float32": trajectory})
    if record.variants.setdefault(variant.name, measured).trajectories["float32"].loss \
            != trajectory.loss:
        raise RecordError(f"two files disagree about {variant.name} of {version}", str(path))


def _version(name: str) -> str:
    prefix, _, commit = name.partition("-")
    return COMMITS[commit] if prefix == "commit" else name


def _variant(case: Case, curve: dict[str, Any]) -> Variant:
    """Return the case's variant that has the curve's recipe."""
    config = curve["config"]
    rate = config["lr"] if config["lr"] != "default" else DEFAULT_RATES[config["optimizer"]]
    optimizer = OPTIMIZERS[config["optimizer"]](rate)
    path = curve["variant"].split("-")[0] if case.name != "xor" else "bce_sigmoid"
    path = LOSS_PATHS.get(path, path)
    for variant in case.variants:
        same_weights = config.get("init", variant.weights) == variant.weights
        plain = variant.note in ("", variant.weights[4:-5].replace("init", "init_"))
        if (variant.loss_path, variant.optimizer) == (path, optimizer) \
                and same_weights and plain and variant.clip is None:
            return variant
    raise ValueError(f"no variant of {case.name} is {path} with {optimizer} and {config}")


def _trajectory(case: Case, curve: dict[str, Any], project: Project) -> Trajectory:
    loss = [float(np.float32(float(value))) for value in curve["loss"]]
    return Trajectory(loss, metrics=_metrics(case, curve, project, len(loss)),
                      nonfinite_from=curve["params_nonfinite_from_iteration"])


def _metrics(case: Case, curve: dict[str, Any], project: Project,
             steps: int) -> dict[str, list[float]]:
    """Return the metrics at the end of training, all that was recorded."""
    targets = project.batches(case).evaluation.targets
    if "pred_00_01_10_11" in curve:
        predictions = np.array([[float(p)] for p in curve["pred_00_01_10_11"]])
        if predictions.shape != targets.shape:
            raise ValueError(f"{predictions.size} predictions of {targets.size} examples")
        values = classify(predictions, targets)
    else:
        hits, false_alarms, misses = curve["tp"], curve["fp"], curve["fn"]
        values = from_counts(hits, hits + false_alarms, hits + misses,
                             targets.size - false_alarms - misses, targets.size)
    return {"step": [steps], **{name: [values[name]] for name in case.metrics}}


def _sha256(path: Path) -> str:
    try:
        return sha256(path)
    except HarnessError as error:
        raise RecordError(f"the data behind the curves is not there: {error.what}",
                          str(path)) from None
