"""The layers of the closed vocabulary in which a case's model is declared.

Inside half: standard library only. Adapters translate these frozen dataclasses into
their framework's own native API, the reference into NumPy; nothing here computes.
A layer with parameters has a ``name``; ``PARTS`` are what it keeps under that name,
in order. Shapes are written as (batch, length, features); Dense takes any number of
leading axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Iterator, Sequence, Union


@dataclass(frozen=True)
class Concatenate:
    """Join all inputs along the last axis; only as the first layer."""


@dataclass(frozen=True)
class Dense:
    """``activation(x @ kernel + bias)``, over the last axis.

    Args:
        name: of its kernel (inputs, units) and bias (units,).
        units: width of the output.
        activation: ``"tanh"``, ``"relu"``, ``"sigmoid"``, ``"softmax"`` or None.
        initializer: of native runs, ``"he_normal"`` or None, the framework's default.
    """

    name: str
    units: int
    activation: str | None = None
    initializer: str | None = None
    PARTS: ClassVar[tuple[str, ...]] = ("kernel", "bias")


@dataclass(frozen=True)
class Lambda:
    """An elementwise function applied as an anonymous layer.

    A loss that looks for the activation behind its input (Keras, Axon) may not
    find this one, and then takes another gradient path.
    """

    function: str


@dataclass(frozen=True)
class Embedding:
    """Row ``token`` of a table (vocabulary, width), for tokens (batch, length)."""

    name: str
    vocabulary: int
    width: int
    PARTS: ClassVar[tuple[str, ...]] = ("table",)


@dataclass(frozen=True)
class Attention:
    """Causal multi-head self-attention with projections, Vaswani et al. 2017.

    ``softmax(q k' / sqrt(width / heads)) v`` per head, then the output projection;
    every projection is (width, width) with a bias (width,), heads side by side.
    A position sees itself and those before it, padding excluded. What a position
    gives that sees nothing at all (padding at the left) is not defined: no loss
    may depend on it.
    """

    name: str
    heads: int
    PARTS: ClassVar[tuple[str, ...]] = (
        "query_kernel", "query_bias", "key_kernel", "key_bias",
        "value_kernel", "value_bias", "output_kernel", "output_bias")


@dataclass(frozen=True)
class LSTM:
    """Long short-term memory, Hochreiter & Schmidhuber 1997 with forget gates.

    Returns the hidden state (batch, length, units) at every position, from a zero
    state. Gates in the order input, forget, cell, output: kernel (inputs, 4 units),
    recurrent_kernel (units, 4 units), one bias (4 units,); sigmoid gates, tanh cell.
    Padding is at the right only, so it needs no mask.
    """

    name: str
    units: int
    PARTS: ClassVar[tuple[str, ...]] = ("kernel", "recurrent_kernel", "bias")


@dataclass(frozen=True)
class Residual:
    """``x + layers(x)``."""

    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Dropout:
    """Dropout: in evaluation mode the identity, in training mode random.

    Its masks cannot be injected, so a variant that holds it is trained in evaluation
    mode (``model.eval()``, ``training=False``), as one fine-tunes. What it does in
    training mode is measured apart, where the case promises it (``harness.measure.dropout``):
    a unit is dropped with the probability ``rate``, any other is multiplied by
    1 / (1 - rate), "inverted dropout"; Srivastava et al. 2014 scale at test time.
    """

    rate: float


@dataclass(frozen=True)
class Conv1D:
    """``activation(cross-correlation + bias)`` over the length, same padding, stride 1.

    Args:
        name: of its kernel (size, channels, filters) and bias (filters,).
        size: odd.
        initializer: as in Dense.
    """

    name: str
    filters: int
    size: int
    activation: str | None = None
    initializer: str | None = None
    PARTS: ClassVar[tuple[str, ...]] = ("kernel", "bias")


@dataclass(frozen=True)
class SeparableConv1D:
    """Each channel convolved alone, then mixed point by point; same padding, stride 1.

    Args:
        name: of depthwise_kernel (size, channels, 1), pointwise_kernel (1, channels,
            filters) and bias (filters,), which is added before the activation.
        size: odd.
    """

    name: str
    filters: int
    size: int
    activation: str | None = None
    PARTS: ClassVar[tuple[str, ...]] = ("depthwise_kernel", "pointwise_kernel", "bias")


@dataclass(frozen=True)
class DivideByMaximum:
    """``x / (max |x| + 1e-8)``, the maximum over axis 1, the length.

    The gradient goes through the maximum; positions that tie share it evenly.
    """


@dataclass(frozen=True)
class Flatten:
    """(batch, length, features) to (batch, length * features), in C order."""


Layer = Union[Concatenate, Dense, Lambda, Embedding, Attention, LSTM, Residual, Dropout,
              Conv1D, SeparableConv1D, DivideByMaximum, Flatten]


def flat(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Yield the layers in order, those inside a residual in its place."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from flat(layer.layers)
        else:
            yield layer


def parameter_names(layers: Sequence[Layer]) -> list[tuple[str, str]]:
    """Return (layer, part) of every parameter, in order."""
    return [(layer.name, part) for layer in flat(layers)  # type: ignore[union-attr]
            for part in getattr(layer, "PARTS", ())]
