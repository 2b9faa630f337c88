"""Names of modules and parameters: their paths in the module that the program calls.

Inside half. The first module with parameters that is called gives its paths as they are;
those of others begin with the name of their class.
"""

from __future__ import annotations

import weakref
from typing import Any, Iterator

import torch

from harness.measure.recorder.recording import Recording

WRAPPER = "_orig_mod"
"""What ``torch.compile`` puts into the path of what it wraps."""

REPLICAS = ("DataParallel", "DistributedDataParallel")
"""Classes that hold a model as ``module`` and run it elsewhere as well."""


class Names:
    """The names given so far in this run."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._modules: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._parameters: dict[int, tuple[Any, str]] = {}
        self._roots: dict[str, int] = {}
        self._has_root = False

    def of_module(self, module: torch.nn.Module) -> str:
        """Return the path of a module; the name of its class if no called one contains it."""
        return self._modules.get(module) or type(module).__name__

    def of_parameter(self, parameter: torch.Tensor) -> str | None:
        """Return the path of a parameter, or None if no called module contains it."""
        found = self._parameters.get(id(parameter))
        return found[1] if found is not None and found[0]() is parameter else None

    def name(self, parameter: torch.Tensor, name: str) -> None:
        """Give a parameter a name that it keeps."""
        self._parameters[id(parameter)] = (weakref.ref(parameter), name)

    def knows(self, root: torch.nn.Module) -> bool:
        """Return whether a module has a path already."""
        return root in self._modules

    def learn(self, root: torch.nn.Module) -> None:
        """Name all that an outermost module contains."""
        inner = getattr(root, "module", None)
        if type(root).__name__ in REPLICAS and isinstance(inner, torch.nn.Module):
            self.learn(inner)
            self._modules[root] = self._modules[inner]
            return
        kind = type(getattr(root, WRAPPER, root)).__name__
        has_parameters = next(iter(root.parameters()), None) is not None
        prefix, own = self._prefix(kind) if has_parameters else (kind + ".", kind)
        for path, module in root.named_modules():
            name = prefix + _strip(path) if _strip(path) else own
            if module not in self._modules:
                self._modules[module] = name
                self._recording.modules.setdefault(
                    name, type(getattr(module, WRAPPER, module)).__name__)
        for path, parameter in root.named_parameters():
            if self.of_parameter(parameter) is None:
                self.name(parameter, prefix + _strip(path))

    def _prefix(self, kind: str) -> tuple[str, str]:
        """Return what the paths of a new outermost module begin with, and its own name."""
        number = self._roots[kind] = self._roots.get(kind, 0) + 1
        own = kind if number == 1 else f"{kind}#{number}"
        if not self._has_root:
            self._has_root = True
            return "", own
        return own + ".", own


def _strip(path: str) -> str:
    return ".".join(part for part in path.split(".") if part != WRAPPER)


def leftovers(names: Names, groups: list[Any], own: str) -> Iterator[tuple[torch.Tensor, str]]:
    """Yield an optimizer's parameters that no called module contains, with names to give them."""
    for g, group in enumerate(groups):
        for p, parameter in enumerate(group["params"]):
            if names.of_parameter(parameter) is None:
                yield parameter, f"{own}.group[{g}].parameter[{p}]"
