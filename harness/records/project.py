"""The project: the cases of a checkout, their data and initial weights.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import json
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Sequence

import numpy as np

from harness.errors import (
    HarnessError,
    InputMismatchError,
    MissingRecordError,
    RecordError,
    UsageError,
    candidates,
    unknown,
)
from harness.files import read_text, sha256
from harness.records.paths import Paths
from harness.vocabulary.case import Batches, Case, Variant
from harness.vocabulary.layers import parameter_names
from harness.vocabulary.weights import expand
from harness.words import is_asked

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
        return [self.case(name) for name in self.selected(names)]

    def selected(self, names: Sequence[str] | None = None) -> list[str]:
        """Return the named cases' names, or all, without loading any.

        Raises:
            UsageError: a name is unknown, or there is no case at all.
        """
        known = self.case_names()
        selected = list(names or known)
        if not selected:
            raise UsageError("nothing to do: no case selected", str(self.root / "cases"))
        for name in selected:
            if name not in known:
                raise unknown("case", name, known)
        return selected

    def sound(self, names: Sequence[str] | None = None
              ) -> tuple[list[Case], dict[str, HarnessError]]:
        """Return the named cases, or all, that load; and by name why others do not.

        Raises:
            UsageError: a name is unknown, or there is no case at all.
        """
        cases, broken = [], {}
        for name in self.selected(names):
            try:
                cases.append(self.case(name))
            except HarnessError as error:
                broken[name] = error
        return cases, broken

    def case(self, name: str) -> Case:
        """Return the ``CASE`` that ``cases/<name>.py`` declares.

        Raises:
            UsageError: there is no such file.
            HarnessError: it does not load, or declares no such case.
        """
        self.selected([name])
        path = self.root / "cases" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(
            f"cases.{name}", str(path), loader=_Source(f"cases.{name}", str(path)))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # whatever the file's author wrote
            raise _not_loaded(name, path, error) from error
        case = getattr(module, "CASE", None)
        if not isinstance(case, Case) or case.name != name:
            found = f"CASE has the name {case.name!r}" if isinstance(case, Case) else (
                f"CASE is a {type(case).__name__}" if hasattr(module, "CASE") else "no CASE")
            raise HarnessError(f"a case file must declare CASE with name {name!r}", str(path),
                               found, "declare it as cases/xor.py does")
        return case

    def data_path(self, name: str) -> Path:
        """Return a file of data or initial weights."""
        return self.root / "cases" / "data" / name

    def batches(self, case: Case) -> Batches:
        """Return the case's data.

        Raises:
            HarnessError: the file is missing or damaged, or holds nothing to train on, or the
                case cannot read it.
        """
        data = self._json(case.data)
        try:
            found = case.read(data)
            if not found.steps or {len(x) for x in (*found.inputs, found.targets)} != {found.steps}:
                raise ValueError("inputs and targets must have as many steps, and one at least")
        except Exception as error:  # whatever the case's author wrote
            path = self.root / "cases" / f"{case.name}.py"
            raise _not_loaded(case.name, path, error, f"cannot read {case.data}") from error
        return found

    def weights(self, variant: Variant) -> Weights:
        """Return the variant's initial weights as float32, in layer order.

        Raises:
            HarnessError: the file is missing or damaged, or has no weights for a layer.
        """
        path = self.data_path(variant.weights)
        with _reading(path):
            data = expand(self._json(variant.weights))
            try:
                return {f"{layer}.{part}": data[layer][part] * np.float32(variant.scale)
                        for layer, part in parameter_names(variant.layers)}
            except KeyError as error:
                raise HarnessError(f"no initial weights {error} for {variant.name}", str(path),
                                   f"known: {', '.join(sorted(data))}",
                                   "add them, or name the layer as they are named") from None

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a data file's bytes, as ``sha256sum`` prints it."""
        path = self.data_path(name)
        with _reading(path):
            return sha256(path)

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
        path = self.data_path(name)
        with _reading(path):
            data: Mapping[str, Any] = json.loads(read_text(path))
            return data


class _Source(importlib.machinery.SourceFileLoader):
    """Compiles a case anew: Python keeps bytecode that a full disk has cut off, and fails on it."""

    def get_code(self, fullname: str) -> Any:
        """Return the code of the source."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Name the file of data or weights that is missing or damaged, whatever is wrong with it."""
    try:
        yield
    except (MissingRecordError, RecordError) as error:
        raise _not_read(path, error.what) from None
    except HarnessError:
        raise
    except Exception as error:
        raise _not_read(path, f"{type(error).__name__}: {error}"[:300]) from None


def _not_loaded(name: str, path: Path, error: Exception, what: str = "does not load"
                ) -> HarnessError:
    """Return the error for a case file that raises one: in which line, and what it says."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
             if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == str(path) else (
        lines[-1] if lines else None)
    place = f"{path}, line {line}" if line else str(path)
    if isinstance(error, HarnessError):
        return type(error)(error.what, place, error.numbers, error.next_command)
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return HarnessError(f"case {name} {what}", place, f"{type(error).__name__}: {said}",
                        "mend the file; until then name the other cases")


def _not_read(path: Path, why: str) -> HarnessError:
    """Return the error for a file of data or weights that is missing or damaged."""
    return HarnessError(f"cannot read cases/data/{path.name}", str(path), why,
                        f"git checkout {path.name}, or put the file there")


def choose(project: Project, names: Sequence[str] | None, patterns: Sequence[str] | None
           ) -> tuple[list[Case], dict[str, HarnessError]]:
    """Return the named cases, or all, that load; and by name why others do not.

    Args:
        patterns: shell patterns, each of which must match a variant; None for all variants.

    Raises:
        UsageError: a name is unknown, or a pattern matches no variant; it lists them.
        HarnessError: no case loads.
    """
    cases, broken = project.sound(names)
    if not cases:
        raise next(iter(broken.values()))
    variants = [variant.name for case in cases for variant in case.variants]
    for pattern in patterns or ():
        # a case that does not load may have the variant
        if not broken and not any(is_asked(name, [pattern]) for name in variants):
            raise UsageError(f"no variant matches {pattern!r}",
                             "cases " + ", ".join(case.name for case in cases),
                             candidates(pattern, variants), "harness list")
    return cases, broken


def select_variants(case: Case, patterns: list[str] | None) -> list[Variant]:
    """Return the case's variants whose names match any shell pattern, or all."""
    if not patterns:
        return list(case.variants)
    return [variant for variant in case.variants
            if is_asked(variant.name, patterns)]
