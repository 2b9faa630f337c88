"""The recording of one run: which step it is at, what is worth looking at, and what is kept.

Inside half: standard library and NumPy only. Seams of the frameworks call it; nothing they
hand over may be changed, except by ``weights``.
"""

from __future__ import annotations

import mmap
import threading
from pathlib import Path
from typing import Any, Callable

import numpy as np

from harness.measure.recorder import sketch, trace
from harness.measure.recorder.sketch import Sketch

FIRST = 32
"""Steps at the beginning that are all looked at in detail; afterwards half as many an octave."""
BUFFER = 2**16
"""Elements of a buffer that is looked at, at most: statistics have a number for each channel."""
BESIDE = ("a process that the program forked", "another thread of the program")
"""What can train unrecorded."""
NOTES = 50
"""Notes of a code that are kept."""


class Ended(BaseException):
    """The recorder ends the program: it has what was asked for. No error of the program's."""


def is_detailed(step: int, every: int = 1) -> bool:
    """Return whether tensors are looked at in a step.

    All of the first 32 steps, then 16 an octave, so that a trace grows by the logarithm of
    the run; it depends on nothing but the step, so that both sides look at the same ones.

    Args:
        every: of these, only multiples of this.
    """
    if step % every:
        return False
    counted = step // every
    return counted < FIRST or counted % (1 << (counted.bit_length() - FIRST.bit_length() + 1)) == 0


