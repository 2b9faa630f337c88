"""A case: its data, its variants and its promises, declared once for every adapter.

Inside half: standard library and NumPy only; nothing here computes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Callable, Mapping, Union

import numpy as np

from harness.errors import HarnessError, unknown
from harness.vocabulary.layers import Dense, Dropout, Layer, flat
from harness.vocabulary.losses import BinaryCrossentropy, Loss, TokenCrossentropy
from harness.vocabulary.optimizers import Clip, Optimizer

PRECISIONS = ("float64", "float32")
METRICS = ("accuracy", "precision", "recall", "f1", "token_accuracy")
"""What a case may measure; ``harness.vocabulary.metrics`` says what they are."""


# -------------------------------------------------------------- promises
@dataclass(frozen=True)
class StaysFinite:
    """Every loss and every parameter stays finite."""


@dataclass(frozen=True)
class LossFalls:
    """The mean loss of the last tenth of the steps is below the first tenth's."""


@dataclass(frozen=True)
class MetricReaches:
    """A metric ends at or above a minimum, on the evaluation set."""

    metric: str
    minimum: float


@dataclass(frozen=True)
class IgnoresPadding:
    """Padding has no gradient, and neither its content nor its length changes the loss."""


@dataclass(frozen=True)
class AddsUp:
    """The loss of a batch is the mean of its rows' losses, weighted by their tokens."""


@dataclass(frozen=True)
class DropsOut:
    """In training mode dropout drops its share, anew in every pass, and scales what it keeps.

    What is kept is multiplied by 1 / (1 - rate), on the way back as on the way forth. Every
    variant has a dropout between a dense layer and one of a single unit.
    """


Promise = Union[StaysFinite, LossFalls, MetricReaches, IgnoresPadding, AddsUp, DropsOut]
CLAIMS = {
    IgnoresPadding: ("padding_gradient", "padding_content", "padding_length"),
    AddsUp: ("row_losses",),
}
"""Promise -> the figures that must be 0 for it."""


# ------------------------------------------------------------------ data
@dataclass(frozen=True)
class Batch:
    """What one step is given.

    Args:
        inputs: one array per input of the model: (batch, features), (batch, length,
            channels), or integer tokens (batch, length).
        targets: (batch, 1), values 0 and 1; or integer tokens (batch, length).
        mask: (batch, length), 1 for real positions and 0 for padding; sequences only.
    """

    inputs: tuple[np.ndarray, ...]
    targets: np.ndarray
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class Batches:
    """A case's data, batched in training order; numbers as float32, tokens as int64.

    Args:
        inputs: as in Batch, with a leading axis of steps.
        targets: as in Batch, with a leading axis of steps.
        evaluation: the set on which metrics are taken.
        mask: as in Batch, with a leading axis of steps.
    """

    inputs: tuple[np.ndarray, ...]
    targets: np.ndarray
    evaluation: Batch
    mask: np.ndarray | None = None

    @property
    def steps(self) -> int:
        """Number of training steps."""
        return len(self.targets)

    def __getitem__(self, step: int) -> Batch:
        """Return the batch of one step."""
        return Batch(tuple(x[step] for x in self.inputs), self.targets[step],
                     None if self.mask is None else self.mask[step])


# ----------------------------------------------------------------- cases
@dataclass(frozen=True)
class Variant:
    """One recipe of a case: a loss path x an optimizer, with its weights.

    Args:
        loss_path: name of layers and loss together, such as ``bce_sigmoid``.
        weights: file of initial weights in ``cases/data``.
        scale: factor on all of them; a large one saturates the output.
        padding: side of the padding, ``"right"`` or ``"left"``; sequences only.
        note: what sets it apart from its siblings, the end of its name.
    """

    loss_path: str
    layers: tuple[Layer, ...]
    loss: Loss
    optimizer: Optimizer
    weights: str
    scale: float = 1.0
    clip: Clip | None = None
    padding: str = "right"
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a loss that does not fit the model's output."""
        last = self.layers[-1]
        output = last.activation if isinstance(last, Dense) else getattr(last, "function", None)
        if isinstance(self.loss, TokenCrossentropy):
            wanted = None
        elif isinstance(self.loss, BinaryCrossentropy):
            wanted = None if self.loss.from_logits else "sigmoid"
        else:
            wanted = _OUTPUTS.get(type(self.loss).__name__, output)
        if output != wanted:
            raise ValueError(f"{self.name}: {self.loss} does not fit the output {output!r}")

    @property
    def name(self) -> str:
        """``<loss path>-<optimizer>[-<clip>][-<note>]``."""
        parts = (self.loss_path, str(self.optimizer), str(self.clip or ""), self.note)
        return "-".join(part for part in parts if part)

    @property
    def trains_in_evaluation_mode(self) -> bool:
        """Whether it holds dropout, whose masks cannot be injected."""
        return any(isinstance(layer, Dropout) for layer in flat(self.layers))


