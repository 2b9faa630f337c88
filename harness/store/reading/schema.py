"""What a record's JSON must look like: the types that it is read as, and nothing else.

Outside half. The inside half writes this format in ``harness.records.writing``; whatever is read is
decoded into these types at once, so that nothing of another type gets any further. Which values
can be true is for ``soundness``: msgspec has bounds and patterns of its own (``Meta``), but with
them an interpreter may crash when it ends (msgspec#717; measured: 6 of 12 commands).
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

Word = Literal["NaN", "Infinity", "-Infinity"]
Number = float | Word
"""A number; one that is not finite is a word."""
Curve = list[Number]
"""The numbers, one a step."""
Precision = Literal["float64", "float32"]


class Cpu(Struct):
    """The processor."""

    model: str = ""
    count: int | None = None
    instruction_sets: list[str] = []


class Provenance(Struct):
    """What the outside half looks at; a program may say more."""

    data_sha256: str
    harness: str | UnsetType = UNSET
    recorded: str | UnsetType = UNSET
    packages: dict[str, str] | UnsetType = UNSET
    python: str | UnsetType = UNSET
    platform: str | UnsetType = UNSET
    cpu: Cpu | UnsetType = UNSET
    variables: dict[str, str] | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    inputs: dict[str, str | list[str]] | UnsetType = UNSET
    seconds: float | UnsetType = UNSET
    selection: list[str] | UnsetType = UNSET
    errors: list[str] | UnsetType = UNSET
    renewed: dict[str, str] | str | UnsetType = UNSET
    source: str | UnsetType = UNSET


class Accepted(Struct):
    """Why a baseline was accepted, and when; an acceptance may say more."""

    reason: str
    at: str | UnsetType = UNSET


class Head(Struct, kw_only=True):
    """A record, its variants left as they are."""

    case: str
    environment: str
    provenance: dict[str, Any]
    accepted: dict[str, Any] | UnsetType = UNSET
    variants: dict[str, Any] | UnsetType = UNSET
    runs: dict[str, Any] | UnsetType = UNSET
    format: int | UnsetType = UNSET
    head: int | UnsetType = UNSET


class Trajectory(Struct, forbid_unknown_fields=True):
    """``harness.records.record.Trajectory``."""

    loss: Curve
    metrics: dict[str, list[Number]]
    gradient_norm: Curve | UnsetType = UNSET
    update_norm: Curve | UnsetType = UNSET
    reported: dict[str, list[Number]] | UnsetType = UNSET
    nonfinite_from: int | None = None
    envelope: dict[Literal["loss", "gradient_norm", "update_norm"], Curve] | UnsetType = UNSET


class Probes(Struct, forbid_unknown_fields=True):
    """``harness.records.record.Probes``."""

    tensors: list[str]
    errors: dict[str, list[Number]]
    allowances: dict[str, list[Number]]


class Fingerprint(Struct, forbid_unknown_fields=True):
    """``harness.records.record.Fingerprint``."""

    seed: int
    weights: dict[str, list[float]]
    weights_sha256: str
    order: list[list[int]]
    order_sha256: str
    presented: list[int]
    random: list[float]
    random_sha256: str
    evaluated: float
    reported: float | None


class Drops(Struct, forbid_unknown_fields=True):
    """``harness.records.record.Drops``."""

    rate: float
    generator: str
    count: int
    passes: int
    first: list[int]
    sha256: str
    dropped: Number
    agreeing: Number
    scale: Number
    spread: Number
    mismatch: Number
    host: str | None = None


class Variant(Struct, forbid_unknown_fields=True):
    """``harness.records.record.VariantRecord``."""

    weights_sha256: str
    unsupported: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    trajectories: dict[Precision, Trajectory] | UnsetType = UNSET
    probes: dict[Precision, Probes] = {}
    invariances: dict[Precision, dict[str, Number]] = {}
    fingerprint: Fingerprint | None = None
    drops: dict[Precision, Drops] = {}


class Native(Struct, forbid_unknown_fields=True):
    """Columns of native runs, one place a seed."""

    seed: list[int]
    final_loss: list[Number]
    reported_loss: list[Number] | None
    metric: list[Number]
    trained: list[bool]
