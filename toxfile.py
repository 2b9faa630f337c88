"""What tox is told that tox.ini cannot say: the matrix, and what its environments are made of.

tox loads this file by its name. An environment of the matrix, or any other release of its
families (``tox run -e torch-2.7.0``), gets its Python and its requirements from
``harness.pins``, and its exact pins from ``constraints/`` where they are written down.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tox.config.loader.memory import MemoryLoader
from tox.config.types import EnvList
from tox.plugin import impl
from tox.tox_env.python.pip.req_file import PythonDeps

from harness import environments, pins
from harness.errors import HarnessError

ROOT = Path(__file__).parent
CONTRACT = "contract-"
COMPARING = ("compare", "nightly")
"""Environments that look at what all the others have measured."""
os.environ.setdefault("HARNESS_STARTED", str(time.time()))


@impl
def tox_extend_envs() -> Iterable[str]:
    """Make every environment of the matrix known to tox."""
    return [*environments.pinned(ROOT), *environments.with_elixir(ROOT)]


@impl
def tox_add_env_config(env_conf: Any, state: Any) -> None:
    """Give an environment of a framework its interpreter, its requirements and its labels."""
    if env_conf.name in COMPARING:
        env_conf.loaders.insert(0, MemoryLoader(depends=EnvList(environments.pinned(ROOT))))
    is_contract = env_conf.name.startswith(CONTRACT)
    name = env_conf.name[len(CONTRACT):] if is_contract else env_conf.name
    try:
        wanted, version = pins.requirements(name), pins.python(name)
    except HarnessError:
        return  # an environment of the developer's desk
    path = pins.constraints(ROOT, name)
    exact = [f"-c {path.relative_to(ROOT)}"] if path.exists() else []
    lines = [*wanted, *(["pytest"] if is_contract else []), *exact]
    labels = [] if is_contract else [label for label in environments.COMPUTED
                                     if name in environments.labelled(ROOT, label)]
    env_conf.loaders.insert(0, MemoryLoader(
        base_python=[f"python{version}"], deps=PythonDeps("\n".join(lines), ROOT),
        labels=labels))
