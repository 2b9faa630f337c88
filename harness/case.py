"""The closed vocabulary in which a case is declared, once for every adapter.

Inside half: standard library and NumPy only. Adapters translate these frozen
dataclasses into their framework's own native API; nothing here computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Union

import numpy as np

PRECISIONS = ("float64", "float32")


# ---------------------------------------------------------------- layers
@dataclass(frozen=True)
class Concatenate:
    """Join all inputs along the last axis; only as the first layer."""


@dataclass(frozen=True)
class Dense:
    """``activation(x @ kernel + bias)``.

    Args:
        name: the key of its kernel (inputs, units) and bias (units,) in the
            file of initial weights.
        units: width of the output.
        activation: ``"tanh"``, ``"relu"``, ``"sigmoid"``, ``"softmax"`` or None.
    """

    name: str
    units: int
    activation: str | None = None


@dataclass(frozen=True)
class Lambda:
    """An elementwise function applied as an anonymous layer.

    A loss that looks for the activation behind its input (Keras, Axon) may not
    find this one, and then takes another gradient path.
    """

    function: str


Layer = Union[Concatenate, Dense, Lambda]


# ---------------------------------------------------------------- losses
@dataclass(frozen=True)
class BinaryCrossentropy:
    """Mean binary cross-entropy of targets 0 and 1.

    Args:
        from_logits: the model's output is a logit, not a probability.
        positive_weight: factor on the terms of positive targets. The mean is
            over the batch size, not over the sum of the weights.
    """

    from_logits: bool
    positive_weight: float = 1.0


@dataclass(frozen=True)
class CategoricalCrossentropy:
    """Mean cross-entropy of one-hot targets after a softmax activation."""


Loss = Union[BinaryCrossentropy, CategoricalCrossentropy]


# ------------------------------------------------- schedules, optimizers
@dataclass(frozen=True)
class StepDecay:
    """``initial * factor ** (step // every)``, steps counted from 0."""

    initial: float
    factor: float
    every: int

    def __str__(self) -> str:
        return f"{self.initial:g}_step_decay"


LearningRate = Union[float, StepDecay]


@dataclass(frozen=True)
class SGD:
    """``w -= learning_rate * g``."""

    learning_rate: LearningRate

    def __str__(self) -> str:
        return f"sgd_{self.learning_rate}"


@dataclass(frozen=True)
class Adam:
    """Adam, Kingma & Ba 2015, algorithm 1: epsilon is added to sqrt(v_hat)."""

    learning_rate: LearningRate
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __str__(self) -> str:
        return f"adam_{self.learning_rate}"


Optimizer = Union[SGD, Adam]


@dataclass(frozen=True)
class ClipNorm:
    """Scale all gradients by ``min(1, maximum / global L2 norm)``."""

    maximum: float

    def __str__(self) -> str:
        return f"clipnorm_{self.maximum:g}"


@dataclass(frozen=True)
class ClipValue:
    """Clip every gradient component to ``[-maximum, maximum]``."""

    maximum: float

    def __str__(self) -> str:
        return f"clipvalue_{self.maximum:g}"


Clip = Union[ClipNorm, ClipValue]


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


Promise = Union[StaysFinite, LossFalls, MetricReaches]


# ----------------------------------------------------------------- cases
@dataclass(frozen=True)
class Batches:
    """A case's data, batched in training order, as float32.

    Args:
        inputs: one array (steps, batch, features) per input of the model.
        targets: (steps, batch, 1), values 0 and 1.
        evaluation_inputs: one array (examples, features) per input.
        evaluation_targets: (examples, 1).
    """

    inputs: tuple[np.ndarray, ...]
    targets: np.ndarray
    evaluation_inputs: tuple[np.ndarray, ...]
    evaluation_targets: np.ndarray

    @property
    def steps(self) -> int:
        """Number of training steps."""
        return len(self.targets)


@dataclass(frozen=True)
class Variant:
    """One recipe of a case: a loss path x an optimizer, with its weights.

    Args:
        loss_path: name of layers and loss together, such as ``bce_sigmoid``.
        weights: file of initial weights in ``cases/data``.
        scale: factor on all of them; a large one saturates the output.
        note: what sets it apart from its siblings, the end of its name.
    """

    loss_path: str
    layers: tuple[Layer, ...]
    loss: Loss
    optimizer: Optimizer
    weights: str
    scale: float = 1.0
    clip: Clip | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a loss that does not fit the model's output."""
        last = self.layers[-1]
        output = last.activation if isinstance(last, Dense) else getattr(last, "function", None)
        if isinstance(self.loss, BinaryCrossentropy):
            fits = output == (None if self.loss.from_logits else "sigmoid")
        elif isinstance(self.loss, CategoricalCrossentropy):
            fits = output == "softmax"
        else:
            fits = True
        if not fits:
            raise ValueError(f"{self.name}: {self.loss} does not fit the output {output!r}")

    @property
    def name(self) -> str:
        """``<loss path>-<optimizer>[-<clip>][-<note>]``."""
        parts = (self.loss_path, str(self.optimizer), str(self.clip or ""), self.note)
        return "-".join(part for part in parts if part)

    @property
    def dense_layers(self) -> tuple[Dense, ...]:
        """The layers that have parameters, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))


@dataclass(frozen=True)
class Case:
    """A small training problem with fixed data and fixed initial weights.

    Args:
        data: file in ``cases/data``; ``read`` turns its JSON into batches.
        metrics: names from ``harness.metrics``, measured every ``metric_every``
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
