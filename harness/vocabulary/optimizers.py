"""The optimizers, schedules and gradient clippings of the closed vocabulary.

Inside half: standard library only; nothing here computes. Their strings are parts
of variants' names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union


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
    """``v = momentum * v + g + weight_decay * w``; ``w -= learning_rate * v``.

    Args:
        momentum: heavy ball, Polyak 1964; v starts at 0.
        weight_decay: only without momentum, where coupled and decoupled agree.
        maximize: climb: g has the opposite sign, the decay has not.
    """

    learning_rate: LearningRate
    momentum: float = 0.0
    weight_decay: float = 0.0
    maximize: bool = False

    def __str__(self) -> str:
        parts = [f"sgd_{self.learning_rate}"]
        parts += [f"momentum_{self.momentum:g}"] if self.momentum else []
        parts += [f"decay_{self.weight_decay:g}"] if self.weight_decay else []
        return "_".join([*parts, *(["maximize"] if self.maximize else [])])


@dataclass(frozen=True)
class Adam:
    """Adam, Kingma & Ba 2015, algorithm 1: epsilon is added to sqrt(v_hat)."""

    learning_rate: LearningRate
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __str__(self) -> str:
        return f"adam_{self.learning_rate}"


@dataclass(frozen=True)
class AdamW:
    """Adam, and ``w -= learning_rate * weight_decay * w`` apart from the gradient.

    Loshchilov & Hutter 2019, algorithm 2, with the decay scaled by the learning rate
    as torch and Keras do.
    """

    learning_rate: LearningRate
    weight_decay: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __str__(self) -> str:
        return f"adamw_{self.learning_rate}_decay_{self.weight_decay:g}"


Optimizer = Union[SGD, Adam, AdamW]


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
