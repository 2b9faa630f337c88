"""Making the environment of a side: resolved and installed by uv, kept in a cache.

Outside half. An environment is keyed by everything that was asked for and by what uv would
read otherwise, so that the same side is made once; what it resolved to lies beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from harness.errors import HarnessError, last_lines
from harness.files import lock, read_text, write_text
from harness.programs.sides import uv
from harness.programs.sides.hints import RECORDER
from harness.programs.sides.resolving import Resolving, Wanted, packages

VERSION = 1
"""Of what lies in a folder of the cache."""
KEPT = 12
"""Environments in the cache; the one that was used longest ago makes room."""
LEAST_FREE = 2 * 2**30
"""Bytes of a disk below which no environment is begun."""
WHOLE = "environment.json"
"""Written last: an environment without it is not whole."""


@dataclass(frozen=True)
class Environment:
    """The environment of a side, as it is.

    Args:
        interpreter: its Python.
        python: version of that.
        packages: normalised name -> version, or the place that it came from.
        hints: requirements that were added, each with its reason.
        notes: what else is to be said of how it was made.
        folder: in the cache; None of one that was there already.
    """

    interpreter: Path
    python: str
    packages: Mapping[str, str]
    hints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    folder: Path | None = None
    pins: str = field(default="", repr=False)


def cache() -> Path:
    """Return the folder of this user's cache."""
    return Path(os.environ.get("HARNESS_CACHE")
                or platformdirs.user_cache_path("training-regression-harness"))


def make(wanted: Wanted, preferred: str = "", refresh: bool = False,
         tell: Callable[[str], None] = lambda text: None) -> Environment:
    """Return a side's environment, made if it is not in the cache.

    Args:
        preferred: pins that are kept where nothing speaks against them: the other side's.
        refresh: resolve and install it anew.
        tell: called with what is going on.

    Raises:
        HarnessError: its Python cannot be had, it does not resolve, or does not install.
    """
    if wanted.requirements.interpreter is not None:
        return _existing(wanted, wanted.requirements.interpreter)
    variables = uv.variables()
    folder = cache() / "environments" / _key(wanted, preferred, variables)
    with lock(folder.with_suffix(".lock"), f"making {folder.name}", waits=True):
        if refresh or not (folder / WHOLE).is_file():
            tell(f"making the {wanted.side} side")
            _make(wanted, preferred, folder, variables)
        os.utime(folder / WHOLE)
        return _load(folder)


@contextlib.contextmanager
def using(environment: Environment) -> Iterator[None]:
    """Keep an environment from making room for another while the block runs."""
    if environment.folder is None:
        yield
        return
    with environment.folder.with_suffix(".used").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        yield


def sweep(kept: int = KEPT) -> list[Path]:
    """Remove the environments that were used longest ago, but for those in use."""
    whole = sorted((cache() / "environments").glob(f"*/{WHOLE}"),
                   key=lambda path: -path.stat().st_mtime)
    removed = []
    for path in whole[kept:]:
        with contextlib.suppress(OSError), path.parent.with_suffix(".used").open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            shutil.rmtree(path.parent, ignore_errors=True)
            removed.append(path.parent)
    return removed


def _key(wanted: Wanted, preferred: str, variables: Mapping[str, str]) -> str:
    """Return a name that is another one whenever the environment may be."""
    asked = [VERSION, wanted.python, platform.machine(), wanted.replaced, wanted.indexes, preferred,
             wanted.requirements.digest(), [read_text(path) for path in wanted.constraints],
             uv.settings(variables)]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def _make(wanted: Wanted, preferred: str, folder: Path, variables: Mapping[str, str]) -> None:
    start = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _require_space(folder)
    sweep(KEPT - 1)
    place = folder / "python"
    result = uv.run(["venv", "--quiet", "--no-project", "--python", wanted.python, place],
                    variables)
    if result.returncode:
        raise HarnessError(f"Python {wanted.python} of the {wanted.side} side cannot be had",
                           "uv venv", uv.said(result),
                           f"--{wanted.side}-python VERSION, or the path of an interpreter")
    resolving = Resolving(wanted, folder, variables)
    added = resolving.resolve(preferred)
    resolving.install()
    told = {"version": VERSION, "hints": [f"{hint.requirement} ({hint.reason})" for hint in added],
            "notes": resolving.notes, "seconds": round(time.monotonic() - start, 1),
            "asked": list(wanted.requirements.lines), "python": _version(resolving.python)}
    write_text(folder / WHOLE, json.dumps(told, indent=1) + "\n")


def _load(folder: Path) -> Environment:
    """Return an environment that is whole."""
    told = json.loads(read_text(folder / WHOLE))
    pins = read_text(folder / "resolved.txt")
    return Environment(folder / "python" / "bin" / "python", told["python"], packages(pins),
                       tuple(told["hints"]), tuple(told["notes"]), folder, pins)


def _existing(wanted: Wanted, interpreter: Path) -> Environment:
    """Return an environment that was there already, with what is installed in it."""
    result = uv.run(["pip", "freeze", "--python", interpreter], uv.variables())
    if result.returncode:
        raise HarnessError(f"the {wanted.side} side is no environment of Python",
                           str(interpreter), uv.said(result),
                           f"--{wanted.side} FOLDER that holds bin/python")
    found = subprocess.run([str(interpreter), "-c", f"import {RECORDER}"], capture_output=True,
                           encoding="utf-8", errors="replace")
    if found.returncode:
        raise HarnessError(f"the {wanted.side} side has no {RECORDER}, which the recorder needs",
                           str(interpreter), last_lines(found.stderr),
                           f"uv pip install --python {interpreter} {RECORDER}")
    return Environment(interpreter, _version(interpreter), packages(result.stdout),
                       pins=result.stdout)


def _version(interpreter: Path) -> str:
    """Return an interpreter's version, ``3.11.7``."""
    program = "import platform; print(platform.python_version())"
    result = subprocess.run([str(interpreter), "-I", "-c", program], capture_output=True,
                            encoding="utf-8", errors="replace")
    if result.returncode:
        raise HarnessError("an interpreter does not start", str(interpreter),
                           last_lines(result.stderr), "name another one with --python")
    return result.stdout.strip()


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise HarnessError("too little of the disk is free for another environment", str(folder),
                           f"{free / 2**30:.1f} GiB, at least {LEAST_FREE / 2**30:.0f} GiB",
                           f"free some space, or name another place: HARNESS_CACHE=DIR; "
                           f"environments made before lie in {folder.parent}")
