"""Where frameworks are hooked: as soon as the program has imported one.

Inside half: standard library only; the framework's own module is imported behind it.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any, Callable, Sequence

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.weights import Weights

SEAMS = {"torch": ("torch",), "tensorflow": ("tensorflow", "keras.carried"), "keras": ("keras",),
         "tf_keras": ("keras",), "jax": ("jax",)}
"""Module of a framework to the modules here that hook it by ``install(recording, weights)``."""


class _Finder:
    """A finder that goes before all others, and tells when a module has been loaded."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[], None]] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the spec that the other finders have, with a loader that tells afterwards."""
        if name not in self.waiting:
            return None
        found = (finder.find_spec(name, path, target) for finder in list(sys.meta_path)
                 if finder is not self and hasattr(finder, "find_spec"))
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                load(module)
                self.waiting.pop(name, _do_nothing)()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _do_nothing() -> None:
    """Module was loaded twice."""


_finder = _Finder()


def when_imported(name: str, then: Callable[[], None]) -> None:
    """Have something done when the program has imported a module, or now if it has."""
    if name in sys.modules:
        then()
    else:
        _finder.waiting[name] = then


def install(recording: Recording, weights: Weights) -> None:
    """Have every framework hooked when the program imports it, or now if it is imported."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    for name, seams in SEAMS.items():
        if name in sys.modules:
            recording.note("imported early", f"{name} was imported before the recorder: what "
                                             "it did until then is not in the trace")
        when_imported(name, functools.partial(_hook, seams, recording, weights))


def _hook(seams: Sequence[str], recording: Recording, weights: Weights) -> None:
    for seam in seams:
        importlib.import_module(f"{__package__}.{seam}").install(recording, weights)
