"""PyTorch: ``torch.nn`` modules, ``torch.optim``, one eager step a batch."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import torch
from torch import nn

from harness.adapters import Task
from harness.case import (
    SGD,
    Adam,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    ClipNorm,
    ClipValue,
    Concatenate,
    Dense,
    Lambda,
    LearningRate,
    Loss,
    StepDecay,
    Variant,
)
from harness.errors import UnsupportedError
from harness.record import Trajectory

PACKAGES = ("torch", "numpy")
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}
FUNCTIONS = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}
Criterion = Callable[[Any, Any], Any]


def describe() -> dict[str, Any]:
    """Return the settings that could change the numbers."""
    capability = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", None)
    return {
        "intraop_threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "cpu_capability": capability() if capability else None,
        "mkldnn": torch.backends.mkldnn.is_available(),
    }


def train(task: Task) -> Trajectory:
    """Train with ``loss.backward()`` and ``optimizer.step()``."""
    variant = task.variant
    model = build_model(variant, [x.shape[-1] for x in task.batches.inputs])
    load_weights(model, task.weights, getattr(torch, task.precision))
    parameters = list(model.parameters())
    criterion, optimizer = build_loss(variant.loss), build_optimizer(variant, parameters)
    scheduler = build_scheduler(variant, optimizer)
    clip = build_clip(variant)
    inputs = list(zip(*[torch.from_numpy(x).unbind(0) for x in task.batches.inputs]))
    targets = torch.from_numpy(task.batches.targets).unbind(0)
    held_out = [torch.from_numpy(x) for x in task.batches.evaluation_inputs]
    evaluation_steps = set(task.evaluation_steps)

    losses: list[float] = []
    gradients: list[Any] = []
    states: list[Any] = []
    predictions = []
    for step, (xs, y) in enumerate(zip(inputs, targets)):
        if step in evaluation_steps:
            predictions.append(predict(model, variant.loss, held_out))
        states.append(flat([p.data for p in parameters]))
        optimizer.zero_grad()
        outputs = model(xs)
        try:
            loss = criterion(outputs, y)
        except RuntimeError:  # BCELoss refuses NaN: the run has diverged, and that is a result
            if bool(outputs.isfinite().all()):
                raise
            loss = outputs.sum() * float("nan")
        loss.backward()
        gradients.append(flat([p.grad for p in parameters]))
        if clip:
            clip(parameters)
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(loss.item())
    states.append(flat([p.data for p in parameters]))
    predictions.append(predict(model, variant.loss, held_out))
    return task.trajectory(losses, torch.stack(gradients).numpy(), torch.stack(states).numpy(),
                           predictions)


def flat(tensors: Sequence[Any]) -> Any:
    """Return all tensors, flattened, in one new tensor."""
    return torch.cat([t.view(-1) for t in tensors])


class Joined(nn.Module):
    """Concatenate all inputs along the last axis."""

    def forward(self, inputs: Any) -> Any:
        """Join a tuple of tensors (batch, features); one alone is passed on."""
        return torch.cat(inputs, dim=-1) if len(inputs) > 1 else inputs[0]


class Applied(nn.Module):
    """A function as an anonymous layer."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function = FUNCTIONS[function]

    def forward(self, x: Any) -> Any:
        """Apply the function elementwise."""
        return self.function(x)


def build_model(variant: Variant, widths: Sequence[int]) -> nn.Module:
    """Return the variant's model; ``CrossEntropyLoss`` takes the softmax's place.

    Args:
        widths: features of each input.
    """
    modules: list[nn.Module] = [Joined()]
    width = sum(widths)
    for layer in variant.layers:
        if isinstance(layer, Dense):
            modules.append(nn.Linear(width, layer.units))
            width = layer.units
            inside_loss = (layer.activation == "softmax" and layer is variant.layers[-1]
                           and isinstance(variant.loss, CategoricalCrossentropy))
            if layer.activation in ACTIVATIONS:
                modules.append(ACTIVATIONS[layer.activation]())
            elif layer.activation is not None and not inside_loss:
                raise UnsupportedError(f"torch: no activation {layer.activation!r} here")
        elif isinstance(layer, Lambda) and layer.function in FUNCTIONS:
            modules.append(Applied(layer.function))
        elif not isinstance(layer, Concatenate):
            raise UnsupportedError(f"torch: no layer {layer!r}")
    return nn.Sequential(*modules)


def load_weights(model: nn.Module, weights: dict[str, Any], dtype: Any) -> None:
    """Put the injected weights into the model's parameters, in order."""
    model.to(dtype)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), weights.values()):
            parameter.copy_(torch.from_numpy(value).t() if value.ndim == 2
                            else torch.from_numpy(value))


def build_loss(loss: Loss) -> Criterion:
    """Return torch's own loss for the loss path, of (outputs, targets)."""
    if isinstance(loss, CategoricalCrossentropy):
        entropy = nn.CrossEntropyLoss()
        return lambda outputs, targets: entropy(outputs, targets[:, 0].long())
    if not isinstance(loss, BinaryCrossentropy):
        raise UnsupportedError(f"torch: no loss {loss!r}")
    factor = loss.positive_weight
    if loss.from_logits:
        return nn.BCEWithLogitsLoss(pos_weight=None if factor == 1 else torch.tensor([factor]))
    if factor == 1:
        return nn.BCELoss()
    return lambda outputs, targets: nn.functional.binary_cross_entropy(
        outputs, targets, weight=1 + (factor - 1) * targets)


def build_optimizer(variant: Variant, parameters: Sequence[Any]) -> torch.optim.Optimizer:
    """Return torch's own optimizer."""
    optimizer = variant.optimizer
    if isinstance(optimizer, SGD):
        return torch.optim.SGD(parameters, lr=initial_rate(optimizer.learning_rate))
    if isinstance(optimizer, Adam):
        return torch.optim.Adam(parameters, lr=initial_rate(optimizer.learning_rate),
                                eps=optimizer.epsilon,
                                betas=(optimizer.beta_1, optimizer.beta_2))
    raise UnsupportedError(f"torch: no optimizer {optimizer!r}")


def initial_rate(rate: LearningRate) -> float:
    """Return the learning rate to begin with."""
    if isinstance(rate, StepDecay):
        return rate.initial
    if isinstance(rate, float):
        return rate
    raise UnsupportedError(f"torch: no learning rate {rate!r}")


def build_scheduler(variant: Variant, optimizer: torch.optim.Optimizer) -> Any:
    """Return torch's own learning-rate schedule, or None."""
    rate = variant.optimizer.learning_rate
    if not isinstance(rate, StepDecay):
        return None
    return torch.optim.lr_scheduler.StepLR(optimizer, rate.every, rate.factor)


def build_clip(variant: Variant) -> Callable[[Sequence[Any]], Any] | None:
    """Return torch's own gradient clipping, or None."""
    clip = variant.clip
    if clip is None:
        return None
    if isinstance(clip, ClipNorm):
        return lambda parameters: nn.utils.clip_grad_norm_(parameters, clip.maximum)
    if isinstance(clip, ClipValue):
        return lambda parameters: nn.utils.clip_grad_value_(parameters, clip.maximum)
    raise UnsupportedError(f"torch: no clipping {clip!r}")


def predict(model: nn.Module, loss: Loss, inputs: Sequence[Any]) -> Any:
    """Return the probability of the positive class, (examples, 1)."""
    with torch.no_grad():
        outputs = model(inputs)
        if isinstance(loss, CategoricalCrossentropy):
            return outputs.softmax(dim=-1)[:, 1:].numpy()
        return (outputs.sigmoid() if loss.from_logits else outputs).numpy()
