"""Where frameworks are hooked: as soon as the program has imported one.

Inside half: standard library only; the framework's own module is imported behind it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any, Callable

from harness.measure.recorder.recording import Recording
from harness.measure.recorder.weights import Weights

SEAMS = {"torch": "torch_seams"}
"""Module of a framework to the module here that hooks it: ``install(recording, weights)``."""


class _Finder:
    """A finder that goes before all others, and has a framework hooked when it is loaded."""

    def __init__(self, install: Callable[[str], None]) -> None:
        self._install = install
        self._busy: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the spec that the other finders have, with a loader that hooks afterwards."""
        if name not in SEAMS or name in self._busy:
            return None
        self._busy.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._busy.discard(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                load(module)
                self._install(name)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install(recording: Recording, weights: Weights) -> None:
    """Have every framework hooked when the program imports it, or now if it is imported."""
    installed: set[str] = set()

    def hook(name: str) -> None:
        if name not in installed:
            installed.add(name)
            seam = importlib.import_module(f"{__package__}.{SEAMS[name]}")
            seam.install(recording, weights)

    sys.meta_path.insert(0, _Finder(hook))  # type: ignore[arg-type]
    for name in SEAMS:
        if name in sys.modules:
            recording.note("imported early", f"{name} was imported before the recorder: what "
                                             "it did until then is not in the trace")
            hook(name)
