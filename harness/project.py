"""The project: the cases of a checkout, their data and initial weights.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping

import numpy as np

from harness.case import Batches, Case, Variant
from harness.errors import HarnessError, InputMismatchError, UsageError, unknown
from harness.files import read_text, sha256
from harness.layers import parameter_names
from harness.paths import Paths
from harness.stream import expand

Weights = Dict[str, np.ndarray]
"""Parameters by ``<layer>.<part>``, in layer order."""


@dataclass(frozen=True)
class Project(Paths):
    """Cases of one checkout, with their data and initial weights."""

    def cases(self, names: list[str] | None = None) -> list[Case]:
        """Return the named cases, or all of them.

        Raises:
            UsageError: a name is unknown, or there is no case at all.
        """
        selected = names or self.case_names()
        if not selected:
            raise UsageError("nothing to do: no case selected", str(self.root / "cases"))
        return [self.case(name) for name in selected]

    def case(self, name: str) -> Case:
        """Return the ``CASE`` that ``cases/<name>.py`` declares."""
        if name not in self.case_names():
            raise unknown("case", name, self.case_names())
        path = self.root / "cases" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"cases.{name}", str(path))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        case = getattr(module, "CASE", None)
        if not isinstance(case, Case) or case.name != name:
            raise HarnessError(f"a case file must declare CASE with name {name!r}", str(path))
        return case

    def data_path(self, name: str) -> Path:
        """Return a file of data or initial weights."""
        return self.root / "cases" / "data" / name

    def batches(self, case: Case) -> Batches:
        """Return the case's data.

        Raises:
            HarnessError: the file is damaged, or holds nothing to train on.
        """
        with _damage(self.data_path(case.data)):
            found = case.read(self._json(case.data))
            if not found.steps or {len(x) for x in (*found.inputs, found.targets)} != {found.steps}:
                raise ValueError("inputs and targets must have as many steps, and one at least")
            return found

    def weights(self, variant: Variant) -> Weights:
        """Return the variant's initial weights as float32, in layer order.

        Raises:
            HarnessError: the file is damaged, or lacks a parameter.
        """
        with _damage(self.data_path(variant.weights)):
            data = expand(self._json(variant.weights))
            return {f"{layer}.{part}": data[layer][part] * np.float32(variant.scale)
                    for layer, part in parameter_names(variant.layers)}

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a data file's bytes, as ``sha256sum`` prints it."""
        return sha256(self.data_path(name))

    def check_weights(self, variant: Variant, found: str, where: str) -> None:
        """Refuse what was measured from other initial weights than the variant's.

        Args:
            found: SHA-256 of the weights that it was measured from.

        Raises:
            InputMismatchError: the hash differs; that is never a difference in training.
        """
        self._check_hash(f"initial weights of {variant.name}", variant.weights, found, where)

    def check_data(self, case: Case, provenance: Mapping[str, Any], where: str) -> None:
        """Refuse what was measured on other data than the case's.

        Raises:
            InputMismatchError: the hash differs, or there is none.
        """
        self._check_hash("data", case.data, str(provenance.get("data_sha256")), where)

    def _check_hash(self, what: str, name: str, found: str, where: str) -> None:
        expected = self.sha256(name)
        if found != expected:
            raise InputMismatchError(
                f"the record was measured on other {what} than cases/data/{name}", where,
                f"sha256 {found[:12]}..., expected {expected[:12]}...", "measure it again")

    def _json(self, name: str) -> Mapping[str, Any]:
        data: Mapping[str, Any] = json.loads(read_text(self.data_path(name)))
        return data


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Name the file of what is wrong with it; what a case's own code raises is its own."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError,
            ValueError) as error:
        raise HarnessError("the case's data cannot be read", str(path),
                           f"{type(error).__name__}: {error}"[:300],
                           f"git checkout {path.name}") from None


def select_variants(case: Case, patterns: list[str] | None) -> list[Variant]:
    """Return the case's variants whose names match any shell pattern, or all."""
    from fnmatch import fnmatchcase

    if not patterns:
        return list(case.variants)
    return [variant for variant in case.variants
            if any(fnmatchcase(variant.name, pattern) for pattern in patterns)]
