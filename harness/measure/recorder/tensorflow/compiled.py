"""Functions that XLA compiles: no host call can be made from within, so tensors come out.

Inside half. Such a function is replaced by a twin that returns, beside its results, what the
taps in it were sent.
"""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.util import tf_decorator

from harness.measure.recorder.tensorflow.taps import Taps

TWIN = "_harness_twin"


class Functions:
    """The seam of ``tf.function``."""

    def __init__(self, taps: Taps) -> None:
        self._taps = taps
        self._deliveries: list[Any] = []
        self._depth = 0

    def install(self) -> None:
        """Wrap the calls of all functions."""
        kind = type(tf.function(_do_nothing))
        call, seam = kind.__call__, self

        @functools.wraps(call)
        def __call__(self: Any, *arguments: Any, **options: Any) -> Any:
            return seam._call(self, call, arguments, options)

        kind.__call__ = __call__
        initialize = kind._initialize_uninitialized_variables

        @functools.wraps(initialize)
        def _initialize_uninitialized_variables(self: Any, *arguments: Any, **options: Any) -> Any:
            result = initialize(self, *arguments, **options)
            while seam._taps.deferred:  # these variables have values from now on
                seam._taps.deferred.pop(0)()
            return result

        kind._initialize_uninitialized_variables = _initialize_uninitialized_variables

    def _call(self, function: Any, call: Any, arguments: Any, options: Any) -> Any:
        if _is_compiled(function) and not self._taps.compiled:
            return self._call_twin(function, call, arguments, options)
        self._depth += 1
        try:
            result = call(function, *arguments, **options)
        finally:
            self._depth -= 1
        if not self._depth:
            self._taps.check()
        return result

    def _call_twin(self, function: Any, call: Any, arguments: Any, options: Any) -> Any:
        twin = getattr(function, TWIN, None)
        if twin is None:
            twin = self._make_twin(function)
            setattr(function, TWIN, twin)
        result, (number, *values) = call(twin, *arguments, **options)
        self._taps.send(self._deliver, [number, *values])
        if not self._depth:
            self._taps.check()
        return result

    def _make_twin(self, function: Any) -> Any:
        original = function.python_function

        def computing(*arguments: Any, **options: Any) -> Any:
            self._taps.compiled.append(function)
            try:
                result = original(*arguments, **options)
            finally:
                self._taps.compiled.pop()
            return result, self._gather()

        return function._clone(tf_decorator.make_decorator(original, computing))

    def _gather(self) -> list[Any]:
        """Return what the taps were sent, behind the number of what takes it."""
        graph = ops.get_default_graph()
        pending = self._taps.take(graph)
        kept = [(deliver, [i for i, value in enumerate(values) if _is_inside(value, graph)], values)
                for deliver, values in pending]
        self._deliveries.append([(deliver, places, len(values))
                                 for deliver, places, values in kept])
        return [tf.constant(len(self._deliveries) - 1),
                *(tf.convert_to_tensor(values[i]) for _, places, values in kept for i in places)]

    def _deliver(self, found: Any) -> None:
        number, start = int(found[0][0]), 1
        for deliver, places, count in self._deliveries[number]:
            values: list[Any] = [None] * count
            for place in places:
                values[place], start = found[start], start + 1
            self._taps.call(deliver, values)


def _do_nothing() -> None:
    """Stand in for a function."""


def _is_compiled(function: Any) -> bool:
    return bool(getattr(function, "_jit_compile", None)
                or getattr(function, "_experimental_compile", None))


def _is_inside(value: Any, graph: Any) -> bool:
    return isinstance(value, (tf.Tensor, tf.Variable)) and (
        hasattr(value, "numpy") or getattr(value, "graph", graph) is graph)