class Recording:
    """What is recorded of this process.

    Args:
        every: look into every so many steps only.
        steps: end the program after so many updates.
        capture: keep whole tensors of this step, and end the program behind it.

    Attributes:
        is_detailed: tensors of the present step are looked at.
        is_captured: whole tensors of the present step are kept.
        is_keeping: the same, or those of its updates.
    """

    def __init__(self, every: int = 1, steps: int | None = None,
                 capture: int | None = None) -> None:
        self.every, self.steps, self.capture = every, steps, capture
        self.step = 0
        self.is_detailed = self.is_keeping = self.is_captured = False
        self.events = trace.Events()
        self.whole: dict[str, np.ndarray] = {}
        self._operators: dict[str, int] = {}
        self.notes: list[dict[str, str]] = []
        self.modules: dict[str, str] = {}
        self.tensors: dict[str, str] = {}
        self.devices: set[str] = set()
        self.ended: str | None = None
        self.is_stopped = self.is_forked = self.is_written = False
        self._beside = mmap.mmap(-1, len(BESIDE))  # which forked processes share
        self.watchers: list[Callable[[Any], Any]] = []
        self.loops: list[Any] = []
        self.takers: list[Callable[[str, Any], bool]] = []
        self.readers: list[Callable[[Any], tuple[np.ndarray, str] | None]] = []
        self._thread = threading.get_ident()
        self._look_up()

    @property
    def is_on(self) -> bool:
        """Whether this is the thread that is recorded; in forked processes none is."""
        return not self.is_stopped and threading.get_ident() == self._thread

    def add(self, channel: str, name: str, found: Sketch, module: str | None = None,
            read: Callable[[], np.ndarray] | None = None) -> None:
        """Add an event of the present step.

        Args:
            module: path of the module that the tensor belongs to.
            read: reads the whole tensor, should it be kept.
        """
        occurrence = self.events.add(self.step, channel, name, found)
        if module is not None:
            self.tensors.setdefault(name, module)
        if read is not None and self._keeps(channel):
            self.whole[f"{self.step}|{channel}|{name}|{occurrence}"] = np.array(read())

    def _look_up(self) -> None:
        """Find out what the present step is worth."""
        self.is_captured = self.step == self.capture
        self.is_keeping = self.is_captured or self.step + 1 == self.capture
        self.is_detailed = is_detailed(self.step, self.every) or self.is_keeping

    def _keeps(self, channel: str) -> bool:
        return self.is_captured or (self.is_keeping and channel in ("update", "initialisation"))

    def tensor(self, channel: str, name: str, array: np.ndarray, dtype: str = "", *,
               module: str | None = None) -> Sketch:
        """Add an event of a tensor, and return its sketch.

        Args:
            array: its elements, which are not kept.
            dtype: its element type, where NumPy has another one for it.
            module: path of the module that it belongs to.
        """
        found = sketch.sketch(array, dtype)
        self.add(channel, name, found, module, lambda: array)
        return found

    def keep_operator(self, name: str, array: np.ndarray) -> None:
        """Keep what an operator returned, as ``step|operator|name|occurrence``."""
        occurrence = self._operators.get(name, 0)
        self._operators[name] = occurrence + 1
        self.whole[f"{self.step}|operator|{name}|{occurrence}"] = array

    def number(self, channel: str, name: str, value: float, module: str | None = None) -> None:
        """Add an event of a plain number."""
        self.add(channel, name, sketch.of_number(value), module)

    def advance(self) -> None:
        """Count an update that is finished.

        Raises:
            Ended: it was the last one that was asked for.
        """
        self.step += 1
        self._look_up()
        if self.steps is not None and self.step >= self.steps:
            self.end("steps")
        if self.capture is not None and self.step > self.capture:
            self.end("capture")

    def tell_beside(self) -> None:
        """Have the trace tell of an update that is not recorded: of a forked process, or of
        another thread."""
        if self.is_forked or not self.is_stopped:
            self._beside[0 if self.is_forked else 1] = 1

    @property
    def beside(self) -> list[str]:
        """What has finished an update that is not recorded."""
        return [what for is_there, what in zip(self._beside[:], BESIDE) if is_there]

    def end(self, how: str) -> None:
        """End the program from within.

        Raises:
            Ended: always.
        """
        self.ended = self.ended or how
        self.is_stopped = True
        raise Ended(how)

    def note(self, code: str, text: str) -> None:
        """Keep a remark for whoever reads the trace, once."""
        found = {"code": code, "text": text}
        if found not in self.notes and sum(n["code"] == code for n in self.notes) < NOTES:
            self.notes.append(found)

    def safely(self, look: Callable[..., Any], *arguments: Any) -> Any:
        """Look at what the program does; whatever goes wrong there is noted, and does not end it.

        Returns:
            What ``look`` returns; None if it could not.
        """
        try:
            return look(*arguments)
        except Exception as error:
            self.note("recorder", f"{look.__qualname__}: {type(error).__name__}: {error}")
            return None

    def report(self, name: str, value: Any) -> None:
        """Keep what the program reports by ``harness.record``."""
        if not self.is_on:
            return
        if any(take(str(name), value) for take in self.takers):
            return  # of a graph: its value comes later
        for read in self.readers:
            found = read(value)
            if found is not None:
                return self.keep_reported(str(name), *found)
        try:
            array = np.asarray(value)
        except Exception as error:  # whatever the program hands over must not end it
            return self.note("value", f"{name}: {type(value).__name__} is no number: {error}")
        self.keep_reported(str(name), array, "")

    def keep_reported(self, name: str, array: np.ndarray, dtype: str) -> None:
        """Add an event of what the program reports: a figure, or a tensor of a function."""
        if array.dtype.kind not in "biufc":
            self.note("value", f"{name}: {array.dtype} is no number")
        elif array.size == 1 and array.dtype.kind != "c":
            self.number("reported", name, float(array.reshape(-1)[0]))
        elif self.is_detailed:
            self.tensor("forward", name, array, dtype)

    def watch(self, thing: Any) -> Any:
        """Return what a seam makes of a thing that the program asks to watch, or the thing."""
        for watcher in self.watchers:
            thing = watcher(thing)
        return thing


def save_whole(recording: Recording, path: Path) -> None:
    """Write the whole tensors that were kept, by ``step|channel|name|occurrence``."""
    trace.write_arrays(path, recording.whole)
