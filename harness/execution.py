"""Running ``harness run`` in pinned environments, from the outside half, through tox.

Outside half.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.adapters import FAMILIES, family
from harness.environments import pinned
from harness.errors import HarnessError, unknown


def run_each(root: Path, environments: Sequence[str], *arguments: str) -> None:
    """Run in each environment, or in every pinned one that has a framework.

    Raises:
        UsageError: an environment is not pinned.
        HarnessError: in one of them something could not be measured; the others ran.
    """
    frameworks = [name for name in pinned(root) if FAMILIES[family(name)][0] != "reference"]
    for name in environments:
        if name not in frameworks:
            raise unknown("pinned environment", name, frameworks)
    failed = [name for name in environments or frameworks if run(root, name, *arguments)]
    if failed:
        raise HarnessError("not everything could be measured", ", ".join(failed),
                           next_command=f"tox run -e {failed[0]}")


def run(root: Path, environment: str, *arguments: str) -> int:
    """Run in one environment, made if need be; return the exit code."""
    command = ["tox", "exec", "-q", "-e", environment, "--", "python", "-m", "harness", "run",
               "--environment", environment, *arguments]
    return subprocess.run(command, cwd=root, check=False).returncode