_OUTPUTS = {"CategoricalCrossentropy": "softmax", "MeanSquaredError": "sigmoid"}


@dataclass(frozen=True)
class Native:
    """Native runs: the framework's own initialisers, shuffling, loop and defaults.

    They train on the evaluation set, once for every seed.

    Args:
        variants: names of the variants to train so; weights, scale and batches of
            theirs are not used.
        trained: the metric that a run must reach to count as trained.
    """

    variants: tuple[str, ...]
    seeds: int
    epochs: int
    batch_size: int
    trained: MetricReaches


@dataclass(frozen=True)
class Case:
    """A small training problem with fixed data and fixed initial weights.

    Args:
        data: file in ``cases/data``; ``read`` turns its JSON into batches.
        metrics: names from ``harness.vocabulary.metrics``, measured every ``metric_every``
            steps before the update and once after the last update.
        promises: what a healthy training of this case does.
    """

    name: str
    summary: str
    data: str
    read: Callable[[Mapping[str, Any]], Batches]
    variants: tuple[Variant, ...]
    metrics: tuple[str, ...]
    metric_every: int
    promises: tuple[Promise, ...]
    native: Native | None = None

    def __post_init__(self) -> None:
        """Refuse two variants of one name, and names that nothing has.

        Raises:
            HarnessError: baselines are kept by a variant's name, so two recipes of one name
                would be one; or a metric or a native variant does not exist.
        """
        named: dict[str, Variant] = {}
        for variant in self.variants:
            if variant.name in named:
                raise _same_name(self.name, named[variant.name], variant)
            named[variant.name] = variant
        asked = [p.metric for p in self.promises if isinstance(p, MetricReaches)]
        asked += [self.native.trained.metric] if self.native else []
        for metric in (*self.metrics, *asked):
            if metric not in METRICS:
                raise unknown("metric", metric, METRICS, f"case {self.name}",
                              "name one that is known")
        for name in self.native.variants if self.native else ():
            if name not in named:
                raise unknown("variant with native runs", name, named, f"case {self.name}",
                              "name one that is known")

    def leads(self, variant: Variant) -> bool:
        """Return whether a variant is the first of those that differ in their optimizer alone.

        What does not depend on the optimizer is measured there, for all of them.
        """
        def path(one: Variant) -> tuple[object, ...]:
            return one.layers, one.loss, one.weights, one.scale, one.padding

        return next(one for one in self.variants if path(one) == path(variant)) == variant


def _same_name(case: str, one: Variant, other: Variant) -> HarnessError:
    """Return the error for two recipes of one name: in what they differ, and what to type."""
    parts = [f"{name} {before!r} and {after!r}" for name, before, after in _differences(one, other)]
    note = "_".join(_words(one, other)) or "again"
    return HarnessError(
        f"two variants have the same name {one.name!r}, and only one of them could be measured",
        f"case {case}", "they differ in " + "; ".join(parts) if parts else "they are equal",
        f"give the second a note: replace(variant, note={note!r})" if parts
        else "remove one of them")


def _differences(one: Any, other: Any) -> list[tuple[str, Any, Any]]:
    """Return name and both values of every field that differs."""
    return [(field.name, getattr(one, field.name), getattr(other, field.name))
            for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)]


def _words(one: Any, other: Any) -> list[str]:
    """Return what sets the second of two recipes apart, as words of a name."""
    words = []
    for name, before, after in _differences(one, other):
        if type(before) is type(after) and hasattr(after, "__dataclass_fields__"):
            words += _words(before, after)
        else:
            words += [f"other_{name}" if isinstance(after, tuple) else
                      f"{name}_{after:g}" if isinstance(after, float) else
                      f"{name}_{str(after).partition('.')[0]}"]
    return words
