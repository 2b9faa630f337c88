"""Training loops of Keras: batches, evaluation, and what is reported.

Inside half.
"""

from __future__ import annotations

from typing import Any

from harness.measure.recorder import arrays
from harness.measure.recorder.guarding import guarded
from harness.measure.recorder.keras.layers import EVALUATIONS, Forwards
from harness.measure.recorder.keras.wrapping import find_owner, wrap
from harness.measure.recorder.recording import Recording

LOOPS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")
FILES = ("save", "export")


class Training:
    """The seam of ``fit``, ``evaluate``, ``predict`` and the like."""

    def __init__(self, recording: Recording, forwards: Forwards, backend: Any) -> None:
        self._recording, self._forwards, self._backend = recording, forwards, backend
        self._is_stepping = False

    def install(self, model: Any, callbacks: Any) -> None:
        """Wrap the loops of models, and the list of their callbacks."""
        for name in LOOPS:
            wrap(find_owner(model, name), name, getattr(self, f"_{name}", self._loop))
        for name in FILES:
            owner = find_owner(model, name)
            if owner is not None:
                wrap(owner, name, self._file)
        wrap(find_owner(model, "make_train_function"), "make_train_function", self._make)
        for name in ("on_train_batch_end", "on_epoch_end"):
            wrap(callbacks, name, getattr(self, f"_{name}"))
        owner = find_owner(model, "compute_loss_and_updates")
        if owner is not None:
            wrap(owner, "compute_loss_and_updates", self._compute_loss)

    def _loop(self, call: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        self._backend.fitting.append(model)
        try:
            return call(model, *arguments, **options)
        finally:
            self._backend.fitting.pop()

    def _file(self, call: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        with self._backend.muted():
            return call(model, *arguments, **options)

    def _evaluate(self, call: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        result = self._loop(call, model, *arguments, **options)
        self._keep_numbers("evaluation", "evaluate", result)
        return result

    def _predict(self, call: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        result = self._loop(call, model, *arguments, **options)
        with guarded(self._recording):
            for place, array in arrays.find(result):
                found = self._backend.read(array)
                name = f"predict{place}"
                if found and self._recording.events.count("evaluation", name) < EVALUATIONS:
                    self._recording.tensor("evaluation", name, *found)
        return result

    def _train_on_batch(self, call: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        result = self._loop(call, model, *arguments, **options)
        self._keep_numbers("reported", "train_on_batch", result)
        self._backend.check()
        return result

    def _test_on_batch(self, call: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        result = self._loop(call, model, *arguments, **options)
        self._keep_numbers("evaluation", "test_on_batch", result)
        return result

    def _on_train_batch_end(self, call: Any, callbacks: Any, batch: Any, logs: Any = None) -> Any:
        self._keep_numbers("reported", "batch", logs)
        result = call(callbacks, batch, logs)
        self._backend.check()
        return result

    def _on_epoch_end(self, call: Any, callbacks: Any, epoch: Any, logs: Any = None) -> Any:
        self._keep_numbers("reported", "epoch", logs)
        return call(callbacks, epoch, logs)

    def _keep_numbers(self, channel: str, what: str, values: Any) -> None:
        """Keep what a loop of Keras reports: a number, a list, or a mapping."""
        if self._recording.is_stopped:
            return
        with guarded(self._recording):
            self._backend.wait()
            if isinstance(values, dict):
                named = [(f"{what}.{name}", value) for name, value in values.items()]
            elif isinstance(values, (list, tuple)):
                named = [(f"{what}[{i}]", value) for i, value in enumerate(values)]
            else:
                named = [] if values is None else [(what, values)]
            for name, value in named:
                found = self._backend.read(value)
                if found is not None and found[0].size == 1:
                    self._recording.number(channel, name, float(found[0].reshape(-1)[0]))

    def _make(self, call: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        with guarded(self._recording):
            for owner in type(model).__mro__:
                if "train_step" in vars(owner):
                    wrap(owner, "train_step", self._train_step)
            if model.built:
                self._forwards.take_initial(model)
        return call(model, *arguments, **options)

    def _train_step(self, call: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        if self._is_stepping:  # a step of the program's own calls that of Keras
            return call(model, *arguments, **options)
        self._is_stepping = True
        try:
            with guarded(self._recording):
                self._send_batch(options.get("data", arguments[-1] if arguments else None))
            return call(model, *arguments, **options)
        finally:
            self._is_stepping = False

    def _send_batch(self, data: Any) -> None:
        arrays.send_batch(self._recording, self._backend.send, data)

    def _compute_loss(self, call: Any, model: Any, *arguments: Any, **options: Any) -> Any:
        """Keep the loss of a step over JAX, which no other seam sees."""
        result = call(model, *arguments, **options)
        if options.get("training"):
            with guarded(self._recording):
                self._backend.send(self._keep_loss, [result[0]])
        return result

    def _keep_loss(self, found: Any) -> None:
        if found[0] is not None:
            self._recording.number("loss", "loss", float(found[0][0].reshape(-1)[0]))
