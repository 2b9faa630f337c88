"""The checkout: where cases, data, runs and baselines lie.

Inside half: standard library only, so that ``harness run`` can tell without NumPy that there
is nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.errors import UsageError

Self = TypeVar("Self", bound="Paths")


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that holds a project."""
    for folder in (start, *start.parents):
        if (folder / "cases").is_dir() and (folder / "tox.ini").is_file():
            return folder
    raise UsageError("no project here: no folder with cases/ and tox.ini", str(start),
                     next_command="change to the checkout, or name it: harness --root DIR ...")


@dataclass(frozen=True)
class Paths:
    """Paths and cases of one checkout; the path is the key of every record.

    Args:
        measured: folder of the runs, if not ``results/runs``.
    """

    root: Path
    measured: Path | None = None

    @property
    def runs(self) -> Path:
        """What this machine measured last."""
        return self.measured or self.root / "results" / "runs"

    def under(self: Self, fault: str) -> Self:
        """Return the same checkout with the records of runs under a fault."""
        return type(self)(self.root, (self.measured or self.root / "results") / "faults" / fault)

    @property
    def results(self) -> Path:
        """Everything that is written, unless another folder is named for it."""
        return self.root / "results"

    @property
    def baselines(self) -> Path:
        """The accepted records."""
        return self.results / "baselines"

    def run_path(self, case: str, environment: str) -> Path:
        """Return the file of the last run's record."""
        return self.runs / case / f"{environment}.json"

    def partial_path(self, case: str, environment: str) -> Path:
        """Return the file of the last run of selected variants."""
        return self.runs / case / "partial" / f"{environment}.json"

    def failure_path(self, case: str, environment: str) -> Path:
        """Return the file that says why the last run left no record."""
        return self.runs / case / f"{environment}.failed.txt"

    def baseline_path(self, case: str, environment: str, machine: str = "") -> Path:
        """Return the file of the accepted record.

        Args:
            machine: class of the machine, ``aarch64-default``, of a baseline that was accepted
                for another class than the first one's.
        """
        return self.baselines / case / machine / f"{environment}.json"

    def native_run_path(self, case: str, environment: str) -> Path:
        """Return the file of the last native runs."""
        return self.runs / case / "native" / f"{environment}.json"

    def native_partial_path(self, case: str, environment: str) -> Path:
        """Return the file of native runs that are fewer than the last ones, of other origin."""
        return self.runs / case / "partial" / "native" / f"{environment}.json"

    def native_baseline_path(self, case: str, environment: str) -> Path:
        """Return the file of the accepted native runs."""
        return self.baselines / case / "native" / f"{environment}.json"

    def log_path(self, environment: str) -> Path:
        """Return the file of the last worker's standard error."""
        return self.runs / "logs" / f"{environment}.log"

    def lock_path(self, name: str) -> Path:
        """Return the lock file for one environment's runs, or for ``accept``."""
        return self.runs / "locks" / f"{name}.lock"

    def case_names(self) -> list[str]:
        """Return the names of all cases: the modules in ``cases/``."""
        return sorted(path.stem for path in (self.root / "cases").glob("[a-z]*.py"))
