"""Hand-written PyTorch training, as a user would write it; keeps the losses alone.

The other side of the ratio: written from the case's declaration and PyTorch's
documentation, without any code of the adapter.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from harness.vocabulary.layers import Concatenate, Dense, Lambda
from harness.vocabulary.losses import BinaryCrossentropy, CategoricalCrossentropy
from harness.vocabulary.optimizers import SGD, Adam, ClipNorm, ClipValue, StepDecay

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


class Sigmoid(nn.Module):
    """The anonymous layer of the ``lambda`` loss path."""

    def forward(self, x: Any) -> Any:
        """Return the probability of the logit."""
        return torch.sigmoid(x)


def train(task: Any) -> list[float]:
    """Train the task's variant, one batch a step; return the loss of every step."""
    variant, batches = task.variant, task.batches
    model = network(task)
    criterion = loss_function(variant.loss)
    optimizer, scheduler = optimization(variant.optimizer, model)
    norm = variant.clip.maximum if isinstance(variant.clip, ClipNorm) else None
    value = variant.clip.maximum if isinstance(variant.clip, ClipValue) else None
    columns = [torch.from_numpy(x) for x in batches.inputs]
    targets = torch.from_numpy(batches.targets)
    if isinstance(variant.loss, CategoricalCrossentropy):
        targets = targets[..., 0].long()
    losses = []
    for *xs, y in zip(*columns, targets):
        x = torch.cat(xs, dim=1) if len(xs) > 1 else xs[0]
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        if norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), norm)
        if value is not None:
            nn.utils.clip_grad_value_(model.parameters(), value)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.item())
    return losses


def network(task: Any) -> nn.Sequential:
    """Return the model with the case's initial weights."""
    modules: list[nn.Module] = []
    for layer in task.variant.layers:
        if isinstance(layer, Dense):
            kernel = torch.from_numpy(task.weights[f"{layer.name}.kernel"])
            linear = nn.Linear(*kernel.shape, dtype=kernel.dtype)
            linear.weight.data.copy_(kernel.T)
            linear.bias.data.copy_(torch.from_numpy(task.weights[f"{layer.name}.bias"]))
            modules.append(linear)
            if layer.activation in ACTIVATIONS:
                modules.append(ACTIVATIONS[layer.activation]())
        elif layer == Lambda("sigmoid"):
            modules.append(Sigmoid())
        elif not isinstance(layer, Concatenate):
            raise NotImplementedError(repr(layer))
    return nn.Sequential(*modules)


def loss_function(loss: Any) -> Any:
    """Return the criterion of (outputs, targets)."""
    if isinstance(loss, CategoricalCrossentropy):
        return nn.CrossEntropyLoss()
    if not isinstance(loss, BinaryCrossentropy):
        raise NotImplementedError(repr(loss))
    extra = loss.positive_weight - 1
    if loss.from_logits:
        weight = torch.tensor([loss.positive_weight]) if extra else None
        return nn.BCEWithLogitsLoss(pos_weight=weight)
    if not extra:
        return nn.BCELoss()
    return lambda p, y: nn.functional.binary_cross_entropy(p, y, weight=1 + extra * y)


def optimization(declared: Any, model: nn.Module) -> Any:
    """Return the optimizer, and its scheduler or None."""
    rate = declared.learning_rate
    if declared not in (SGD(rate), Adam(rate)):
        raise NotImplementedError(repr(declared))
    start = rate.initial if isinstance(rate, StepDecay) else rate
    if isinstance(declared, Adam):
        optimizer: Any = torch.optim.Adam(model.parameters(), start,
                                          (declared.beta_1, declared.beta_2), declared.epsilon)
    else:
        optimizer = torch.optim.SGD(model.parameters(), start)
    if isinstance(rate, StepDecay):
        return optimizer, torch.optim.lr_scheduler.StepLR(optimizer, rate.every, rate.factor)
    return optimizer, None
