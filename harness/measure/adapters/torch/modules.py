"""What ``torch.nn`` has no module for, or takes its arguments otherwise.

Inside half: standard library and torch only. Every module takes and returns (batch,
length, features), or (batch, features).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

FUNCTIONS = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}


class Masked(nn.Module):
    """A layer that is told which positions are real."""


class Layers(nn.Sequential):
    """Layers one after another."""

    def forward(self, x: Any, mask: Any = None) -> Any:
        """Pass a mask (batch, length), 1 for real positions, to those that take one."""
        for module in self:
            x = module(x, mask) if isinstance(module, Masked) else module(x)
        return x


class Joined(nn.Module):
    """Concatenate all inputs along the last axis."""

    def forward(self, inputs: Any) -> Any:
        """Join a tuple of tensors; one alone is passed on."""
        return torch.cat(inputs, dim=-1) if len(inputs) > 1 else inputs[0]


class Applied(nn.Module):
    """A function as an anonymous layer."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function = FUNCTIONS[function]

    def forward(self, x: Any) -> Any:
        """Apply the function elementwise."""
        return self.function(x)


class Added(Masked):
    """``x + layers(x)``."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = Layers(*layers)

    def forward(self, x: Any, mask: Any) -> Any:
        """Add what the layers give."""
        return x + self.layers(x, mask)


class CausalAttention(Masked):
    """``nn.MultiheadAttention`` to itself, before and at a position, without padding."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads)

    def forward(self, x: Any, mask: Any) -> Any:
        """Attend; batch_first needs 1.9, so the length is put first here."""
        x = x.transpose(0, 1)
        position = torch.arange(len(x))
        attended, _ = self.attention(
            x, x, x, need_weights=False, attn_mask=position[None, :] > position[:, None],
            key_padding_mask=None if mask is None else mask == 0)
        return attended.transpose(0, 1)


class Recurrent(Masked):
    """``nn.LSTM``; of its two biases the second stays 0 and is not trained.

    Args:
        packed: leave the padding out with ``pack_padded_sequence``, which refuses a
            row that is all padding.
    """

    def __init__(self, width: int, units: int, packed: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, units, batch_first=True)
        self.lstm.bias_hh_l0.requires_grad_(False).zero_()
        self.packed = packed

    def forward(self, x: Any, mask: Any) -> Any:
        """Return the hidden states; packed, those of padding are 0."""
        if not self.packed or mask is None:
            return self.lstm(x)[0]
        lengths = mask.sum(dim=1).long().clamp(min=1)  # packing refuses a row of padding
        given = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(given)[0], batch_first=True,
                                   total_length=x.shape[1])[0]


class Convolved(nn.Module):
    """Convolutions over the length, one after another; torch wants channels first."""

    def __init__(self, *convolutions: nn.Module) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*convolutions)

    def forward(self, x: Any) -> Any:
        """Convolve (batch, length, channels)."""
        return self.convolutions(x.transpose(1, 2)).transpose(1, 2)


class DividedByMaximum(nn.Module):
    """Divide by the maximum over the length."""

    def forward(self, x: Any) -> Any:
        """Divide; ``amax`` lets ties share the gradient evenly."""
        return x / (torch.amax(x.abs(), dim=1, keepdim=True) + 1e-8)
