"""Training in the Elixir process, as the harness asks for it.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

import itertools
import os
import tempfile

import numpy as np

from harness.measure.adapters import description
from harness.measure.adapters.axon.process import Elixir, numbers
from harness.measure.adapters.task import Step, Task, Tensors, Trace, Training
from harness.records.record import Trajectory
from harness.vocabulary.case import Batch

_NUMBERS = itertools.count()


class AxonTraining(Training):
    """A task's Axon model, loss and optimizer, in a process that keeps them under a number."""

    def __init__(self, task: Task, elixir: Elixir) -> None:
        self.task, self.elixir = task, elixir
        self.number = next(_NUMBERS)
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            file.write(description.dumps(description.of_task(task)))
            file.flush()
            list(elixir.ask(do="build", id=self.number, path=os.path.abspath(file.name),
                            precision=task.precision))

    def train(self) -> Trajectory:
        """Train the task from its initial weights; return the trajectory."""
        trace, predictions = Trace(self.task, np.stack), []
        before = np.concatenate([value.ravel() for value in self.task.weights.values()])
        for answer in self.elixir.ask(do="train", id=self.number):
            if "prediction" in answer:
                predictions.append(self._shape(answer["prediction"],
                                               self.task.batches.evaluation))
                continue
            row = numbers(answer["row"], self.task.precision)
            trace.add(np.concatenate([row[:1 + before.size], before]))
            before = row[1 + before.size:]
        return trace.finish(before, predictions)

    def probe(self, weights: Tensors, batch: Batch) -> Step:
        """Take one step from other weights on a batch, with a new optimizer's state."""
        answer = next(iter(self._step(weights, batch)))
        row = numbers(answer["row"], self.task.precision)
        gradients, after = np.split(row[1:], 2)
        by_outputs = answer["output_gradient"]
        return Step(outputs=self._shape(answer["outputs"], batch), loss=float(row[0]),
                    output_gradient=None if by_outputs is None else self._shape(by_outputs, batch),
                    gradients=self._name(gradients),
                    updates={name: value - weights[name]
                             for name, value in self._name(after).items()})

    def loss(self, weights: Tensors, batch: Batch) -> float:
        """Return the loss of a batch of any size, without a step."""
        return self.probe(weights, batch).loss

    def _step(self, weights: Tensors, batch: Batch) -> list[dict[str, str]]:
        return list(self.elixir.ask(do="step", id=self.number, weights=description.arrays(weights),
                                    batch=description.give(batch)))

    def _shape(self, text: str, batch: Batch) -> np.ndarray:
        """Return outputs or predictions, (examples, ...) or (examples, length, ...)."""
        axes = batch.targets.shape[:1] if batch.mask is None else batch.targets.shape
        return numbers(text, self.task.precision).reshape(*axes, -1)

    def _name(self, flat: np.ndarray) -> Tensors:
        """Return parts of all parameters by name, in the vocabulary's shapes."""
        ends = np.cumsum([value.size for value in self.task.weights.values()])
        return {name: part.reshape(value.shape) for (name, value), part in
                zip(self.task.weights.items(), np.split(flat, ends[:-1]))}
