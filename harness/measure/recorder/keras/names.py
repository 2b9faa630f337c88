"""Names of layers and weights: their paths below the layer that the program calls.

Inside half. The first outermost layer with weights gives its paths as they are; those of others
begin with its name. A name that Keras made up counts on over the whole process and differs
between versions (``model``, ``functional_1``): an outermost layer has its kind's name instead.
"""

from __future__ import annotations

import re
import weakref
from typing import Any, Iterator

from harness.measure.recorder.recording import Recording

MADE_UP = re.compile(r"(model|functional|sequential)(_\d+)?")
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Names:
    """The names given so far in this run."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._roots: dict[int, tuple[Any, str, str]] = {}
        self._weights: dict[int, tuple[Any, str]] = {}
        self._taken: set[str] = set()
        self._kinds: dict[str, int] = {}
        self._has_root = False

    def of_root(self, root: Any) -> str:
        """Return the name of an outermost layer."""
        return self._learn_root(root)[1]

    def of_layer(self, root: Any, parts: list[str]) -> str:
        """Return the path of a layer within the outermost one that is being called."""
        return self._learn_root(root)[2] + "/".join(parts)

    def of_weight(self, weight: Any) -> str | None:
        """Return the path of a weight, or None if no called layer contains it."""
        found = self._weights.get(id(weight))
        return found[1] if found is not None and found[0] is weight else None

    def get_roots(self) -> list[Any]:
        """Return the outermost layers called so far that are still there."""
        return [root for root in (kept() for kept, _, _ in self._roots.values())
                if root is not None]

    def learn(self, root: Any) -> Iterator[tuple[str, Any]]:
        """Name the weights of an outermost layer, and yield those that it has by now."""
        _, _, prefix = self._learn_root(root)
        for weight in root.weights:
            name = self.of_weight(weight)
            if name is None:
                name = self.name(weight, prefix + _strip(weight, root.name))
            yield name, weight

    def name(self, weight: Any, name: str) -> str:
        """Give a weight a name that it keeps, with a number if another one has it."""
        number, free = 1, name
        while free in self._taken:
            number += 1
            free = f"{name}#{number}"
        self._taken.add(free)
        self._weights[id(weight)] = (weight, free)
        return free

    def _learn_root(self, root: Any) -> tuple[Any, str, str]:
        found = self._roots.get(id(root))
        if found is None or found[0]() is not root:
            found = self._roots[id(root)] = (weakref.ref(root), *self._prefix(root))
            self._recording.modules[found[1]] = type(root).__name__
        return found

    def _prefix(self, root: Any) -> tuple[str, str]:
        """Return the name of a new outermost layer, and what the paths in it begin with."""
        kind = type(root).__name__
        own = str(root.name)
        if MADE_UP.fullmatch(own) or re.fullmatch(_to_snake(kind) + r"(_\d+)?", own):
            kind = "Model" if kind == "Functional" else kind
            number = self._kinds[kind] = self._kinds.get(kind, 0) + 1
            own = kind if number == 1 else f"{kind}#{number}"
        if not self._has_root:
            self._has_root = bool(getattr(root, "layers", None))
            return own, ""
        return own, own + "/"


def _to_snake(kind: str) -> str:
    return re.escape(WORDS.sub("_", kind).lower())


def _strip(weight: Any, root: str) -> str:
    """Return a weight's own path, without the name of the outermost layer."""
    path = str(getattr(weight, "path", None) or weight.name).split(":")[0]
    first, _, rest = path.partition("/")
    return rest if rest and (first == root or MADE_UP.fullmatch(first)) else path
