"""torch's own loss for every loss path.

Inside half: standard library and torch only.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable, NamedTuple

import torch
from torch import nn

from harness.errors import UnsupportedError
from harness.vocabulary.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    MeanSquaredError,
    TokenCrossentropy,
)

IGNORED = -100
"""``ignore_index`` of ``F.cross_entropy`` unless told otherwise."""


class Criterion(NamedTuple):
    """A loss.

    Args:
        targets: of a batch's targets and mask, what the loss takes in their place;
            once, outside the training loop, for any leading axes.
        loss: of outputs, these targets and the mask, the mean.
    """

    targets: Callable[[Any, Any], Any]
    loss: Callable[[Any, Any, Any], Any]


def build_loss(loss: Loss) -> Criterion:
    """Return torch's own loss for the loss path.

    Raises:
        UnsupportedError: torch, or this version of it, has none.
    """
    if isinstance(loss, TokenCrossentropy):
        return _tokens(loss)
    if isinstance(loss, CategoricalCrossentropy):
        entropy = nn.CrossEntropyLoss()
        return Criterion(lambda y, mask: y[..., 0].long(), lambda z, y, mask: entropy(z, y))
    if isinstance(loss, MeanSquaredError):
        squares = nn.MSELoss()
        return Criterion(_as_given, lambda p, y, mask: squares(p, y))
    if isinstance(loss, BinaryCrossentropy):
        return Criterion(_as_given, _binary(loss))
    raise UnsupportedError(f"torch: no loss {loss!r}")


def _as_given(targets: Any, mask: Any) -> Any:
    return targets


def _binary(loss: BinaryCrossentropy) -> Callable[[Any, Any, Any], Any]:
    factor = loss.positive_weight
    if loss.from_logits:
        logits = nn.BCEWithLogitsLoss(pos_weight=None if factor == 1 else torch.tensor([factor]))
        return lambda z, y, mask: logits(z, y)
    if factor == 1:
        plain = nn.BCELoss()
        return lambda p, y, mask: _or_nan(plain, p, y)
    return lambda p, y, mask: _or_nan(nn.functional.binary_cross_entropy, p, y,
                                      weight=1 + (factor - 1) * y)


def _or_nan(function: Any, outputs: Any, *arguments: Any, **named: Any) -> Any:
    try:
        return function(outputs, *arguments, **named)
    except RuntimeError:  # BCELoss refuses NaN: the run has diverged, and that is a result
        if bool(outputs.isfinite().all()):
            raise
        return outputs.sum() * float("nan")


def _tokens(loss: TokenCrossentropy) -> Criterion:
    options = {"label_smoothing": loss.label_smoothing} if loss.label_smoothing else {}
    _check(options)

    def entropy(logits: Any, targets: Any, **more: Any) -> Any:
        return nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]),
                                           targets.reshape(-1), **options, **more)

    def unreduced(logits: Any, targets: Any, mask: Any) -> Any:
        weights = mask.reshape(-1)
        return (entropy(logits, targets, reduction="none") * weights).sum() / weights.sum()

    if loss.native:
        return Criterion(lambda y, mask: y.masked_fill(mask == 0, IGNORED),
                         lambda z, y, mask: entropy(z, y, ignore_index=IGNORED))
    return Criterion(_as_given, unreduced)


def _check(options: dict[str, float]) -> None:
    """Refuse what this release's cross-entropy does not take."""
    if set(options) - set(inspect.signature(nn.CrossEntropyLoss).parameters):
        raise UnsupportedError(f"torch {torch.__version__.split('+')[0]} has no label smoothing "
                               "in cross-entropy (since 1.10)")
