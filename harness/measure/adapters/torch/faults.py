"""Faults in torch: context managers in which it has one of the catalogue's bugs.

Inside half: standard library and torch only. A fault changes torch itself, its functions
and classes, and never the harness; on exit everything is as it was. Here are those of
initialisation, data order and forward pass, in the order of ``harness.vocabulary.faults``, and the
table of all.
"""

from __future__ import annotations

import math
from typing import Any, Callable, ContextManager, Iterator
from unittest.mock import patch

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import BatchSampler, RandomSampler

from harness.measure.adapters.torch import fault_losses, fault_updates

Fault = Callable[[], ContextManager[Any]]
SPACING = 1 / 32
"""Between the entries of the table that a coarse tanh interpolates: 1e-4 off at most."""


# --------------------------------------------------------- initialisation, data order
def glorot_for_he() -> ContextManager[Any]:
    """Draw from Glorot's normal distribution where He's was asked for."""
    def kaiming_normal_(tensor: Any, *options: Any, **named: Any) -> Any:
        return nn.init.xavier_normal_(tensor)

    return patch.object(nn.init, "kaiming_normal_", kaiming_normal_)


def data_order_changed() -> ContextManager[Any]:
    """Shuffle with the global generator, not with one that it seeds."""
    def shuffle(self: Any) -> Iterator[int]:
        return iter(torch.randperm(len(self.data_source)).tolist())

    return patch.object(RandomSampler, "__iter__", shuffle)


def last_batch_dropped() -> ContextManager[Any]:
    """Drop the last batch whether asked to or not."""
    original = BatchSampler.__init__

    def construct(self: Any, sampler: Any, batch_size: int, drop_last: bool) -> None:
        original(self, sampler, batch_size, True)

    return patch.object(BatchSampler, "__init__", construct)


# ---------------------------------------------------------------------------- forward
class CoarseTanh(torch.autograd.Function):
    """tanh from a table, with the derivative that belongs to its value."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        """Interpolate linearly between the entries around x."""
        left = torch.floor(x / SPACING) * SPACING
        low, high = torch.tanh(left), torch.tanh(left + SPACING)
        y = low + (high - low) * (x - left) / SPACING
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """Return the gradient times 1 - y * y."""
        y, = ctx.saved_tensors
        return gradient * (1 - y * y)


def coarse_tanh() -> ContextManager[Any]:
    """Take tanh from a table of 32 entries a unit."""
    return patch.object(nn.Tanh, "forward", lambda self, x: CoarseTanh.apply(x))


def bfloat16_products() -> ContextManager[Any]:
    """Round the operands of float32 products to bfloat16; float64 stays as it is."""
    original = functional.linear

    def rounded(x: Any) -> Any:
        return x.bfloat16().to(x.dtype) if x.dtype == torch.float32 else x

    return patch.object(functional, "linear", lambda x, weight, bias=None: original(
        rounded(x), rounded(weight), bias))


def dropout_in_evaluation() -> ContextManager[Any]:
    """Drop units whatever the mode."""
    return patch.object(nn.Dropout, "forward", lambda self, x: functional.dropout(x, self.p, True))


def dropout_unscaled() -> ContextManager[Any]:
    """Keep the units that are kept as they are."""
    return patch.object(nn.Dropout, "forward", lambda self, x: functional.dropout(
        x, self.p, self.training) * (1 - self.p if self.training else 1))


def dropout_rate_swapped() -> ContextManager[Any]:
    """Drop the share that should be kept."""
    return patch.object(nn.Dropout, "forward", lambda self, x: functional.dropout(
        x, 1 - self.p, self.training))


def dropout_not_training() -> ContextManager[Any]:
    """Pass on what comes whatever the mode."""
    return patch.object(nn.Dropout, "forward", lambda self, x: functional.dropout(
        x, self.p, False))


def attention_ignores_padding() -> ContextManager[Any]:
    """Lose the mask of padded keys."""
    original = nn.MultiheadAttention.forward

    def forward(self: Any, query: Any, key: Any, value: Any, key_padding_mask: Any = None,
                *options: Any, **named: Any) -> Any:
        return original(self, query, key, value, None, *options, **named)

    return patch.object(nn.MultiheadAttention, "forward", forward)


def masked_row_nan() -> ContextManager[Any]:
    """Take a plain softmax of scores that are all -inf, as torch did before 2.5."""
    def attend(query: Any, key: Any, value: Any, attn_mask: Any, *options: Any) -> Any:
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        return functional.softmax(scores + attn_mask, dim=-1) @ value

    return patch.object(functional, "scaled_dot_product_attention", attend)


HERE: tuple[Fault, ...] = (
    glorot_for_he, data_order_changed, last_batch_dropped, coarse_tanh, bfloat16_products,
    dropout_in_evaluation, dropout_unscaled, dropout_rate_swapped, dropout_not_training,
    attention_ignores_padding, masked_row_nan)
PATCHES: dict[str, Fault] = {
    fault.__name__: fault for fault in (*HERE, *fault_losses.FAULTS, *fault_updates.FAULTS)}
"""Name in the catalogue -> the context in which torch has this fault."""
