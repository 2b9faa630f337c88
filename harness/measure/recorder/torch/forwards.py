"""Forward passes: what goes into modules and comes out of them.

Inside half. Global hooks on the forward pass only: hooks on the backward pass change gradients.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any, Callable, Iterator

import torch
from torch.nn.modules import module as torch_module

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.torch.buffers import Buffers
from harness.measure.recorder.torch.initial import Initial
from harness.measure.recorder.torch.names import Names
from harness.measure.recorder.torch.tensors import Reader, Seen, find

FOREIGN = "_is_recorded_as_layer"
"""Marks modules that another seam looks at: layers of Keras."""
EVALUATIONS = 16
"""Forward passes in evaluation that are kept, in one step and of one module."""


class Forwards:
    """Hooks of the forward pass."""

    def __init__(self, recording: Recording, names: Names, reader: Reader,
                 initial: Initial) -> None:
        self._recording, self._names = recording, names
        self._reader, self._initial = reader, initial
        self.buffers = Buffers(recording, names, reader)
        self._stack: list[Any] = []
        self._is_evaluating = False
        self._trained: weakref.WeakSet[Any] = weakref.WeakSet()
        self._handles: list[Any] = []
        self.is_in_backward = self.is_in_step = False
        self.is_unhooked = self.has_compiled = False
        self.when_trained: Callable[[], None] | None = None
        self.seen = Seen()
        self._has_computed = False

    def install(self) -> None:
        """Hook every module there is and will be."""
        self._handles = [torch_module.register_module_forward_pre_hook(self.enter),
                         torch_module.register_module_forward_hook(self.leave)]

    @contextlib.contextmanager
    def unhooked(self) -> Iterator[None]:
        """Have no module hooked, as if there were no recorder, until the block ends."""
        own = [(hooks, handle.id, hooks.pop(handle.id))
               for hooks, handle in zip((torch_module._global_forward_pre_hooks,
                                         torch_module._global_forward_hooks), self._handles)]
        self.is_unhooked = True
        try:
            yield
        finally:
            self.is_unhooked = False
            for hooks, number, hook in own:
                hooks[number] = hook

    def place(self) -> str:
        """Return where the program is: in a module, a backward pass, an optimizer's step."""
        if self.is_in_backward:
            return "backward"
        module = self._stack[-1]() if self._stack else None
        if module is not None:
            return self._names.of_module(module)
        return "step" if self.is_in_step else "outside"

    def begin_step(self) -> None:
        """Forget what belongs to the step before."""
        self.seen.clear()
        self._has_computed = False

    def begin_pass(self) -> None:
        """Take note that what comes now is another forward pass, whatever became of the last."""
        del self._stack[:]
        self._has_computed = False

    def enter(self, module: torch.nn.Module, inputs: Any) -> None:
        """Take note that a module is called."""
        if (torch.jit.is_tracing() or self.is_in_backward or not self._recording.is_on
                or _is_foreign(module)):
            return
        is_outermost = not self._stack
        self._stack.append(weakref.ref(module))
        self._recording.safely(self._enter, module, inputs, is_outermost)

    def _enter(self, module: torch.nn.Module, inputs: Any, is_outermost: bool) -> None:
        if is_outermost:
            self._begin(module)
        if self._is_evaluating and is_outermost:
            self._evaluate(module, inputs, "input")
        elif not self._is_evaluating and self._recording.is_detailed:
            self._keep(module, inputs, "input", is_outermost and not self._has_computed)

    def leave(self, module: torch.nn.Module, inputs: Any, output: Any) -> None:
        """Take note that a module has returned."""
        if (torch.jit.is_tracing() or self.is_in_backward or not self._stack
                or not self._recording.is_on or _is_foreign(module)):
            return
        while self._stack and self._stack.pop()() is not module:
            pass
        self._recording.safely(self._leave, module, output, not self._stack)

    def _leave(self, module: torch.nn.Module, output: Any, is_outermost: bool) -> None:
        if not self._is_evaluating:
            if self._recording.is_detailed:
                self._keep(module, output, "output")
            self._has_computed = True
        elif is_outermost:
            self._evaluate(module, output, "output")

    def _begin(self, root: torch.nn.Module) -> None:
        """Take in an outermost module: its names, its mode, its initial parameters."""
        if not self._names.knows(root):
            self._names.learn(root)
        has_parameters = next(iter(root.parameters()), None) is not None
        if has_parameters:
            self._is_evaluating = not (root.training and torch.is_grad_enabled())
        elif not torch.is_grad_enabled():
            self._is_evaluating = True
        if not self._is_evaluating and self.when_trained is not None:
            self.when_trained()
        if has_parameters and not self._is_evaluating and root not in self._trained:
            self._trained.add(root)
            self.buffers.meet(root)
            self._initial.take(
                (name, parameter)
                for parameter in root.parameters()
                for name in [self._names.of_parameter(parameter)] if name is not None)

    def _keep(self, module: torch.nn.Module, value: Any, what: str,
              is_data: bool = False) -> None:
        """Record the tensors that a module is given, or that it returns.

        Args:
            is_data: nothing was computed before; a tensor that no module returned is data.
        """
        path = self._names.of_module(module)
        for place, tensor in find(value):
            if tensor in self.seen:
                continue
            channel = "data" if is_data and not self.seen.shares(tensor) else "forward"
            self.seen.add(tensor)
            found = self._reader.read(tensor)
            if found is not None:
                self._recording.tensor(channel, f"{path}:{what}{place}", *found, module=path)

    def _evaluate(self, module: torch.nn.Module, value: Any, what: str) -> None:
        """Record what an outermost module is given in evaluation, or returns."""
        path = self._names.of_module(module)
        for place, tensor in find(value):
            self.seen.add(tensor)
            name = f"{path}:{what}{place}"
            if self._recording.events.count("evaluation", name) < EVALUATIONS:
                found = self._reader.read(tensor)
                if found is not None:
                    self._recording.tensor("evaluation", name, *found, module=path)


def _is_foreign(module: torch.nn.Module) -> bool:
    """Whether another seam looks at a module: a layer of Keras over torch."""
    return bool(getattr(type(module), FOREIGN, False))
