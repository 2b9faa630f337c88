"""Taps: how values get from where JAX computes them to the recording.

Inside half. Traced values come by an ordered callback, at each call of the compiled function.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any, Callable, Sequence

import jax
import numpy as np

from harness.measure.recorder import arrays
from harness.measure.recorder.recording import Ended, Recording


class Taps:
    """All taps of a program."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._lock = threading.RLock()

    def send(self, deliver: Callable[[Any], None], values: Sequence[Any]) -> None:
        """Have a function called with elements and types, in the order of the program."""
        if self._recording.is_stopped:
            return
        places = [i for i, value in enumerate(values) if value is not None]

        def host(*parts: Any) -> None:
            found: list[Any] = [None] * len(values)
            for place, part in zip(places, parts):
                found[place] = arrays.read(np.asarray(part))
            self._call(deliver, found)

        present = [values[place] for place in places]
        if any(isinstance(value, jax.core.Tracer) for value in present):
            jax.debug.callback(host, *present, ordered=True)
        else:
            self.wait()
            host(*present)

    def _call(self, deliver: Callable[[Any], None], found: Any) -> None:
        with self._lock:
            if self._recording.is_stopped:
                return
            self._recording.devices.add(jax.default_backend())
            try:
                deliver(found)
            except Ended:
                _interrupt()
            except Exception as error:
                self._recording.note("recorder", f"{type(error).__name__}: {error}")

    def take(self, name: str, value: Any) -> bool:
        """Record a traced value that the program records; return whether it is one."""
        if not isinstance(value, jax.core.Tracer):
            if isinstance(value, jax.Array):
                self.wait()
            return False

        def deliver(found: Any) -> None:
            if found[0] is not None:
                self._recording.keep_reported(name, *found[0])

        self.send(deliver, [value])
        return True

    def read_weight(self, value: Any) -> tuple[np.ndarray, str] | None:
        """Return elements and type of a value that is there."""
        return arrays.read(value) if hasattr(value, "dtype") \
            and not isinstance(value, jax.core.Tracer) else None

    def make(self, values: np.ndarray, like: Any) -> Any:
        """Return these elements as an array of the same type and place."""
        return jax.numpy.asarray(values, dtype=like.dtype)

    def wait(self) -> None:
        """Wait for the callbacks of what was called so far."""
        jax.effects_barrier()

    def is_tracing(self) -> bool:
        """Return whether a function is being traced."""
        return isinstance(jax.numpy.zeros(()), jax.core.Tracer)

    def get_place(self) -> Any:
        """Return what is being traced."""
        from jax._src import core

        context = getattr(core, "trace_ctx", None)
        if context is not None:
            return context.trace
        return core.thread_local_state.trace_state.trace_stack.dynamic


def _interrupt() -> None:
    """End the main thread's program: an exception in a callback would be another one there."""
    thread = threading.main_thread().ident
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread or 0), ctypes.py_object(Ended))
