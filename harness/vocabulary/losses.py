"""The losses of the closed vocabulary.

Inside half: standard library only; nothing here computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union


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


@dataclass(frozen=True)
class MeanSquaredError:
    """Mean of (probability - target) squared, after a sigmoid activation."""


@dataclass(frozen=True)
class TokenCrossentropy:
    """Cross-entropy of logits (batch, length, vocabulary), mean over unmasked tokens.

    Args:
        native: masked the framework's own way (``ignore_index`` in torch, Keras
            masks); otherwise the per-token losses, unreduced, times the mask,
            their sum divided by the mask's.
        label_smoothing: share of the target spread evenly over the vocabulary.
    """

    native: bool
    label_smoothing: float = 0.0


Loss = Union[BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError, TokenCrossentropy]
