"""Training and probing: many steps in one call of one graph."""

from __future__ import annotations

import inspect
from typing import Any, Sequence

import numpy as np
import tensorflow as tf

from harness.measure.adapters.task import Step, Task, Tensors, Trace, Training
from harness.measure.adapters.tensorflow.loss import build_loss, predict
from harness.measure.adapters.tensorflow.metrics import report
from harness.measure.adapters.tensorflow.model import Network
from harness.measure.adapters.tensorflow.optimizer import State, build_optimizer
from harness.measure.adapters.tensorflow.seeding import set_seed
from harness.records.record import Trajectory
from harness.vocabulary.case import Batch, Batches

keras = tf.keras


class GraphTraining(Training):
    """``GradientTape`` and ``optimizer.apply_gradients`` in a loop inside a graph.

    What Keras calls ``steps_per_execution``. A step gives one flat row: loss, gradients,
    parameters before it, outputs and, for sequences, the gradient by the outputs.
    """

    def __init__(self, task: Task) -> None:
        variant = task.variant
        clear_session()
        keras.backend.set_floatx(task.precision)
        self.task = task
        self.training = not variant.trains_in_evaluation_mode
        self.is_masked = task.batches.mask is not None
        self.network = Network(variant, [x.shape[2:] for x in task.batches.inputs], self.is_masked)
        self.model = self.network.model
        self.names = list(self.network.parameters)
        self.variables = list(self.network.parameters.values())
        self.criterion = build_loss(variant.loss)
        self.optimizer = build_optimizer(variant, self.variables)
        self.state = State(self.optimizer)
        self.shapes = [task.weights[name].shape for name in self.names]
        self.size = sum(task.weights[name].size for name in self.names)
        self.graphs: dict[Any, Any] = {}
        self.loss_graph: Any = None

    def train(self) -> Trajectory:
        """Train the task from its initial weights; return the trajectory."""
        task = self.task
        self._start(task.weights)
        data, held_out = self._tensors(task.batches), self.network.feed(task.batches.evaluation)
        trace = Trace(task, np.vstack)
        predictions = [self._predict(held_out)]
        for start, stop in zip(task.evaluation_steps, task.evaluation_steps[1:]):
            for first in range(start, stop, trace.every):
                rows = self._run(data, first, min(first + trace.every, stop))
                trace.reduce(rows[:, :1 + 2 * self.size])
            predictions.append(self._predict(held_out))
        return trace.finish(self._flat(), [p.numpy() for p in predictions],
                            report(task, predictions))

    def probe(self, weights: Tensors, batch: Batch) -> Step:
        """Take one step from other weights on a batch, with a new optimizer's state."""
        self._start(weights)
        row = self._run([x[None] for x in self._tensors(batch)], 0, 1)[0]
        ends = np.cumsum([1, self.size, self.size])
        loss, gradients, before, rest = np.split(row, ends)
        outputs, *gradient = np.split(rest, 2) if self.network.tokens else [rest]
        shape = (*batch.targets.shape, -1) if self.network.tokens else (len(batch.targets), -1)
        return Step(outputs=outputs.reshape(shape), loss=float(loss[0]),
                    output_gradient=gradient[0].reshape(shape) if gradient else None,
                    gradients=self._split(gradients),
                    updates=self._split(self._flat() - before))

    def loss(self, weights: Tensors, batch: Batch) -> float:
        """Return the loss of a batch of any size, without a step, from a graph of its own."""
        self._start(weights)
        data = self._tensors(batch)
        if self.loss_graph is None:  # of any batch size, and of any length of sequences
            specs = [_spec(x, x.ndim if self.network.tokens else 1) for x in data]
            self.loss_graph = _trace(lambda *data: self._forward(data)[1], *specs)
        return float(self.loss_graph(*data))

    def sample(self, weights: Tensors, batch: Batch, seed: int, passes: int) -> list[Tensors]:
        """Return the gradients of several passes in training mode, after seeding; no updates.

        A model of its own, since Keras' layers take their seeds when they are made.
        """
        clear_session()
        set_seed(seed)
        network = Network(self.task.variant, [x.shape[1:] for x in batch.inputs])
        variables = list(network.parameters.values())
        for name, variable in zip(self.names, variables):
            variable.assign(weights[name].reshape(tuple(variable.shape)))
        data = [tf.constant(batch.targets), *network.feed(batch)]

        def differentiate(targets: Any, *inputs: Any) -> Any:
            with tf.GradientTape() as tape:
                outputs = network.model(list(inputs), training=True)
                loss = self.criterion(targets, outputs, None)
            return tf.concat(_flat(tape.gradient(loss, variables)), axis=0)

        graph = _trace(differentiate, *[_spec(x, 0) for x in data])
        return [self._split(graph(*data).numpy()) for _ in range(passes)]

    def stream(self) -> tuple[str, str | None]:
        """Return the name of the random stream of dropout, which no host decides."""
        return "tensorflow", None

    def _start(self, weights: Tensors) -> None:
        """Set the weights, and the optimizer as it was when it was new."""
        keras.backend.set_floatx(self.task.precision)
        for name, variable in zip(self.names, self.variables):
            variable.assign(weights[name].reshape(tuple(variable.shape)))
        self.state.restore()

    def _tensors(self, data: Batch | Batches) -> list[Any]:
        """Return targets, mask if any, and what the model is fed, as tensors."""
        mask = [] if data.mask is None else [tf.constant(data.mask)]
        return [tf.constant(data.targets), *mask, *self.network.feed(data)]

    def _forward(self, data: Sequence[Any]) -> tuple[Any, Any]:
        """Return outputs and loss of one batch's tensors."""
        targets, *rest = data
        mask = rest.pop(0) if self.is_masked else None
        outputs = self.model(rest, training=self.training)
        return outputs, self.criterion(targets, outputs, mask)

    def _predict(self, inputs: Sequence[Any]) -> Any:
        return predict(self.task.variant.loss, self.model(inputs, training=False))

    def _flat(self) -> Any:
        return tf.concat(_flat(self.variables), axis=0).numpy()

    def _split(self, row: np.ndarray) -> Tensors:
        parts = np.split(row, np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1])
        return {name: part.reshape(shape)
                for name, part, shape in zip(self.names, parts, self.shapes)}

    def _run(self, data: Sequence[Any], start: int, stop: int) -> np.ndarray:
        """Take the steps from ``start`` to ``stop`` in one call; return their rows.

        Args:
            data: as ``_tensors`` returns it, with a leading axis of steps. One graph
                serves all that differ in their number alone.
        """
        shapes = tuple(tuple(x.shape[1:]) for x in data)
        if shapes not in self.graphs:
            index = tf.TensorSpec([], tf.int32)
            self.graphs[shapes] = _trace(self._loop, index, index, *[_spec(x, 1) for x in data])
        return self.graphs[shapes](tf.constant(start), tf.constant(stop), *data).numpy()

    def _loop(self, start: Any, stop: Any, *data: Any) -> Any:
        rows = tf.TensorArray(self.task.precision, size=stop - start)

        def body(index: Any, rows: Any) -> tuple[Any, Any]:
            row = self._step([tf.gather(x, index) for x in data])
            return index + 1, rows.write(index - start, row)

        _, rows = tf.while_loop(lambda index, _: index < stop, body, (start, rows),
                                parallel_iterations=1)
        return rows.stack()

    def _step(self, data: Sequence[Any]) -> Any:
        state = _flat(self.variables)
        with tf.GradientTape() as tape:
            outputs, loss = self._forward(data)
        sources = [*self.variables, *([outputs] if self.network.tokens else [])]
        gradients = tape.gradient(loss, sources)
        own, by_outputs = gradients[:len(self.variables)], gradients[len(self.variables):]
        row = tf.concat(_flat([loss, *own]) + state + _flat([outputs, *by_outputs]), axis=0)
        self.optimizer.apply_gradients(zip(own, self.variables))
        return row


def _trace(function: Any, *specs: Any) -> Any:
    """Return the graph of a function of tensors like these."""
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def _spec(tensor: Any, free: int) -> Any:
    """Return what a graph takes: the tensor's like, its first axes of any size."""
    return tf.TensorSpec([None] * free + list(tensor.shape[free:]), tensor.dtype)


def clear_session() -> None:
    """Forget names and graphs of models built before; memory is Python's own to free."""
    clear = keras.backend.clear_session
    keeps = "free_memory" in inspect.signature(clear).parameters  # a garbage collection, slow
    clear(**({"free_memory": False} if keeps else {}))


def _flat(tensors: Sequence[Any]) -> list[Any]:
    """Return all tensors, each flattened."""
    return [tf.reshape(tensor, [-1]) for tensor in tensors]
