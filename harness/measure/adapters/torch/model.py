"""A variant's layers as torch modules, and the vocabulary's names for their parameters.

Inside half: standard library and torch only.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator, List, NamedTuple, Sequence

from torch import nn

from harness.errors import UnsupportedError
from harness.measure.adapters.torch.modules import (
    FUNCTIONS,
    Added,
    Applied,
    CausalAttention,
    Convolved,
    DividedByMaximum,
    Joined,
    Layers,
    Recurrent,
)
from harness.vocabulary import layers as vocabulary
from harness.vocabulary.case import Variant
from harness.vocabulary.losses import CategoricalCrossentropy, TokenCrossentropy

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}
View = Callable[[Any], Any]
Modules = List[nn.Module]


class Binding(NamedTuple):
    """A parameter of the vocabulary, and where torch keeps it.

    Args:
        view: of the torch parameter, or of a tensor like it, in the vocabulary's shape.
    """

    name: str
    parameter: Any
    view: View


def build_model(variant: Variant, shapes: Sequence[tuple[int, ...]]) -> tuple[
        Layers, list[Binding]]:
    """Return the variant's model, in float32, and all its parameters in order.

    Args:
        shapes: of each input, without the batch.

    Raises:
        UnsupportedError: torch has no such layer or activation.
    """
    builder = Builder(variant, shapes)
    return Layers(Joined(), *builder.translate(variant.layers)), builder.bindings


def itself(tensor: Any) -> Any:
    """Return a parameter that both keep alike."""
    return tensor


def transposed(tensor: Any) -> Any:
    """Return (inputs, outputs) of torch's (outputs, inputs)."""
    return tensor.t()


def channels_last(tensor: Any) -> Any:
    """Return (size, channels, filters) of torch's (filters, channels, size)."""
    return tensor.permute(2, 1, 0)


def depthwise(tensor: Any) -> Any:
    """Return (size, channels, 1) of torch's (channels, 1, size)."""
    return tensor.permute(2, 0, 1)


def _third(index: int, view: View) -> View:
    """Return the view of one of three parts, one below the other."""
    return lambda tensor: view(tensor.chunk(3)[index])


class Builder:
    """Translates layers in order, keeping the shape so far and every binding."""

    def __init__(self, variant: Variant, shapes: Sequence[tuple[int, ...]]) -> None:
        self.variant = variant
        self.shape = (*shapes[0][:-1], sum(shape[-1] for shape in shapes))
        self.bindings: list[Binding] = []

    def translate(self, layers: Sequence[vocabulary.Layer]) -> Iterator[nn.Module]:
        """Yield the modules of the layers."""
        for layer in layers:
            if type(layer) not in TRANSLATIONS:
                raise UnsupportedError(f"torch: no layer {layer!r}")
            yield from TRANSLATIONS[type(layer)](self, layer)

    def bind(self, layer: Any, *parts: tuple[Any, View]) -> None:
        """Name the layer's parts, in their declared order."""
        self.bindings += [Binding(f"{layer.name}.{part}", parameter, view)
                          for part, (parameter, view) in zip(layer.PARTS, parts)]

    def widen(self, width: int) -> int:
        """Return the number of features so far, and set the next."""
        before = self.shape[-1]
        self.shape = (*self.shape[:-1], width)
        return before

    def activation(self, layer: Any) -> Modules:
        """Return the layer's activation; ``CrossEntropyLoss`` takes the softmax's place."""
        name = layer.activation
        inside_loss = (name == "softmax" and layer is self.variant.layers[-1]
                       and isinstance(self.variant.loss, CategoricalCrossentropy))
        if name is None or inside_loss:
            return []
        if name not in ACTIVATIONS:
            raise UnsupportedError(f"torch: no activation {name!r} here")
        return [ACTIVATIONS[name]()]


# ------------------------------------------------------- one for each layer
def _concatenate(builder: Builder, layer: vocabulary.Concatenate) -> Modules:
    return []  # Joined is always there


