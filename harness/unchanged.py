"""When tonight began, and whether it is the night before again: the same runs and baselines.

Outside half, without what compares and reports: a night on which nothing changed ends at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness.files import read_text, write_text
from harness.paths import Paths

STARTED = "HARNESS_STARTED"
"""Variable with the Unix time at which tox began; what is older was not measured tonight."""
STATE = "night.json"
"""File in ``results/`` that keeps the last silent night: its digest, and what it said."""


def started(variables: Mapping[str, str] = os.environ) -> float:
    """Return the Unix time at which tox began; 0 where nobody says.

    Args:
        variables: of the process.

    Raises:
        UsageError: the variable is no number.
    """
    text = variables.get(STARTED, "0")
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{STARTED} must be a Unix time", numbers=repr(text),
                         next_command=f"unset {STARTED}") from None


def commit(root: Path) -> str | None:
    """Return the commit that is checked out; None where there is none."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True,
                               capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def digest(paths: Paths, expected: Sequence[str], started: float) -> str | None:
    """Return the SHA-256 of everything that tonight's verdicts depend on.

    Args:
        expected: environments that were to be measured.
        started: Unix time at which tonight began.

    Returns:
        None if one of them has no record of tonight, or failed.
    """
    runs = []
    for case in paths.case_names():
        for environment in expected:
            record = paths.run_path(case, environment)
            if paths.failure_path(case, environment).exists() or not record.exists() \
                    or record.stat().st_mtime < started:
                return None
            runs += [record, paths.native_run_path(case, environment)]
    stored = [path for folder in (paths.baselines, paths.root / "cases", Path(__file__).parent)
              for path in folder.rglob("*") if path.suffix != ".pyc"]
    others = [paths.root / "results" / "waivers.toml", paths.root / "tox.ini"]
    return _digest(path for path in sorted({*runs, *stored, *others}) if path.is_file())


def last(paths: Paths, state: str | None) -> str | None:
    """Return what the last silent night said, if nothing changed since."""
    try:
        kept = json.loads(read_text(paths.root / "results" / STATE))
        return str(kept["said"]) if state is not None and kept["digest"] == state else None
    except (HarnessError, ValueError, KeyError, TypeError, RecursionError):
        return None


def keep(paths: Paths, state: str | None, said: str) -> None:
    """Keep a silent night for the next one; forget the last one where there is none."""
    path = paths.root / "results" / STATE
    if state is None:
        path.unlink(missing_ok=True)
    else:
        write_text(path, json.dumps({"digest": state, "said": said}) + "\n")


def _digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        total.update(f"{path} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()
