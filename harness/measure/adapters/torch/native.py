"""Native runs: torch's own initialisers and defaults, ``DataLoader`` and the usual loop.

Inside half: standard library, NumPy and torch only. torch has no ``"he_normal"`` of its
own to name; what its users write for it, torchvision's models among them, is
``kaiming_normal_`` on the weight and ``zeros_`` on the bias. Every other layer keeps what
its constructor draws. Every name of torch is looked up when a run starts.
"""

from __future__ import annotations

from typing import Any, Iterable

import numpy as np
import torch
from torch import nn

from harness.errors import UnsupportedError
from harness.measure import native
from harness.measure.adapters.torch.loss import build_loss
from harness.measure.adapters.torch.model import Binding, build_model
from harness.records.record import Fingerprint, NativeRun
from harness.vocabulary.case import Batch, Case, Variant
from harness.vocabulary.layers import Conv1D, Dense, flat


def run(case: Case, variant: Variant, evaluation: Batch, seed: int) -> NativeRun:
    """Train once, as a user would, on the whole evaluation set.

    Raises:
        UnsupportedError: the recipe is none that a native run can take.
    """
    assert case.native is not None
    model, _ = _start(variant, evaluation, seed)
    criterion = build_loss(variant.loss).loss
    name, rate = native.optimizer(variant)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=rate)
    loader = _loader(_tensors(evaluation), case.native.batch_size)
    for _ in range(case.native.epochs):
        for *inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets, None)
            loss.backward()
            optimizer.step()
    return native.finished(case, variant, evaluation, seed, _predict(model, evaluation), None)


def fingerprint(case: Case, variant: Variant, evaluation: Batch, seed: int) -> Fingerprint:
    """Return what the seed determines: weights, order of the data, random numbers."""
    assert case.native is not None
    some = native.first(evaluation)
    model, bindings = _start(variant, some, seed)
    weights = {b.name: b.view(b.parameter.detach()).numpy() for b in bindings}
    torch.manual_seed(seed)
    random = torch.rand(native.FIRST).numpy()
    torch.manual_seed(seed)
    loader = _loader([torch.arange(native.EXAMPLES)], case.native.batch_size)
    epochs = [np.concatenate([indices.numpy() for (indices,) in loader])
              for _ in range(native.EPOCHS)]
    return native.fingerprint(variant, some, seed, weights, epochs, random,
                              _predict(model, some), None)


def _start(variant: Variant, evaluation: Batch, seed: int) -> tuple[nn.Module, list[Binding]]:
    """Return a new model, initialised after seeding."""
    torch.manual_seed(seed)
    model, bindings = build_model(variant, [x.shape[1:] for x in evaluation.inputs])
    parameters = {binding.name: binding.parameter for binding in bindings}
    for layer in flat(variant.layers):
        if not isinstance(layer, (Dense, Conv1D)) or layer.initializer is None:
            continue
        if layer.initializer != "he_normal":
            raise UnsupportedError(f"torch: no initializer {layer.initializer!r}")
        nn.init.kaiming_normal_(parameters[f"{layer.name}.kernel"], nonlinearity="relu")
        nn.init.zeros_(parameters[f"{layer.name}.bias"])
    return model, bindings


def _loader(tensors: Iterable[Any], batch_size: int) -> Any:
    dataset = torch.utils.data.TensorDataset(*tensors)
    return torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=True)


def _tensors(batch: Batch) -> list[Any]:
    return [torch.tensor(x) for x in (*batch.inputs, batch.targets)]


def _predict(model: nn.Module, batch: Batch) -> np.ndarray:
    """Return the probability of the positive class, (examples, 1)."""
    with torch.no_grad():
        return model(_tensors(batch)[:-1]).numpy()
