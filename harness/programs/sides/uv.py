"""uv: the installer, started as a subprocess, with the caller's settings of pip understood.

Outside half.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import leash
from harness.errors import HarnessError, last_lines

FROM_PIP = {"PIP_FIND_LINKS": "UV_FIND_LINKS", "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
            "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_CONSTRAINT": "UV_CONSTRAINT"}
"""What pip finds, uv finds as well."""
DECIDING = ("UV_TORCH_BACKEND", "UV_FIND_LINKS", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL",
            "UV_EXTRA_INDEX_URL", "UV_OFFLINE")
"""Variables by which a caller has chosen where torch comes from."""
CHANGING = ("UV_", "PIP_")
"""Prefixes of the variables that can change what a requirement resolves to."""


def variables(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that uv is started with.

    The interpreters of pyenv are found also where its shims do not answer.
    """
    found = dict(os.environ if given is None else given)
    for pip, uv in FROM_PIP.items():
        if found.get(pip):
            found.setdefault(uv, found[pip])
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PYTHON", "UV_PROJECT"):
        found.pop(name, None)
    home = Path(found.get("PYENV_ROOT") or Path.home() / ".pyenv")
    pythons = sorted(map(str, home.glob("versions/*/bin")))
    found["PATH"] = os.pathsep.join([*pythons, found.get("PATH", "")])
    return found


def settings(given: Mapping[str, str]) -> list[str]:
    """Return the variables that change what is resolved, as lines."""
    return [f"{name}={value}" for name, value in sorted(given.items())
            if name.startswith(CHANGING) and not name.endswith(("TIMEOUT", "_CERT", "CACHE_DIR"))]


def decides(given: Mapping[str, str]) -> bool:
    """Return whether a caller has chosen where torch comes from."""
    return any(given.get(name) for name in DECIDING)


def run(arguments: Sequence[str | Path], given: Mapping[str, str],
        folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run uv; it and what it starts do not outlive this process.

    Args:
        given: all its environment variables.
        folder: to start it in.
    """
    command = [find(), *map(str, arguments)]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = leash.start(command, stdout=output, stderr=errors, env=dict(given), cwd=folder)
        try:
            code = leash.wait(process)
        finally:
            leash.end(process)
        texts = []
        for stream in (output, errors):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    return subprocess.CompletedProcess(command, code, *texts)


def find() -> str:
    """Return uv's program: the one installed beside this package, or on the path.

    Raises:
        HarnessError: there is none.
    """
    try:
        import uv

        return uv.find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise HarnessError("uv, which makes the environments of the sides, is not installed",
                           "PATH", next_command="pip install uv")
    return found


def said(result: subprocess.CompletedProcess[str]) -> str:
    """Return the last lines of what uv said."""
    return last_lines(result.stderr)

