"""Faults in torch's losses and gradients; see ``faults``.

Inside half: standard library and torch only.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, ContextManager, Iterator
from unittest.mock import patch

import torch
from torch import nn
from torch.nn import _reduction, functional

COARSE_EPSILON, AXON_EPSILON = 1e-3, 1e-7


# ------------------------------------------------------------------------------- loss
def mean_before_mask() -> ContextManager[Any]:
    """Return the mean where the loss of every position was asked for."""
    original = functional.cross_entropy

    def cross_entropy(*arguments: Any, reduction: str = "mean", **named: Any) -> Any:
        return original(*arguments, reduction="mean", **named)

    return patch.object(functional, "cross_entropy", cross_entropy)


def padded_length_divisor() -> ContextManager[Any]:
    """Divide by the number of all positions, those that are ignored included."""
    original = functional.cross_entropy

    def cross_entropy(*arguments: Any, reduction: str = "mean", **named: Any) -> Any:
        if reduction != "mean":
            return original(*arguments, reduction=reduction, **named)
        return original(*arguments, reduction="none", **named).mean()

    return patch.object(functional, "cross_entropy", cross_entropy)


def smoothing_into_padding() -> ContextManager[Any]:
    """Take the uniform part of a smoothed loss from ignored positions as well."""
    original = functional.cross_entropy

    def cross_entropy(logits: Any, target: Any, label_smoothing: float = 0.0,
                      **named: Any) -> Any:
        uniform = -functional.log_softmax(logits, dim=-1).mean()
        return ((1 - label_smoothing) * original(logits, target, **named)
                + label_smoothing * uniform)

    return patch.object(functional, "cross_entropy", cross_entropy)


def class_weights_ignored() -> ContextManager[Any]:
    """Lose the weights of binary cross-entropy, of probabilities and of logits."""
    plain, logits = functional.binary_cross_entropy, functional.binary_cross_entropy_with_logits
    return patch.multiple(
        functional,
        binary_cross_entropy=lambda p, y, weight=None, **named: plain(p, y, **named),
        binary_cross_entropy_with_logits=lambda z, y, weight=None, pos_weight=None, **named: logits(
            z, y, **named))


def sum_reduction() -> ContextManager[Any]:
    """Let every loss sum where a mean was asked for."""
    original = _reduction.get_enum
    return patch.object(_reduction, "get_enum", lambda reduction: original(
        "sum" if reduction == "mean" else reduction))


def double_softmax() -> ContextManager[Any]:
    """Take cross-entropy's logits through a softmax first."""
    original = functional.cross_entropy
    return patch.object(functional, "cross_entropy", lambda logits, *arguments, **named: original(
        logits.softmax(dim=-1), *arguments, **named))


def bce_epsilon() -> ContextManager[Any]:
    """Clip probabilities at 1e-3."""
    original = functional.binary_cross_entropy
    return patch.object(functional, "binary_cross_entropy", lambda p, *arguments, **named: original(
        p.clamp(COARSE_EPSILON, 1 - COARSE_EPSILON), *arguments, **named))


# --------------------------------------------------------------------------- gradient
class SquaringClip(torch.autograd.Function):
    """A clip to (1e-7, 1 - 1e-7) as Nx 0.6.4 had it: it squares the gradient."""

    @staticmethod
    def forward(ctx: Any, p: Any) -> Any:
        """Clip; this is right."""
        clipped = p.clamp(AXON_EPSILON, 1 - AXON_EPSILON)
        ctx.save_for_backward(p == clipped)
        return clipped

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """Return the gradient times the masked gradient, not times the mask."""
        inside, = ctx.saved_tensors
        return gradient * (gradient * inside)


class OverflowingSigmoid(torch.autograd.Function):
    """A sigmoid with the derivative exp(-z) * p * p, as Nx has it: it overflows."""

    @staticmethod
    def forward(ctx: Any, z: Any) -> Any:
        """Return 1 / (1 + exp(-z))."""
        p = 1 / (1 + torch.exp(-z))
        ctx.save_for_backward(z, p)
        return p

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """Return the gradient times the derivative; below z = -88.72 inf * 0 in float32."""
        z, p = ctx.saved_tensors
        return gradient * (torch.exp(-z) * p * p)


def squared_bce_gradient() -> ContextManager[Any]:
    """Square the gradient of binary cross-entropy by the probability; its value is right."""
    original = functional.binary_cross_entropy
    return patch.object(functional, "binary_cross_entropy", lambda p, *arguments, **named: original(
        SquaringClip.apply(p), *arguments, **named))


@contextmanager
def squared_bce_gradient_nan() -> Iterator[None]:
    """Do so in front of a sigmoid whose derivative overflows."""
    sigmoid = patch.object(nn.Sigmoid, "forward", lambda self, z: OverflowingSigmoid.apply(z))
    with squared_bce_gradient(), sigmoid:
        yield


def missing_zero_grad() -> ContextManager[Any]:
    """Keep the gradients, so that the next ones are added to them."""
    return patch.object(torch.optim.Optimizer, "zero_grad", lambda self, *_, **__: None)


def relu_subgradient() -> ContextManager[Any]:
    """Let relu have ``clamp``'s gradient, which is 1 at 0."""
    return patch.object(nn.ReLU, "forward", lambda self, x: x.clamp(min=0))


class RedrawnDropout(torch.autograd.Function):
    """A dropout that draws a mask on the way forth, and another on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Any, rate: float) -> Any:
        """Drop; this is right."""
        ctx.rate = rate
        return torch.dropout(x, rate, True)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """Drop anew."""
        return torch.dropout(gradient, ctx.rate, True), None


def dropout_mask_redrawn() -> ContextManager[Any]:
    """Let the way back through dropout draw a mask of its own."""
    return patch.object(nn.Dropout, "forward", lambda self, x: (
        RedrawnDropout.apply(x, self.p) if self.training else x))


FAULTS = (mean_before_mask, padded_length_divisor, smoothing_into_padding, class_weights_ignored,
          sum_reduction, double_softmax, bce_epsilon, squared_bce_gradient,
          squared_bce_gradient_nan, missing_zero_grad, relu_subgradient, dropout_mask_redrawn)
