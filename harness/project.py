"""The project: the cases of a checkout, their data and initial weights.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping

import numpy as np

from harness.case import Batches, Case, Variant
from harness.errors import HarnessError, InputMismatchError, UsageError, locate, unknown
from harness.files import sha256
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
            HarnessError: one of them does not load.
        """
        self.require_cases(names or [])
        return [self.case(name) for name in names or self.case_names()]

    def require_cases(self, names: list[str]) -> None:
        """Refuse names of no case, and a project without any.

        Raises:
            UsageError: a name is unknown, or there is no case at all.
        """
        known = self.case_names()
        if not (names or known):
            raise UsageError("nothing to do: no case selected", str(self.root / "cases"))
        for name in names:
            if name not in known:
                raise unknown("case", name, known)

    def case(self, name: str) -> Case:
        """Return the ``CASE`` that ``cases/<name>.py`` declares.

        Raises:
            UsageError: there is no such case.
            HarnessError: the file does not load, or declares none.
        """
        self.require_cases([name])
        path = self.root / "cases" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"cases.{name}", str(path))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except HarnessError:
            raise
        except Exception as error:
            raise HarnessError(f"the case {name} does not load", locate(error, inside=path),
                               f"{type(error).__name__}: {error}",
                               f"mend it; to see all of it: python {path}") from error
        case = getattr(module, "CASE", None)
        if not isinstance(case, Case) or case.name != name:
            raise HarnessError(f"a case file must declare CASE with name {name!r}", str(path))
        return case

    def data_path(self, name: str) -> Path:
        """Return a file of data or initial weights."""
        return self.root / "cases" / "data" / name

    def batches(self, case: Case) -> Batches:
        """Return the case's data."""
        return case.read(self._json(case.data))

    def weights(self, variant: Variant) -> Weights:
        """Return the variant's initial weights as float32, in layer order."""
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
        data: Mapping[str, Any] = json.loads(self.data_path(name).read_text(encoding="utf-8"))
        return data


def select_variants(case: Case, patterns: list[str] | None) -> list[Variant]:
    """Return the case's variants whose names match any shell pattern, or all."""
    from fnmatch import fnmatchcase

    if not patterns:
        return list(case.variants)
    return [variant for variant in case.variants
            if any(fnmatchcase(variant.name, pattern) for pattern in patterns)]