def _dense(builder: Builder, layer: vocabulary.Dense) -> Modules:
    linear = nn.Linear(builder.widen(layer.units), layer.units)
    builder.bind(layer, (linear.weight, transposed), (linear.bias, itself))
    return [linear, *builder.activation(layer)]


def _lambda(builder: Builder, layer: vocabulary.Lambda) -> Modules:
    if layer.function not in FUNCTIONS:
        raise UnsupportedError(f"torch: no function {layer.function!r}")
    return [Applied(layer.function)]


def _embedding(builder: Builder, layer: vocabulary.Embedding) -> Modules:
    embedding = nn.Embedding(layer.vocabulary, layer.width)
    builder.shape = (*builder.shape, layer.width)
    builder.bind(layer, (embedding.weight, itself))
    return [embedding]


def _attention(builder: Builder, layer: vocabulary.Attention) -> Modules:
    width = builder.shape[-1]
    module = CausalAttention(width, layer.heads)
    attention = module.attention
    parts: list[tuple[Any, View]] = []
    for index in range(3):  # query, key and value lie in one parameter
        parts += [(attention.in_proj_weight, _third(index, transposed)),
                  (attention.in_proj_bias, _third(index, itself))]
    builder.bind(layer, *parts, (attention.out_proj.weight, transposed),
                 (attention.out_proj.bias, itself))
    return [module]


def _lstm(builder: Builder, layer: vocabulary.LSTM) -> Modules:
    loss = builder.variant.loss
    packed = isinstance(loss, TokenCrossentropy) and loss.native
    module = Recurrent(builder.widen(layer.units), layer.units, packed)
    lstm = module.lstm
    builder.bind(layer, (lstm.weight_ih_l0, transposed), (lstm.weight_hh_l0, transposed),
                 (lstm.bias_ih_l0, itself))
    return [module]


def _residual(builder: Builder, layer: vocabulary.Residual) -> Modules:
    return [Added(*builder.translate(layer.layers))]


def _dropout(builder: Builder, layer: vocabulary.Dropout) -> Modules:
    return [nn.Dropout(layer.rate)]


def _convolution(builder: Builder, layer: vocabulary.Conv1D) -> Modules:
    conv = nn.Conv1d(builder.widen(layer.filters), layer.filters, layer.size,
                     padding=layer.size // 2)
    builder.bind(layer, (conv.weight, channels_last), (conv.bias, itself))
    return [Convolved(conv), *builder.activation(layer)]


def _separable(builder: Builder, layer: vocabulary.SeparableConv1D) -> Modules:
    channels = builder.widen(layer.filters)
    deep = nn.Conv1d(channels, channels, layer.size, padding=layer.size // 2,
                     groups=channels, bias=False)
    mix = nn.Conv1d(channels, layer.filters, 1)
    builder.bind(layer, (deep.weight, depthwise), (mix.weight, channels_last),
                 (mix.bias, itself))
    return [Convolved(deep, mix), *builder.activation(layer)]


def _divide(builder: Builder, layer: vocabulary.DivideByMaximum) -> Modules:
    return [DividedByMaximum()]


def _flatten(builder: Builder, layer: vocabulary.Flatten) -> Modules:
    size = 1
    for extent in builder.shape:
        size *= extent
    builder.shape = (size,)
    return [nn.Flatten()]


TRANSLATIONS: dict[type, Callable[[Builder, Any], Modules]] = {
    vocabulary.Concatenate: _concatenate, vocabulary.Dense: _dense,
    vocabulary.Lambda: _lambda, vocabulary.Embedding: _embedding,
    vocabulary.Attention: _attention, vocabulary.LSTM: _lstm,
    vocabulary.Residual: _residual, vocabulary.Dropout: _dropout,
    vocabulary.Conv1D: _convolution, vocabulary.SeparableConv1D: _separable,
    vocabulary.DivideByMaximum: _divide, vocabulary.Flatten: _flatten,
}
