"""Compiled functions: no hook may be seen by the compiler, or it compiles something else.

Inside half. What runs inside a compiled function is recorded from outside only: what goes in
and what comes out.
"""

from __future__ import annotations

import functools
import sys
import types
import warnings
from typing import Any, Callable

import torch

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.torch.forwards import Forwards
from harness.measure.recorder.torch.optimizers import WRAPPED, Optimizers

WRAPPER_ID = "_torchdynamo_wrapper_id"
"""By which torch knows a compiled function."""


class Compiled:
    """The seam of ``torch.compile``, in all its forms."""

    def __init__(self, recording: Recording, forwards: Forwards, optimizers: Optimizers) -> None:
        self._recording, self._forwards, self._optimizers = recording, forwards, optimizers

    def install(self) -> None:
        """Wrap what compiles functions; torch imports it when it needs it."""
        frames: Any = sys.modules["torch._dynamo.eval_frame"]
        compile_ = frames._TorchDynamoContext.__call__
        seam = self

        @functools.wraps(compile_)
        def __call__(self: Any, function: Any) -> Any:
            if not isinstance(self, frames.OptimizeContext):
                return compile_(self, function)
            if getattr(function, WRAPPED, False):
                return seam._wrap_step(function, lambda step: compile_(self, step))
            compiled = compile_(self, function)
            return seam._wrap(compiled, function) if isinstance(
                compiled, types.FunctionType) else compiled

        frames._TorchDynamoContext.__call__ = __call__
        warnings.filterwarnings("ignore", ".*torch.compile.* when there are global hooks")

    def _wrap(self, compiled: Callable[..., Any], function: Any) -> Callable[..., Any]:
        """Return a compiled function during which no module is hooked."""
        owner = getattr(function, "__self__", None)
        module = owner if isinstance(owner, torch.nn.Module) else None
        forwards, recording = self._forwards, self._recording

        @functools.wraps(compiled)
        def run(*arguments: Any, **options: Any) -> Any:
            if not recording.is_on or forwards.is_unhooked:
                return compiled(*arguments, **options)
            forwards.has_compiled = True
            recording.note("compiled", "what runs inside torch.compile is seen from outside only")
            if module is not None:
                forwards.enter(module, arguments)
            with forwards.unhooked():
                result = compiled(*arguments, **options)
            if module is not None:
                forwards.leave(module, arguments, result)
            return result

        if hasattr(compiled, WRAPPER_ID):
            setattr(run, WRAPPER_ID, id(run))
        return run

    def _wrap_step(self, step: Any, compile_: Callable[[Any], Any]) -> Callable[..., Any]:
        """Return a compiled step of an optimizer, recorded as one that is not compiled."""
        optimizer = step.__self__
        compiled = compile_(types.MethodType(step.__func__.__wrapped__, optimizer))

        def run(*arguments: Any, **options: Any) -> Any:
            return self._optimizers.step(
                optimizer, lambda _, *rest, **more: compiled(*rest, **more), arguments, options)

        return run
