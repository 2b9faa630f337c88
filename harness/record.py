"""The record: what one environment measured on one case, one JSON file.

Inside half: standard library and NumPy only. The two halves meet in this file alone;
``harness.serialization`` reads and writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.native import Fingerprint

CURVES = ("loss", "gradient_norm", "update_norm")


@dataclass
class Trajectory:
    """One training run, one number per step.

    Args:
        loss: batch loss before each update, shape (steps,).
        gradient_norm: global L2 norm of all gradients as the backward pass gave
            them, before clipping; None where a program did not measure it.
        update_norm: global L2 norm of the parameters' change.
        metrics: ``{"step": [...], name: [...]}`` on the evaluation set, computed by
            the harness from the model's predictions.
        reported: the same, as the framework's own metrics count them; None where it
            has none.
        nonfinite_from: first step after which a parameter is not finite.
        envelope: reference only, in float64 only where it matters: per curve, the
            running maximum over steps of the relative deviation of perturbed runs.
    """

    loss: list[float]
    gradient_norm: list[float] | None = None
    update_norm: list[float] | None = None
    metrics: dict[str, list[float]] = field(default_factory=dict)
    reported: dict[str, list[float]] | None = None
    nonfinite_from: int | None = None
    envelope: dict[str, list[float]] | None = None


@dataclass
class Probes:
    """One training step from each of several checkpoints, against the reference.

    Args:
        tensors: what was compared, in the order of a step: ``outputs``, ``loss``,
            ``gradient of outputs`` (sequences), ``gradient of <parameter>`` from the
            last layer to the first, ``update of <parameter>``.
        errors: by checkpoint (``step_10``, ``scaled_30``), for every tensor the L2
            norm of its difference from the reference's float64 one, relative to the
            norm of all tensors of its phase; of the loss, relative to the larger of
            1 and its value.
        allowances: how large each error may be, learned at the same checkpoint.
    """

    tensors: list[str]
    errors: dict[str, list[float]]
    allowances: dict[str, list[float]]


@dataclass
class VariantRecord:
    """What was measured of one variant, or why it could not be.

    Args:
        weights_sha256: of the file of initial weights.
        trajectories: by precision, ``"float64"`` and ``"float32"``.
        probes: by precision.
        invariances: by precision and claim, a change that should be 0
            (``harness.invariances``).
        fingerprint: of native runs, where the case has them.
        unsupported: why the adapter cannot express the variant.
        error: what the framework raised instead of training it.
    """

    weights_sha256: str
    trajectories: dict[str, Trajectory] = field(default_factory=dict)
    probes: dict[str, Probes] = field(default_factory=dict)
    invariances: dict[str, dict[str, float]] = field(default_factory=dict)
    fingerprint: Fingerprint | None = None
    unsupported: str | None = None
    error: str | None = None


@dataclass
class Record:
    """One environment's measurements of one case.

    Args:
        provenance: packages, interpreter, machine, threads, ``data_sha256``.
        accepted: reason and time of acceptance; baselines only.
    """

    case: str
    environment: str
    provenance: dict[str, Any]
    variants: dict[str, VariantRecord]
    accepted: dict[str, Any] | None = None
