"""Taps: how tensors get from where TensorFlow computes them to the recording.

Inside half. Eagerly they are read at once. In a graph they are kept until it has been traced,
when all that uses them is known, and then handed over by one host call at its end: the graph
that the program gets stays a graph.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Callable, Iterator, Sequence

import tensorflow as tf
from tensorflow.python.framework import auto_control_deps, func_graph, ops
from tensorflow.python.ops import resource_variable_ops

from harness.measure.recorder import arrays
from harness.measure.recorder.guarding import guarded
from harness.measure.recorder.recording import Ended, Recording
from harness.measure.recorder.tensorflow.plan import Plan

PENDING = "_harness_pending"
Deliver = Callable[[Sequence[Any]], None]
"""Takes elements and type of each tensor that was sent, or None for one that has none."""


class Taps:
    """All taps of a program."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._lock = threading.RLock()
        self._order: Any = None
        self._muted = 0
        self.compiled: list[Any] = []
        self.deferred: list[Callable[[], None]] = []

    def install(self) -> None:
        """Hand over what was kept of a graph when its tracing ends."""
        kind = auto_control_deps.AutomaticControlDependencies
        leave = kind.__exit__

        def __exit__(dependencies: Any, error: Any, *rest: Any) -> Any:
            if error is None and not tf.executing_eagerly():
                with guarded(self._recording):
                    self.flush(ops.get_default_graph())
            return leave(dependencies, error, *rest)

        kind.__exit__ = __exit__

    @contextlib.contextmanager
    def muted(self) -> Iterator[None]:
        """Tap nothing: what is traced now is written to a file, not run."""
        self._muted += 1
        try:
            yield
        finally:
            self._muted -= 1

    def send(self, deliver: Deliver, values: Sequence[Any]) -> None:
        """Have a function called with the elements of tensors, in the order of the program."""
        if self._muted or self._recording.is_stopped:
            return
        if tf.executing_eagerly():
            self.call(deliver, [_read(value) for value in values])
            return
        graph = ops.get_default_graph()
        if isinstance(graph, func_graph.FuncGraph):
            if not getattr(graph, PENDING, None):
                setattr(graph, PENDING, [])
            getattr(graph, PENDING).append((deliver, list(values)))

    def call(self, deliver: Deliver, found: Sequence[Any]) -> None:
        """Hand over elements; whatever goes wrong here must not reach the program."""
        with self._lock:
            if self._recording.is_stopped:
                return
            if not self._recording.devices:
                self._recording.devices.update(
                    device.device_type.lower() for device in tf.config.list_logical_devices())
            try:
                deliver(found)
            except Ended:
                pass  # raised again where Python code of the program is reached
            except Exception as error:
                self._recording.note("recorder", f"{type(error).__name__}: {error}")

    def check(self) -> None:
        """End the program if that was asked for, now that its own code goes on.

        Raises:
            Ended: it was.
        """
        if self._recording.ended is not None and threading.current_thread() \
                is threading.main_thread():
            raise Ended(self._recording.ended)

    def take(self, graph: Any) -> list[tuple[Deliver, list[Any]]]:
        """Return what is kept of a graph, and forget it."""
        found: list[tuple[Deliver, list[Any]]] = getattr(graph, PENDING, None) or []
        if found:
            setattr(graph, PENDING, None)
        return found

    def flush_outer(self) -> None:
        """Hand over what the graphs around this one have kept: it comes first."""
        if tf.executing_eagerly():
            return
        graph = getattr(ops.get_default_graph(), "outer_graph", None)
        while isinstance(graph, func_graph.FuncGraph):
            if getattr(graph, PENDING, None):
                with graph.as_default():
                    self.flush(graph)
            graph = graph.outer_graph

    def flush(self, graph: Any) -> None:
        """Add to a graph the host call that hands over what was kept of it."""
        pending = self.take(graph)
        if not pending:
            return
        if self.compiled:
            self._recording.note("compiled", "a graph within a compiled function is not seen")
            return
        plan = Plan()
        calls = [(deliver, [self._express(plan, graph, value) for value in values])
                 for deliver, values in pending]

        def host(*values: Any) -> None:
            for deliver, wanted in calls:
                self.call(deliver, [None if compute is None else arrays.read(compute(values))
                                    for compute in wanted])

        self._add(host, plan.inputs)

    def _express(self, plan: Plan, graph: Any, value: Any) -> Any:
        if not isinstance(value, (tf.Tensor, tf.Variable)) or not _is_number(value):
            return None
        if isinstance(value, tf.Variable):
            value = tf.convert_to_tensor(value)
        if not hasattr(value, "numpy") and not _is_within(graph, value.graph):
            return None
        compute = plan.express(value)
        if compute is None:
            self._recording.note("fused", f"{value.name} cannot be looked at")
        return compute

    def _add(self, host: Any, inputs: list[Any]) -> None:
        """Add a host call, after those before it: a variable that each writes keeps the order."""
        if self._order is None:
            with tf.init_scope():
                self._order = resource_variable_ops.ResourceVariable(
                    0, dtype=tf.int64, trainable=False, name="harness_order")
        with tf.control_dependencies([self._order.read_value()]):
            called = tf.numpy_function(host, inputs, [])
        with tf.control_dependencies([called]):
            self._order.assign_add(1)


def _is_within(graph: Any, outer: Any) -> bool:
    """Whether a graph is another, or a branch in it, which can use the other's tensors."""
    while graph is not outer and isinstance(graph, func_graph.FuncGraph):
        graph = graph.outer_graph
    return graph is outer


def _is_number(value: Any) -> bool:
    dtype = value.dtype
    return bool(dtype.is_floating or dtype.is_integer or dtype.is_bool or dtype.is_complex) \
        and not dtype.is_quantized


def _read(value: Any) -> Any:
    if value is None or isinstance(value, (tf.RaggedTensor, tf.SparseTensor)):
        return None
    return arrays.read(value.numpy() if hasattr(value, "numpy") else value)


def to_dense(value: Any) -> Any:
    """Return a gradient as a tensor: of rows of an embedding, those of each word added up."""
    if isinstance(value, tf.IndexedSlices):
        return tf.math.unsorted_segment_sum(
            value.values, value.indices, tf.cast(value.dense_shape[0], tf.int64))
    return value
