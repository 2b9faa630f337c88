"""The record: what one environment measured on one case, one JSON file.

Inside half: standard library only. The two halves meet in this file alone;
``harness.serialization`` reads and writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CURVES = ("loss", "gradient_norm", "update_norm")


@dataclass
class Trajectory:
    """One training run, one number per step.

    Args:
        loss: batch loss before each update, shape (steps,).
        gradient_norm: global L2 norm of all gradients as the backward pass gave
            them, before clipping; None where a program did not measure it.
        update_norm: global L2 norm of the parameters' change.
        metrics: ``{"step": [...], name: [...]}`` on the evaluation set.
        nonfinite_from: first step after which a parameter is not finite.
        envelope: reference in float32 only: per curve, the running maximum over
            steps of the relative deviation of perturbed runs.
    """

    loss: list[float]
    gradient_norm: list[float] | None = None
    update_norm: list[float] | None = None
    metrics: dict[str, list[float]] = field(default_factory=dict)
    nonfinite_from: int | None = None
    envelope: dict[str, list[float]] | None = None


@dataclass
class VariantRecord:
    """What was measured of one variant, or why it could not be.

    Args:
        weights_sha256: of the file of initial weights.
        trajectories: by precision, ``"float64"`` and ``"float32"``.
        unsupported: why the adapter cannot express the variant.
        error: what the framework raised instead of training it.
    """

    weights_sha256: str
    trajectories: dict[str, Trajectory] = field(default_factory=dict)
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
