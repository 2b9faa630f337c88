"""Where Keras finds what a fault patches, in Keras 2 and 3; see ``faults``.

Inside half: standard library and TensorFlow only. Every name is looked up when a fault
begins, none at import.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Iterator
from unittest.mock import patch

import tensorflow as tf

keras = tf.keras
NAMESPACES = ("", "math", "nn", "linalg", "random")
"""Of TensorFlow, in which a function may have several names."""


@contextmanager
def patched(name: str, replace: Callable[[Any], Any]) -> Iterator[None]:
    """Replace a function of TensorFlow, wherever Keras looks it up.

    Args:
        replace: takes the function, returns what stands in its place.
    """
    with ExitStack() as stack:
        for root in (tf, tf.compat.v2):  # Keras 3 imports the one, Keras 2 the other
            for space in (getattr(root, part) if part else root for part in NAMESPACES):
                if hasattr(space, name):
                    stack.enter_context(patch.object(space, name, replace(getattr(space, name))))
        yield


def module_of(thing: Any) -> Any:
    """Return the module of Keras' sources that defines a class."""
    return sys.modules[thing.__module__]


def data_adapter() -> Any:
    """Return the class that cuts arrays into batches for ``fit`` and ``evaluate``."""
    try:
        module = importlib.import_module("keras.src.trainers.data_adapters.array_data_adapter")
        return module.ArrayDataAdapter
    except ModuleNotFoundError:  # Keras 2
        return importlib.import_module("keras.src.engine.data_adapter").TensorLikeDataAdapter


def index_of(optimizer: Any, variable: Any) -> int:
    """Return a variable's place among those that an optimizer trains."""
    if hasattr(optimizer, "_get_variable_index"):
        return int(optimizer._get_variable_index(variable))
    return int(optimizer._index_dict[optimizer._var_key(variable)])  # Keras 2
