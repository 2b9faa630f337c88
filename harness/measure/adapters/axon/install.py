"""The packages of an Axon version: pinned, brought, compiled once.

Inside half: standard library only. ``locks.json`` pins every package of every version, in the
order in which they build on each other. They come from Hex, or, where ``HARNESS_AXON_PATH``
names a folder of git repositories (``axon``, ``nx``, ``polaris``, ...), from their tags there.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, last_lines

HOME = Path(__file__).parent
CHECKOUTS = "HARNESS_AXON_PATH"
GET_ELIXIR = "apt-get install elixir erlang   (or: asdf install erlang && asdf install elixir)"


def packages(version: str) -> dict[str, str]:
    """Return the pinned packages of an Axon version, in the order in which to build them.

    Raises:
        HarnessError: the version is not pinned.
    """
    known = _locks()["packages"]
    if version not in known:
        raise HarnessError(f"Axon {version} is not pinned", str(HOME / "locks.json"),
                           f"known: {', '.join(known)}", "add a line with the packages it needs")
    return dict(known[version])


def elixir() -> str:
    """Return the path of Elixir.

    Raises:
        HarnessError: there is none.
    """
    found = shutil.which("elixir")
    if found is None:
        raise HarnessError("Axon needs Elixir, and there is none here",
                           numbers="no elixir on the PATH", next_command=GET_ELIXIR)
    return found


def install(version: str, folder: Path | None = None) -> list[str]:
    """Return the folders of compiled modules of a version; compile them if need be.

    Args:
        folder: where to keep them; None for this Python environment's.

    Raises:
        HarnessError: there is no Elixir, no such version, or the packages cannot be had.
    """
    wanted, command = packages(version), elixir()
    target = (folder or Path(sys.prefix) / "elixir") / version
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the worker beside this one wants the same
        stamp = json.dumps({"packages": wanted, "commits": _commits(wanted), "elixir": command,
                            "script": (HOME / "install.exs").read_text(encoding="utf-8")})
        if not (target / "stamp").exists() or (target / "stamp").read_text() != stamp:
            shutil.rmtree(target, ignore_errors=True)
            _build(command, wanted, target)
            (target / "stamp").write_text(stamp)
    return (target / "paths").read_text(encoding="utf-8").split()


def _build(command: str, wanted: dict[str, str], target: Path) -> None:
    with tempfile.TemporaryDirectory() as sources:
        if CHECKOUTS in os.environ:
            asked = [f"{name}={version}={_export(name, version, Path(sources))}"
                     for name, version in wanted.items()]
        else:
            subprocess.run(["mix", "local.hex", "--force", "--if-missing"], check=False,
                           stdin=subprocess.DEVNULL, stdout=sys.stderr)
            asked = [f"{name}={version}" for name, version in wanted.items()]
        result = subprocess.run([command, str(HOME / "install.exs"), str(target), *asked],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    if result.returncode:
        raise HarnessError(
            f"the packages of Axon {wanted['axon']} cannot be installed", str(target),
            last_lines(result.stdout),
            f"look at the lines above, or name a folder of git repositories: {CHECKOUTS}=DIR")


def _commits(wanted: dict[str, str]) -> dict[str, str]:
    """Return the commit of every package in the checkouts; empty where they are not used."""
    if CHECKOUTS not in os.environ:
        return {}
    return {name: _git(name, version, "rev-parse", f"{_reference(name, version)}^{{commit}}")
            .decode("ascii").strip() for name, version in wanted.items()}


def _export(name: str, version: str, sources: Path) -> Path:
    """Write what is compiled of a package at its version, and return the folder."""
    top = _reference(name, version)
    tree = _git(name, version, "ls-tree", "--name-only", top).decode("utf-8").split()
    if name in tree:  # one of several packages in its repository
        top = f"{top}:{name}"
        tree = _git(name, version, "ls-tree", "--name-only", top).decode("utf-8").split()
    parts = [part for part in ("lib", "src", "include") if part in tree]
    archive = _git(name, version, "archive", "--format=tar", top, *parts)
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(sources / name)
    return sources / name


def _reference(name: str, version: str) -> str:
    """Return the commit or tag of a package's version; some were never tagged."""
    return str(_locks()["commits"].get(f"{name} {version}", f"v{version}"))


def _git(name: str, version: str, *arguments: str) -> bytes:
    place = Path(os.environ[CHECKOUTS]) / name
    command = ["git", "-C", str(place), *arguments]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode:
        raise HarnessError(f"{CHECKOUTS} has no {name} {version}", str(place),
                           result.stderr.decode("utf-8", "replace").strip(),
                           f"git -C {place} fetch --tags")
    return result.stdout


def _locks() -> dict[str, Any]:
    return dict(json.loads((HOME / "locks.json").read_text(encoding="utf-8")))
