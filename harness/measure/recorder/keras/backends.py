"""What Keras computes with: how tensors are read there, and whether a pass leads to a step.

Inside half. A backend is imported only if the program has chosen it.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable, ContextManager, Sequence

from harness.measure.recorder import arrays
from harness.measure.recorder.recording import Ended, Recording


class Backend:
    """A backend that computes at once: torch."""

    is_eager = True

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.fitting = recording.loops

    def send(self, deliver: Callable[[Any], None], values: Sequence[Any]) -> None:
        """Have a function called with elements and types of tensors."""
        if self.recording.is_stopped:
            return
        with contextlib.suppress(Ended):  # raised again by ``check``
            deliver([None if value is None else self.read(value) for value in values])

    def read(self, value: Any) -> tuple[Any, str] | None:
        """Return elements and type of a tensor that is there."""
        for read in self.recording.readers:
            found = read(value)
            if found is not None:
                return found
        return arrays.read(value)

    def snapshot(self, weight: Any) -> Any:
        """Return a weight as it is now, whatever becomes of it; None if nobody will look."""
        if not self.recording.is_detailed:
            return None
        value = getattr(weight, "value", weight)
        return value.detach().clone() if hasattr(value, "detach") else value

    def read_weight(self, weight: Any) -> tuple[Any, str] | None:
        """Return elements and type of a weight."""
        return self.read(getattr(weight, "value", weight))

    def write_weight(self, weight: Any, values: Any) -> None:
        """Write elements into a weight."""
        weight.assign(values)

    def freeze(self, number: Any) -> Any:
        """Return a hyperparameter as it is now."""
        return number

    def is_ready(self, weight: Any) -> bool:
        """Return whether a weight has a value yet."""
        return True

    def defer(self, do: Callable[[], None]) -> None:
        """Have something done as soon as all weights have values."""

    def to_dense(self, gradient: Any) -> Any:
        """Return a gradient as one tensor."""
        return gradient

    def get_place(self) -> Any:
        """Return what is being traced: tensors of one place cannot be read in another."""
        return None

    def is_training(self, options: dict[str, Any]) -> bool:
        """Return whether a forward pass with these arguments leads to a step."""
        from torch import is_grad_enabled

        return bool(is_grad_enabled())

    def check(self) -> None:
        """End the program if that was asked for.

        Raises:
            Ended: it was.
        """
        if self.recording.ended is not None:
            raise Ended(self.recording.ended)

    def wait(self) -> None:
        """Wait for what is still to be delivered."""

    def flush_outer(self) -> None:
        """Deliver first what came first."""

    def muted(self) -> ContextManager[None]:
        """Return a context in which nothing is recorded."""
        return contextlib.nullcontext()


class TensorFlow(Backend):
    """Graphs, and eager execution."""

    def __init__(self, recording: Recording) -> None:
        from harness.measure.recorder.tensorflow import find_taps

        super().__init__(recording)
        self._taps = find_taps(recording)
        self.send = self._taps.send  # type: ignore[method-assign]
        self.flush_outer = self._taps.flush_outer  # type: ignore[method-assign]
        self.muted = self._taps.muted  # type: ignore[method-assign]
        self.check = self._taps.check  # type: ignore[method-assign]

    @property
    def is_eager(self) -> bool:  # type: ignore[override]
        """Whether what is called now is computed now."""
        import tensorflow as tf

        return bool(tf.executing_eagerly())

    def snapshot(self, weight: Any) -> Any:
        """Return a weight as it is at this point of the program."""
        import tensorflow as tf

        if tf.executing_eagerly() and not self.recording.is_detailed:
            return None
        return tf.identity(_get_variable(weight))

    def defer(self, do: Callable[[], None]) -> None:
        """Have something done as soon as the function that is traced has made its variables."""
        self._taps.deferred.append(do)

    def freeze(self, number: Any) -> Any:
        """Return a hyperparameter as it is at this point of the program."""
        import tensorflow as tf

        return number if isinstance(number, (int, float)) else tf.convert_to_tensor(number)

    def is_ready(self, weight: Any) -> bool:
        """Return whether a weight has a value: one made in a function has none until it runs."""
        import tensorflow as tf

        with tf.init_scope():
            variable = _get_variable(weight)
            return not hasattr(variable, "is_initialized") or bool(variable.is_initialized())

    def read_weight(self, weight: Any) -> tuple[Any, str] | None:
        """Return elements and type of a weight, while a graph is traced as well."""
        import tensorflow as tf

        with tf.init_scope():
            return arrays.read(_get_variable(weight).numpy())

    def write_weight(self, weight: Any, values: Any) -> None:
        """Write elements into a weight, before the graph that is traced runs."""
        import tensorflow as tf

        with tf.init_scope():
            variable = _get_variable(weight)
            variable.assign(tf.cast(values, variable.dtype))

    def to_dense(self, gradient: Any) -> Any:
        """Return a gradient as one tensor; None in what XLA compiles.

        There it would be kept between what makes it and what applies it, which XLA makes one
        loop of, and last bits of the weights would change (seen in Keras 2.15).
        """
        if self._taps.compiled:
            self.recording.note("compiled", "gradients within what XLA compiles are not seen")
            return None
        from harness.measure.recorder.tensorflow.taps import to_dense

        return to_dense(gradient)

    def get_place(self) -> Any:
        """Return the graph that is being traced."""
        import tensorflow as tf
        from tensorflow.python.framework import ops

        return None if tf.executing_eagerly() else ops.get_default_graph()

    def is_training(self, options: dict[str, Any]) -> bool:
        """Return whether a gradient tape watches."""
        from tensorflow.python import pywrap_tfe

        return not pywrap_tfe.TFE_Py_TapeSetIsEmpty()


class Jax(Backend):
    """Functions that are traced, and values."""

    def __init__(self, recording: Recording) -> None:
        from harness.measure.recorder.jax import find_taps

        super().__init__(recording)
        self._taps = find_taps(recording)
        self.send = self._taps.send  # type: ignore[method-assign]
        self.wait = self._taps.wait  # type: ignore[method-assign]
        self.get_place = self._taps.get_place  # type: ignore[method-assign]

    @property
    def is_eager(self) -> bool:  # type: ignore[override]
        """Whether what is called now is computed now."""
        return not self._taps.is_tracing()

    def snapshot(self, weight: Any) -> Any:
        """Return a weight's value, which nothing can change."""
        return weight.value

    def is_training(self, options: dict[str, Any]) -> bool:
        """Return whether a forward pass with these arguments leads to a step."""
        return bool(options.get("training"))


def _get_variable(weight: Any) -> Any:
    """Return TensorFlow's own variable: of Keras 3 it is the value."""
    value = getattr(weight, "value", weight)
    return weight if callable(value) else value


BACKENDS = {"tensorflow": TensorFlow, "torch": Backend, "jax": Jax}


def choose(api: Any, recording: Recording) -> Backend | None:
    """Return the backend of a Keras; None if it has one that is not recorded."""
    get_name = getattr(getattr(api, "config", None), "backend", None)
    name = "tensorflow" if get_name is None else get_name()
    if name not in BACKENDS:
        recording.note("backend", f"Keras over {name} is not recorded")
        return None
    return BACKENDS[name](recording)
