"""torch's own optimizers, schedules and gradient clipping.

Inside half: standard library and torch only.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable, NamedTuple, Sequence

import torch
from torch import nn

from harness.errors import UnsupportedError
from harness.vocabulary.case import Variant
from harness.vocabulary.optimizers import (
    SGD,
    Adam,
    AdamW,
    Clip,
    ClipNorm,
    ClipValue,
    LearningRate,
    StepDecay,
)


class Stepper(NamedTuple):
    """An optimizer and its schedule, new.

    Args:
        clip: clips the gradients in place, or None.
        scheduler: or None.
    """

    optimizer: Any
    clip: Callable[[], Any] | None
    scheduler: Any

    def update(self) -> None:
        """Take the step that the gradients ask for."""
        if self.clip:
            self.clip()
        self.optimizer.step()
        if self.scheduler:
            self.scheduler.step()


def build_stepper(variant: Variant, parameters: Sequence[Any]) -> Stepper:
    """Return torch's own optimizer, clipping and schedule for the parameters.

    Raises:
        UnsupportedError: torch, or this version of it, has none.
    """
    optimizer = build_optimizer(variant, parameters)
    return Stepper(optimizer, build_clip(variant.clip, parameters),
                   build_scheduler(variant.optimizer.learning_rate, optimizer))


def build_optimizer(variant: Variant, parameters: Sequence[Any]) -> Any:
    """Return torch's own optimizer, which keeps no state yet."""
    declared = variant.optimizer
    if not isinstance(declared, (SGD, Adam, AdamW)):
        raise UnsupportedError(f"torch: no optimizer {declared!r}")
    rate = initial_rate(declared.learning_rate)
    if isinstance(declared, SGD):
        return _sgd(declared, parameters, rate)
    options: dict[str, Any] = {"lr": rate, "eps": declared.epsilon,
                               "betas": (declared.beta_1, declared.beta_2)}
    if isinstance(declared, AdamW):
        return torch.optim.AdamW(parameters, weight_decay=declared.weight_decay, **options)
    return torch.optim.Adam(parameters, **options)


def _sgd(sgd: SGD, parameters: Sequence[Any], rate: float) -> Any:
    options: dict[str, Any] = {"lr": rate, "momentum": sgd.momentum,
                               "weight_decay": sgd.weight_decay}
    if not sgd.maximize:
        return torch.optim.SGD(parameters, **options)
    if "maximize" not in inspect.signature(torch.optim.SGD).parameters:
        raise UnsupportedError(f"torch {torch.__version__.split('+')[0]} has no maximize in SGD "
                               "(since 1.11)")
    return torch.optim.SGD(parameters, maximize=True, **options)


def initial_rate(rate: LearningRate) -> float:
    """Return the learning rate to begin with."""
    if isinstance(rate, StepDecay):
        return rate.initial
    if isinstance(rate, float):
        return rate
    raise UnsupportedError(f"torch: no learning rate {rate!r}")


def build_scheduler(rate: LearningRate, optimizer: Any) -> Any:
    """Return torch's own learning-rate schedule, or None."""
    if not isinstance(rate, StepDecay):
        return None
    return torch.optim.lr_scheduler.StepLR(optimizer, rate.every, rate.factor)


def build_clip(clip: Clip | None, parameters: Sequence[Any]) -> Callable[[], Any] | None:
    """Return torch's own gradient clipping, or None."""
    if clip is None:
        return None
    if not isinstance(clip, (ClipNorm, ClipValue)):
        raise UnsupportedError(f"torch: no clipping {clip!r}")
    maximum = clip.maximum
    if isinstance(clip, ClipNorm):
        return lambda: nn.utils.clip_grad_norm_(parameters, maximum)
    return lambda: nn.utils.clip_grad_value_(parameters, maximum)
