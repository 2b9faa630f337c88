"""Optimizers: hyperparameters, gradients, and what a step changes.

Inside half. ``step`` of every optimizer's class is wrapped when one is made, as a method,
since schedulers read ``step.__func__``: torch has hooks of its own for this since 2.0 only.
"""

from __future__ import annotations

import functools
import itertools
import weakref
from typing import Any, Callable, NamedTuple

import numpy as np
import torch

from harness.measure.recorder import sketch
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.sketch import Memory
from harness.measure.recorder.torch.forwards import Forwards
from harness.measure.recorder.torch.initial import Initial
from harness.measure.recorder.torch.names import Names, leftovers
from harness.measure.recorder.torch.operators import Operators
from harness.measure.recorder.torch.tensors import Reader, state

WRAPPED = "_is_recorded"
SWITCHES = ("amsgrad", "centered", "maximize", "nesterov")
"""Hyperparameters that are true or false, recorded where true: other switches come and go with
versions, and change no number."""


class Before(NamedTuple):
    """A parameter before a step.

    Attributes:
        memory: what its change is measured from.
        whole: a copy of it, if whole tensors are kept.
    """

    name: str
    parameter: torch.Tensor
    memory: Memory
    whole: np.ndarray | None


class Optimizers:
    """The seam of optimizers."""

    def __init__(self, recording: Recording, names: Names, reader: Reader, initial: Initial,
                 forwards: Forwards, operators: Operators) -> None:
        self._operators = operators
        self._recording, self._names, self._reader = recording, names, reader
        self._initial, self._forwards = initial, forwards
        self._numbers: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._count = itertools.count()
        self._after: dict[str, tuple[Any, Memory]] = {}

    def install(self) -> None:
        """Wrap ``step`` of every class an optimizer is made of from now on."""
        make = torch.optim.Optimizer.__init__
        seam = self

        @functools.wraps(make)
        def __init__(self: Any, *arguments: Any, **options: Any) -> None:
            make(self, *arguments, **options)
            seam._meet(self)

        torch.optim.Optimizer.__init__ = __init__

    def _meet(self, optimizer: torch.optim.Optimizer) -> None:
        self._number(optimizer)
        kind = type(optimizer)
        step = kind.step
        is_compiling = getattr(getattr(torch, "compiler", None), "is_compiling", bool)
        if getattr(step, WRAPPED, False):
            return
        seam = self

        @functools.wraps(step)
        def recorded(self: Any, *arguments: Any, **options: Any) -> Any:
            if is_compiling():
                return step(self, *arguments, **options)
            return seam.step(self, step, arguments, options)

        setattr(recorded, WRAPPED, True)
        kind.step = recorded

    def _number(self, optimizer: torch.optim.Optimizer) -> str:
        """Return an optimizer's name: its place among those of the program."""
        if optimizer not in self._numbers:
            self._numbers[optimizer] = f"optimizer[{next(self._count)}]"
        return self._numbers[optimizer]

    def step(self, optimizer: Any, step: Any, arguments: Any, options: Any) -> Any:
        """Let an optimizer make a step, and record it.

        Args:
            step: what makes the step, of the optimizer and the arguments.
        """
        if not self._recording.is_on:
            self._recording.tell_beside()
            return step(optimizer, *arguments, **options)
        if self._forwards.is_in_step:
            return step(optimizer, *arguments, **options)
        self._forwards.is_in_step = True
        self._forwards.begin_pass()
        remembered: list[list[Before]] = []

        def look() -> None:
            if not remembered:
                remembered.append(self._recording.safely(self._look, optimizer) or [])

        try:
            if not any(map(callable, (*arguments, *options.values()))):
                look()
            result = step(optimizer, *(_followed(value, look) for value in arguments),
                          **{key: _followed(value, look) for key, value in options.items()})
            self._recording.safely(self._keep_updates, remembered[0] if remembered else [])
        finally:
            self._forwards.is_in_step = False
        self._forwards.begin_step()
        if self._recording.is_captured:
            self._operators.end()
        self._recording.advance()
        return result

    def _look(self, optimizer: Any) -> list[Before]:
        """Record schedule and gradients, and return the parameters as they are before a step."""
        parameters = self._prepare(optimizer)
        if not self._recording.is_detailed:
            return []
        self._forwards.buffers.keep()
        self._keep_gradients(parameters)
        return self._remember(parameters)

    def _prepare(self, optimizer: Any) -> list[tuple[str, torch.Tensor]]:
        """Name the parameters, record the schedule, and return the parameters by name."""
        own, groups = self._number(optimizer), optimizer.param_groups
        for parameter, name in leftovers(self._names, groups, own):
            self._names.name(parameter, name)
        parameters = [(str(self._names.of_parameter(parameter)), parameter)
                      for group in groups for parameter in group["params"]]
        self._initial.take(parameters)
        if self._recording.step == 0:
            self._initial.take_changed(parameters)
        for g, group in enumerate(groups):
            self._keep_schedule(f"{own}.group[{g}]", group)
        return parameters

    def _keep_schedule(self, place: str, group: dict[str, Any]) -> None:
        for key, value in group.items():
            if key == "params" or (key != "lr" and not self._recording.is_detailed):
                continue
            parts = value if isinstance(value, (tuple, list)) else [value]
            for i, part in enumerate(parts):
                name = f"{place}.{key}" + (f"[{i}]" if len(parts) > 1 else "")
                if isinstance(part, bool) and not (part and key in SWITCHES):
                    continue
                if isinstance(part, (int, float)):
                    self._recording.number("schedule", name, part)
                elif isinstance(part, torch.Tensor) and part.numel() == 1:
                    self._recording.number("schedule", name, float(part))

    def _keep_gradients(self, parameters: list[tuple[str, torch.Tensor]]) -> None:
        for name, parameter in parameters:
            found = None if parameter.grad is None else self._reader.read(parameter.grad)
            if found is None:
                continue
            path = name.rpartition(".")[0]
            self._recording.tensor("gradient", name, *found, module=path)
            if parameter.grad.layout is torch.sparse_coo:  # which rows these are of
                rows = self._reader.read(parameter.grad.coalesce().indices())
                if rows is not None:
                    self._recording.tensor("gradient", f"{name}:indices", *rows, module=path)

    def _remember(self, parameters: list[tuple[str, torch.Tensor]]) -> list[Before]:
        """Return what is known of the parameters before a step."""
        found = []
        for name, parameter in parameters:
            last = self._after.pop(name, None)
            now = state(parameter)
            is_same = (last is not None and last[0] == now and last[1].size > sketch.SMALL
                       and not self._recording.is_keeping)
            read = None if is_same else self._reader.read(parameter)
            if last is not None and is_same:
                found.append(Before(name, parameter, last[1], None))
            elif read is not None:
                whole = np.array(read[0]) if self._recording.is_keeping else None
                found.append(Before(name, parameter, Memory(*read), whole))
        return found

    def _keep_updates(self, remembered: list[Before]) -> None:
        self._after.clear()
        for before in remembered:
            read = self._reader.read(before.parameter)
            if read is None:
                continue
            new, old = read[0], before.whole
            after, found = before.memory.follow(*read)
            self._recording.add(
                "update", before.name, found, before.name.rpartition(".")[0],
                None if old is None else functools.partial(np.subtract, new, old))
            self._after[before.name] = (state(before.parameter), after)


def _followed(value: Any, look: Callable[[], None]) -> Any:
    """Return a closure behind whose first evaluation the gradients are looked at.

    Before it no model may have been called, and nothing has a name yet.
    """
    if not callable(value):
        return value

    @functools.wraps(value)
    def closure(*arguments: Any, **options: Any) -> Any:
        result = value(*arguments, **options)
        look()
        return result

    return closure
