"""The checkout: where cases, data, runs and baselines lie.

Inside half: standard library only, so that ``harness run`` can tell without NumPy that there
is nothing to do. Every name that becomes a path is checked here, whoever wrote it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from harness.errors import UsageError

Self = TypeVar("Self", bound="Paths")
_PLAIN = r"[A-Za-z0-9_][A-Za-z0-9_.+=,()-]*\Z"
NAMES = {
    "case": re.compile(r"[a-z][a-z0-9_]*\Z"),
    "environment": re.compile(r"[a-z][a-z0-9_]*(-[0-9A-Za-z][0-9A-Za-z.+_]*){0,3}\Z"),
    "variant": re.compile(_PLAIN),
    "machine": re.compile(r"[A-Za-z0-9_]+-[A-Za-z0-9_+]+\Z"),
    "file": re.compile(_PLAIN),
}
"""What a name of each kind looks like: no separator, no white space, no leading dot."""
MANIFESTS = "manifests"
"""Folder of the manifests, in that of the runs."""
CONTENT = "content"
"""Folder of the accepted contents, in that of a case's baselines."""
FAULTS = "faults"
"""Folder of the records of runs under a fault."""
PROGRAMS = "programs"
"""Folder of users' programs, in those of cases, runs and baselines; no case has this name."""
LONGEST = 120
"""Characters of a name, so that it fits a file system with what is put around it."""


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that holds a project."""
    for folder in (start, *start.parents):
        if (folder / "cases").is_dir() and (folder / "tox.ini").is_file():
            return folder
    raise UsageError("no project here: no folder with cases/ and tox.ini", str(start),
                     next_command="change to the checkout, or name it: harness --root DIR ...")


def locate(named: Path | None) -> Path:
    """Return the checkout: the folder that is named, or the nearest one here or above.

    Raises:
        UsageError: there is none.
    """
    if named is not None and not named.is_dir():
        raise UsageError("--root names no folder", str(named),
                         next_command="harness --root DIR COMMAND")
    return (named or find_root(Path.cwd())).resolve()


def is_name(kind: str, text: object) -> bool:
    """Return whether a text is a name of a kind, and can be a part of a path.

    Args:
        kind: one of ``NAMES``.
    """
    return isinstance(text, str) and len(text) <= LONGEST and bool(NAMES[kind].match(text))


def check_name(kind: str, text: str) -> str:
    """Return a name that may become a part of a path.

    Args:
        kind: one of ``NAMES``.

    Raises:
        UsageError: it is no such name.
    """
    if not is_name(kind, text):
        raise UsageError(f"not a valid {kind} name", repr(text)[:LONGEST],
                         f"allowed: {NAMES[kind].pattern[:-2]}, at most {LONGEST} characters",
                         "harness list")
    return text


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
        folder = (self.measured or self.root / "results") / FAULTS / check_name("file", fault)
        return type(self)(self.root, folder)

    def without_fault(self: Self) -> Self:
        """Return the same checkout with the records of runs under no fault."""
        if self.measured is None or self.measured.parent.name != FAULTS:
            return self
        above = self.measured.parent.parent
        return type(self)(self.root, None if above == self.root / "results" else above)

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
        return _below(self.runs, case, environment, "{}.json")

    def partial_path(self, case: str, environment: str) -> Path:
        """Return the file of the last run of selected variants."""
        return _below(self.runs, case, environment, "partial/{}.json")

    def failure_path(self, case: str, environment: str) -> Path:
        """Return the file that says why the last run left no record."""
        return _below(self.runs, case, environment, "{}.failed.txt")

    def baseline_path(self, case: str, environment: str, machine: str = "") -> Path:
        """Return the file of the accepted record.

        Args:
            machine: class of the machine, ``aarch64-default``, of a baseline that was accepted
                for another class than the first one's.
        """
        form = f"{check_name('machine', machine)}/{{}}.json" if machine else "{}.json"
        return _below(self.baselines, case, environment, form)

    def way_to_baseline(self, case: str, environment: str) -> str:
        """Return what to type where there is no baseline: what is not measured cannot be one."""
        if self.run_path(case, environment).exists():
            return f"harness accept {environment} {case} --reason TEXT"
        return f"tox run -e {environment} -- {case}"

    def native_run_path(self, case: str, environment: str) -> Path:
        """Return the file of the last native runs."""
        return _below(self.runs, case, environment, "native/{}.json")

    def native_partial_path(self, case: str, environment: str) -> Path:
        """Return the file of native runs that are fewer than the last ones, of other origin."""
        return _below(self.runs, case, environment, "partial/native/{}.json")

    def native_baseline_path(self, case: str, environment: str) -> Path:
        """Return the file of the accepted native runs."""
        return _below(self.baselines, case, environment, "native/{}.json")

    def content_path(self, case: str, variant: str) -> Path:
        """Return the folder of a variant's accepted contents."""
        folder = self.baselines / check_name("case", case) / CONTENT
        return _resolved(folder / check_name("variant", variant), self.baselines)

    def log_path(self, environment: str) -> Path:
        """Return the file of the last worker's standard error."""
        name = check_name("environment", environment)
        return _resolved(self.runs / "logs" / f"{name}.log", self.runs)

    def manifest_path(self, environment: str) -> Path:
        """Return the file of an environment's manifest."""
        name = check_name("environment", environment)
        return _resolved(self.runs / MANIFESTS / f"{name}.json", self.runs)

    def lock_path(self, name: str) -> Path:
        """Return the lock file for one environment's runs or manifest, or for ``accept``."""
        name = check_name("file", name)
        return _resolved(self.runs / "locks" / f"{name}.lock", self.runs)

    def program_names(self) -> list[str]:
        """Return the names of users' programs: the declarations in ``cases/programs/``."""
        return sorted(path.stem for path in (self.root / "cases" / PROGRAMS).glob("[a-z]*.toml"))

    def program_path(self, program: str) -> Path:
        """Return the file that declares a program."""
        return self.root / "cases" / PROGRAMS / f"{check_name('case', program)}.toml"

    def program_run_path(self, program: str, environment: str) -> Path:
        """Return the file of a program's last runs."""
        return _below(self.runs / PROGRAMS, program, environment, "{}.zip")

    def program_baseline_path(self, program: str, environment: str) -> Path:
        """Return the file of a program's accepted runs."""
        return _below(self.baselines / PROGRAMS, program, environment, "{}.zip")

    def case_names(self) -> list[str]:
        """Return the names of all cases: the modules in ``cases/``."""
        return sorted(path.stem for path in (self.root / "cases").glob("[a-z]*.py"))


def _below(folder: Path, case: str, environment: str, form: str) -> Path:
    """Return a case's file of an environment, below a folder of results."""
    name = form.format(check_name("environment", environment))
    return _resolved(folder / check_name("case", case) / name, folder)


@lru_cache(maxsize=None)
def _home(folder: Path) -> str:
    """Return where a folder lies; asked once, where a matrix has a hundred thousand files."""
    return os.path.realpath(folder)


def _resolved(path: Path, folder: Path) -> Path:
    """Return the path, unless symbolic links lead out of the folder."""
    real, home = os.path.realpath(path), _home(folder)
    if os.path.commonpath([real, home]) != home:
        raise UsageError("a symbolic link leads out of the results", str(path), f"to {real}",
                         f"rm {path}")
    return path
