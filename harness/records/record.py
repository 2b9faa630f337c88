"""The record: what one environment measured on one case, one JSON file.

Inside half: standard library and NumPy only. The two halves meet in this file alone;
``harness.records.writing`` reads and writes it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, MutableMapping, Sequence

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

    loss: Sequence[float]
    gradient_norm: Sequence[float] | None = None
    update_norm: Sequence[float] | None = None
    metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)
    reported: Mapping[str, Sequence[float]] | None = None
    nonfinite_from: int | None = None
    envelope: Mapping[str, Sequence[float]] | None = None


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
class Drops:
    """What dropout does in training mode, in several passes over one example after seeding.

    Args:
        rate: share of units to drop, as declared.
        generator: the random stream that masks come from.
        count: units times passes.
        passes: number of passes.
        first: the first units of the first pass, 1 for one that is kept, 0 for a dropped one.
        sha256: of all masks.
        dropped: share of units that were dropped.
        agreeing: share of units that one pass treats as the pass before.
        scale: mean factor on units that were kept.
        spread: largest relative deviation of such a factor from 1 / (1 - rate).
        mismatch: largest difference between the factors of a unit on the way forth and
            back, relative to 1 / (1 - rate).
        host: architecture and maker of the processor, where they can decide the generator.
    """

    rate: float
    generator: str
    count: int
    passes: int
    first: list[int]
    sha256: str
    dropped: float
    agreeing: float
    scale: float
    spread: float
    mismatch: float
    host: str | None = None


@dataclass
class VariantRecord:
    """What was measured of one variant, or why it could not be.

    Args:
        weights_sha256: of the file of initial weights.
        trajectories: by precision, ``"float64"`` and ``"float32"``.
        probes: by precision.
        invariances: by precision and claim, a change that should be 0
            (``harness.measure.invariances``).
        fingerprint: of native runs, where the case has them.
        drops: by precision, where the case promises something of dropout.
        unsupported: why the adapter cannot express the variant.
        error: what the framework raised instead of training it.
        key: of the text it was read from; two with the same key are identical.
    """

    weights_sha256: str
    trajectories: dict[str, Trajectory] = field(default_factory=dict)
    probes: dict[str, Probes] = field(default_factory=dict)
    invariances: dict[str, dict[str, float]] = field(default_factory=dict)
    fingerprint: Fingerprint | None = None
    drops: dict[str, Drops] = field(default_factory=dict)
    unsupported: str | None = None
    error: str | None = None
    key: str | None = field(default=None, compare=False)


Decode = Callable[[str, Any], VariantRecord]
"""Makes a variant of its name and of what there is to read it from."""


class Variants(MutableMapping[str, VariantRecord]):
    """Variants by name, each decoded when it is first asked for."""

    def __init__(self, sources: dict[str, Any], decode: Decode,
                 find_key: Callable[[Any], str]) -> None:
        """Take what the variants are decoded from.

        Args:
            sources: by name, whatever ``decode`` reads.
            decode: (name, source) -> the variant, or an error if it cannot be read.
            find_key: source -> the variant's key, without decoding it.
        """
        self.sources, self.decode, self.find_key = sources, decode, find_key
        self._decoded: dict[str, VariantRecord] = {}

    def key(self, name: str) -> str | None:
        """Return a variant's key without decoding it."""
        if name in self._decoded:
            return self._decoded[name].key
        return self.find_key(self.sources[name])

    def __getitem__(self, name: str) -> VariantRecord:
        if name not in self._decoded:
            self._decoded[name] = self.decode(name, self.sources[name])
        return self._decoded[name]

    def __setitem__(self, name: str, variant: VariantRecord) -> None:
        self.sources.setdefault(name, None)
        self._decoded[name] = variant

    def __delitem__(self, name: str) -> None:
        del self.sources[name]
        self._decoded.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self.sources

    def __iter__(self) -> Iterator[str]:
        return iter(self.sources)

    def __len__(self) -> int:
        return len(self.sources)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, VariantRecord]:
        return copy.deepcopy(dict(self.items()), memo)


@dataclass
class Record:
    """One environment's measurements of one case.

    Args:
        provenance: packages, interpreter, machine, threads, ``data_sha256``.
        variants: by name; what is read from a file is decoded when it is asked for.
        accepted: reason and time of acceptance; baselines only.
    """

    case: str
    environment: str
    provenance: dict[str, Any]
    variants: MutableMapping[str, VariantRecord]
    accepted: dict[str, Any] | None = None

    def key(self, variant: str) -> str | None:
        """Return a variant's key, without decoding it; None where it has none."""
        if isinstance(self.variants, Variants):
            return self.variants.key(variant)
        return self.variants[variant].key


@dataclass
class NativeRun:
    """One native training.

    Args:
        final_loss: of all examples at the final weights, computed by the harness from
            the framework's predictions; not finite if the run diverged.
        reported_loss: what the framework's loop says of the last epoch, a mean over
            weights on the move; None where it has no loop.
        metric: at the final weights, of ``case.native.trained``.
        trained: whether the metric reached its minimum.
    """

    seed: int
    final_loss: float
    reported_loss: float | None
    metric: float
    trained: bool


@dataclass
class Fingerprint:
    """What a seed determines in a framework, before any training.

    Args:
        weights: name of each parameter, in order -> mean, standard deviation, count.
        weights_sha256: of all of them, float32 in the vocabulary's shapes.
        order: the first indices of each epoch of shuffled data.
        order_sha256: of all indices of all epochs.
        presented: number of examples in each epoch, of ``EXAMPLES`` given.
        random: the first uniform float32 numbers after seeding.
        random_sha256: of these.
        evaluated: mean loss of the first ``EXAMPLES`` examples at the initial weights,
            computed by the harness from the framework's predictions.
        reported: the same as the framework evaluates it, batch by batch; None where it
            has no such function.
    """

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
