"""Constraints files: every transitive pin, resolved by uv.

Outside half. ``constraints/<environment>.txt`` for a framework environment;
``compare.txt`` and ``develop.txt`` for the outside half, from pyproject.toml.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from harness.environments import pins
from harness.errors import HarnessError

PLATFORM = "x86_64-manylinux_2_28"
OUTSIDE = ("compare", "develop")


def lock(root: Path, name: str) -> Path:
    """Resolve an environment's requirements and write its constraints file.

    Raises:
        HarnessError: uv finds no solution; its words are kept.
    """
    path = pins.constraints(root, name)
    python = "3.11" if name in OUTSIDE else pins.python(name)
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate",
               "--python-version", python, "--python-platform", PLATFORM,
               "--output-file", str(path)]
    if name in OUTSIDE:
        sources = ["pyproject.toml", *(["--group", "develop"] if name == "develop" else [])]
        _compile([*command, *sources], "", root, name)
    else:
        # pytest for the contract tests, which run beside the framework
        _compile([*command, "-"], "\n".join([*pins.requirements(name), "pytest"]), root, name)
    return path


def _compile(command: list[str], text: str, root: Path, name: str) -> None:
    # a pin must not carry the build tag of a wheel that lies on this machine only
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("UV_FIND_LINKS", "PIP_FIND_LINKS", "UV_TORCH_BACKEND")}
    result = subprocess.run(command, input=text, cwd=root, env=environment,
                            capture_output=True, encoding="utf-8", errors="replace")
    if result.returncode:
        raise HarnessError(f"the pins of {name} do not resolve", name, result.stderr.strip())
