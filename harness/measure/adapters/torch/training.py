"""Training with ``loss.backward()`` and ``optimizer.step()``, as a user writes it.

Inside half: standard library, NumPy and torch only.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator, NamedTuple, Sequence

import numpy as np
import torch

from harness.measure.adapters.task import Step, Task, Tensors, Trace, Training
from harness.measure.adapters.torch.loss import build_loss
from harness.measure.adapters.torch.model import build_model
from harness.measure.adapters.torch.optimizer import Stepper, build_stepper
from harness.records import processor
from harness.records.record import Trajectory
from harness.vocabulary.case import Batch, Batches
from harness.vocabulary.losses import BinaryCrossentropy, CategoricalCrossentropy, TokenCrossentropy

FIRST = 64
"""Numbers that tell which random stream they come from."""


class Given(NamedTuple):
    """A batch as the model and the loss take it, or all batches of a training."""

    inputs: tuple[Any, ...]
    mask: Any
    targets: Any


class TorchTraining(Training):
    """A torch model, its loss and its optimizer; each training has a new optimizer.

    One model serves all trainings and probes. Its gradients are cleared by
    ``optimizer.zero_grad()`` alone, so that a torch which fails to do so shows it.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        shapes = [x.shape[2:] for x in task.batches.inputs]
        self.model, self.bindings = build_model(task.variant, shapes)
        self.model.to(getattr(torch, task.precision))
        self.is_training = not task.variant.trains_in_evaluation_mode
        self.model.train(self.is_training)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.criterion = build_loss(task.variant.loss)
        self._new_stepper()  # refuses here what is not supported

    def train(self) -> Trajectory:
        """Train the task from its initial weights; return the trajectory."""
        self._load(self.task.weights)
        stepper, trace = self._new_stepper(), Trace(self.task, _stack)
        held_out = self._give(self.task.batches.evaluation)
        evaluation_steps, predictions = set(self.task.evaluation_steps), []
        for step, given in enumerate(_each(self._give(self.task.batches))):
            if step in evaluation_steps:
                predictions.append(self._predict(held_out))
            _, loss = self._backward(stepper, given)
            gradients = [p.grad for p in self.parameters]
            trace.add(_flat([loss.detach(), *gradients, *[p.data for p in self.parameters]]))
            stepper.update()
        predictions.append(self._predict(held_out))
        return trace.finish(_flat([p.data for p in self.parameters]).numpy(), predictions)

    def probe(self, weights: Tensors, batch: Batch) -> Step:
        """Take one step from other weights on a batch, with a new optimizer's state."""
        self._load(weights)
        stepper, before = self._new_stepper(), self._read(lambda p: p.data)
        outputs, loss = self._backward(stepper, self._give(batch), retain=True)
        gradients = self._read(lambda p: p.grad)
        stepper.update()
        after = self._read(lambda p: p.data)
        sequences = isinstance(self.task.variant.loss, TokenCrossentropy)
        return Step(
            outputs=_array(self._canonical(outputs.detach())), loss=loss.item(),
            output_gradient=_array(outputs.grad) if sequences else None, gradients=gradients,
            updates={name: value - before[name] for name, value in after.items()})

    def loss(self, weights: Tensors, batch: Batch) -> float:
        """Return the loss of a batch of any size, without a step."""
        self._load(weights)
        given = self._give(batch)
        with torch.no_grad():
            outputs = self.model(given.inputs, given.mask)
            return self.criterion.loss(outputs, given.targets, given.mask).item()

    def sample(self, weights: Tensors, batch: Batch, seed: int, passes: int) -> list[Tensors]:
        """Return the gradients of several passes in training mode, after seeding; no updates."""
        self._load(weights)
        stepper, given, found = self._new_stepper(), self._give(batch), []
        torch.manual_seed(seed)
        self.model.train()
        for _ in range(passes):
            self._backward(stepper, given)
            found.append(self._read(lambda p: p.grad))
        self.model.train(self.is_training)
        return found

    def stream(self) -> tuple[str, str | None]:
        """Return the name of the random stream of dropout here, and the host, which decides it.

        torch's own, number by number, or MKL's: up to 1.13 on Intel's processors, in 2.0 to
        2.6 wherever there is MKL, since 2.7 nowhere (measured on one of AMD's).

        Source:
            ``bernoulli_scalar_kernel`` in aten/src/ATen/native/cpu/DistributionKernels.cpp;
            pytorch/pytorch#146174.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            drawn = torch.empty(FIRST, dtype=torch.float64).bernoulli_(0.5)
            torch.manual_seed(0)
            own = torch.rand(FIRST, dtype=torch.float64) < 0.5
        return "torch" if torch.equal(drawn > 0, own) else "mkl", processor.kind()

    # ------------------------------------------------------------ one step
    def _new_stepper(self) -> Stepper:
        return build_stepper(self.task.variant, self.parameters)

    def _backward(self, stepper: Stepper, given: Given, retain: bool = False) -> tuple[Any, Any]:
        """Return outputs and loss; leave the gradients in the parameters."""
        stepper.optimizer.zero_grad()
        outputs = self.model(given.inputs, given.mask)
        if retain:
            outputs.retain_grad()
        loss = self.criterion.loss(outputs, given.targets, given.mask)
        loss.backward()
        return outputs, loss

    def _predict(self, given: Given) -> np.ndarray:
        """Return the probability of the positive class, (examples, 1), or logits."""
        with torch.no_grad():
            outputs = self._canonical(self.model(given.inputs, given.mask))
            declared = self.task.variant.loss
            if isinstance(declared, CategoricalCrossentropy):
                outputs = outputs[:, 1:]
            elif isinstance(declared, BinaryCrossentropy) and declared.from_logits:
                outputs = outputs.sigmoid()
            return outputs.numpy()

    def _canonical(self, outputs: Any) -> Any:
        """Return outputs as declared: the softmax that the loss took is put back."""
        inside_loss = isinstance(self.task.variant.loss, CategoricalCrossentropy)
        return outputs.softmax(dim=-1) if inside_loss else outputs

    # ------------------------------------------------- to and from NumPy
    def _load(self, weights: Tensors) -> None:
        with torch.no_grad():
            for name, parameter, view in self.bindings:
                view(parameter).copy_(torch.tensor(weights[name]))

    def _read(self, kept: Callable[[Any], Any]) -> Tensors:
        """Return what is kept with every parameter, in the vocabulary's shapes."""
        return {name: _array(view(kept(parameter))) for name, parameter, view in self.bindings}

    def _give(self, data: Batch | Batches) -> Given:
        """Return the data as tensors of torch's own, a step axis included."""
        mask = None if data.mask is None else torch.tensor(data.mask)
        return Given(tuple(torch.tensor(x) for x in data.inputs), mask,
                     self.criterion.targets(torch.tensor(data.targets), mask))


def _each(given: Given) -> Iterator[Given]:
    """Yield the batches of a training."""
    inputs = zip(*[x.unbind(0) for x in given.inputs])
    targets = given.targets.unbind(0)
    masks = [None] * len(targets) if given.mask is None else given.mask.unbind(0)
    return map(Given, inputs, masks, targets)


def _flat(tensors: Sequence[Any]) -> Any:
    """Return all tensors, flattened, in one new tensor."""
    return torch.cat([t.reshape(-1) for t in tensors])


def _stack(rows: Sequence[Any]) -> np.ndarray:
    return torch.stack(list(rows)).numpy()


def _array(tensor: Any) -> np.ndarray:
    """Return a copy in C order."""
    return tensor.numpy().copy()
