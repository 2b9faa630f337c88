"""The seams of Keras: 2 as TensorFlow carries it, and 3 over TensorFlow, torch and JAX.

Inside half; imported only once the program has imported Keras, or a TensorFlow that holds it.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, Callable, Iterator

from harness.measure.recorder.initial import Initial
from harness.measure.recorder.keras.backends import choose
from harness.measure.recorder.keras.buffers import Buffers
from harness.measure.recorder.keras.layers import Forwards
from harness.measure.recorder.keras.names import Names
from harness.measure.recorder.keras.optimizers import Optimizers
from harness.measure.recorder.keras.training import Training
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.weights import Weights

PACKAGES = ("keras", "tf_keras")
FOREIGN = "_is_recorded_as_layer"
"""Marks layers to the seam of torch, which leaves them to this one."""
_hooked: set[str] = set()


def install(recording: Recording, weights: Weights) -> None:
    """Hook the packages of Keras that the program has imported."""
    for name in PACKAGES:
        if name in sys.modules and name not in _hooked:
            _hooked.add(name)
            hook(sys.modules[name], recording, weights)


def hook(api: Any, recording: Recording, weights: Weights) -> None:
    """Hook one Keras.

    Args:
        api: its public module.
    """
    backend = choose(api, recording)
    if backend is None:
        return
    names = Names(recording)
    initial = Initial(recording, weights, backend)
    buffers = Buffers(recording, names, initial, backend)
    forwards = Forwards(recording, names, initial, buffers, backend, _get_symbolic(api))
    forwards.install(api.layers.Layer)
    setattr(api.layers.Layer, FOREIGN, True)
    Optimizers(recording, names, initial, forwards, buffers, backend).install(_find_optimizers(api))
    Training(recording, forwards, backend).install(api.Model, api.callbacks.CallbackList)


def _find_optimizers(api: Any) -> Iterator[Any]:
    """Yield the classes that may apply gradients, each with those it derives from."""
    places = [place for one in (api, _find_public(api)) for place in (
        one.optimizers, getattr(one.optimizers, "legacy", None),
        getattr(one.optimizers, "experimental", None), getattr(one, "mixed_precision", None))]
    kinds = [getattr(place, name, None) for place in places
             for name in ("Optimizer", "LossScaleOptimizer", "LossScaleOptimizerV3")]
    for kind in kinds:
        for owner in getattr(kind, "__mro__", ()):
            if owner is not object:
                yield owner


def _find_public(api: Any) -> Any:
    """Return what TensorFlow shows of Keras 2, whose own module shows older optimizers."""
    try:
        return importlib.import_module(f"{api.__name__}.api._v2.keras")
    except ImportError:
        return api


def _get_symbolic(api: Any) -> Callable[[], bool]:
    """Return what tells whether Keras 3 only wants to know shapes."""
    for name in ("symbolic_scope", "stateless_scope"):
        try:
            module = importlib.import_module(f"keras.src.backend.common.{name}")
        except ImportError:
            continue
        return getattr(module, f"in_{name}")  # type: ignore[no-any-return]
    return _is_never


def _is_never() -> bool:
    return False
