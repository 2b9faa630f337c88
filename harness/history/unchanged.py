"""Detects a night on which nothing changed: the same runs and baselines as the night before.

Outside half, without what compares and reports: such a night ends at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.environments import names
from harness.errors import HarnessError
from harness.files import read_text, write_text
from harness.records import manifest
from harness.records.paths import Paths
from harness.vocabulary.program import load

STATE = "night.json"
"""File in ``results/`` that keeps the last silent night."""
OUTPUTS = ("report.html", "report.json", "report.svg", "junit.xml", "summary.md")
"""What a night leaves in ``results/`` beside its history; one that left less is not repeated."""


@dataclass(frozen=True)
class Silent:
    """A silent night.

    Args:
        digest: of everything that its verdicts depend on.
        at: when it was, UTC, ISO 8601.
        said: what it said in the terminal.
    """

    digest: str
    at: str
    said: str


def commit(root: Path) -> str | None:
    """Return the commit that is checked out; None where there is none."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True,
                               capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def digest(paths: Paths, expected: Sequence[str], night: str, day: str) -> str | None:
    """Return the SHA-256 of everything that tonight's verdicts depend on.

    Args:
        expected: environments that were to be measured.
        night: its name.
        day: YYYY-MM-DD in UTC; another day's build is to be a newer one.

    Returns:
        None if one of them has no record of tonight, or failed.
    """
    runs = []
    try:
        for environment in expected:
            written = manifest.read(paths, environment)
            for case in paths.case_names():
                record = paths.run_path(case, environment)
                if paths.failure_path(case, environment).exists() \
                        or manifest.why_not(paths, written, record, night):
                    return None
                runs += [record, paths.native_run_path(case, environment)]
            for name in paths.program_names():
                run = paths.program_run_path(name, environment)
                if load(paths.program_path(name)).is_for(environment) \
                        and manifest.why_not(paths, written, run, night):
                    return None
                runs.append(run)
    except (OSError, HarnessError):
        return None  # it is said, of that record alone, when all are compared
    stored = [path for folder in (paths.baselines, paths.root / "cases", Path(__file__).parents[1])
              for path in folder.rglob("*") if path.suffix != ".pyc"]
    others = [paths.root / "results" / "waivers.toml", paths.root / "tox.ini"]
    builds = [day] if any(map(names.is_build, expected)) else []
    return _digest((path for path in sorted({*runs, *stored, *others}) if path.is_file()), builds)


def last(paths: Paths, state: str | None) -> Silent | None:
    """Return the last silent night, if nothing changed since and all that it left is there."""
    results = paths.root / "results"
    try:
        kept = Silent(**json.loads(read_text(results / STATE)))
        if not all(isinstance(value, str) for value in asdict(kept).values()):
            return None
    except (HarnessError, ValueError, TypeError, RecursionError):
        return None
    is_there = all((results / name).is_file() for name in OUTPUTS)
    return kept if is_there and state is not None and kept.digest == state else None


def keep(paths: Paths, night: Silent | None) -> None:
    """Keep a silent night for the next one; forget the last one where there is none.

    Where that is impossible the next night compares again, or finds the last silent one, of
    the very same runs.
    """
    path = paths.root / "results" / STATE
    with contextlib.suppress(OSError):
        if night is None:
            path.unlink(missing_ok=True)
        else:
            write_text(path, json.dumps(asdict(night)) + "\n")


def repeat(paths: Paths, night: Silent, at: str) -> Silent:
    """Return a silent night once more, at another time; its summary says so as well.

    Raises:
        HarnessError: the summary cannot be read.
        OSError: it cannot be written.
    """
    before, day = night.at[:10], at[:10]
    path = paths.root / "results" / "summary.md"
    if before != day:
        write_text(path, read_text(path).replace(before, day, 1))
    return Silent(night.digest, at, night.said.replace(before, day, 1))


def _digest(files: Iterable[Path], others: Sequence[str]) -> str:
    total = hashlib.sha256("\n".join(others).encode())
    for path in files:
        total.update(f"{path} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()
