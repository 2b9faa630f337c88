"""What ``harness run`` is asked for, as pieces of work.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Iterable

from harness.errors import UsageError
from harness.measure import adapters
from harness.measure.supervisor import Work
from harness.records import freshness
from harness.records.environment import require
from harness.records.project import Project, choose, select_variants
from harness.vocabulary.case import Case
from harness.vocabulary.faults import expressible


def cases(project: Project, environment: str, names: list[str],
          patterns: list[str] | None) -> list[Work]:
    """Return the cases to measure from injected weights, the longest first.

    Args:
        names: of the cases; empty for all.
        patterns: shell patterns of variants; None for all.

    Raises:
        UsageError: a name is unknown, or a pattern matches no variant.
        HarnessError: no case loads.
    """
    require(environment)
    known, broken = choose(project, names, patterns)
    pieces = [work for case in known for work in _selected(case, patterns)]
    # why one does not load belongs beside the records of the others
    pieces += [Work(name, tuple(patterns or ())) for name in broken]
    pieces.sort(key=lambda work: -_seconds(project, work.case, environment))
    return pieces


def native(found: list[Case], seeds: Iterable[int] | None,
           patterns: list[str] | None = None) -> list[Work]:
    """Return the native runs of the cases.

    Args:
        seeds: which; None for as many as the case declares.
        patterns: shell patterns of variants; None for all.

    Raises:
        UsageError: no case has native runs, or none of these variants.
    """
    pieces = [Work(case.name, (variant.name,), seed=seed)
              for case in found if case.native
              for seed in (range(case.native.seeds) if seeds is None else seeds)
              for variant in select_variants(case, patterns)
              if variant.name in case.native.variants]
    if not pieces:
        raise UsageError("no case here has native runs", " ".join(case.name for case in found),
                         " ".join(patterns or []), "harness list")
    return pieces


def faulty(environment: str) -> list[Work]:
    """Return the faults that the environment's framework can have.

    Where one shows in native training alone, one native run as well.

    Raises:
        UsageError: the environment has no framework, or nothing that patches it.
    """
    adapter = require(environment).adapter
    if not (Path(adapters.__file__).parent / adapter / "faults.py").exists():
        raise UsageError(f"the adapter {adapter} has no faults to train under", environment)
    found = expressible(adapter)
    pieces = [Work(fault.case, fault.variants, fault.name) for fault in found]
    runs = [replace(piece, seed=0) for piece, fault in zip(pieces, found) if fault.is_native]
    return [*runs, *pieces]


def native_due(project: Project, environment: str, found: list[Case]) -> dict[str, str | None]:
    """Return by case why its native runs must be trained; None where they are still true."""
    return {case.name: freshness.reason(project.root, case.name,
                                     project.native_run_path(case.name, environment),
                                     project.failure_path(case.name, environment))
            for case in found if case.native}


def _selected(case: Case, patterns: list[str] | None) -> list[Work]:
    """Return the work on a case, if any; what selects all of its variants is no selection."""
    chosen = select_variants(case, patterns)
    if not chosen:
        return []
    is_whole = len(chosen) == len(case.variants)
    return [Work(case.name, () if is_whole else tuple(patterns or ()))]


def _seconds(project: Project, case: str, environment: str) -> float:
    """Return how long a case took for its baseline; what is unknown goes first."""
    try:
        found = freshness.recorded(project.baseline_path(case, environment)) or {}
        return float(found["seconds"])
    except (KeyError, TypeError, ValueError):
        return float("inf")
