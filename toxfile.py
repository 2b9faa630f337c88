"""What tox is told that tox.ini cannot say: the matrix, and what its environments are made of.

tox loads this file by its name. An environment of the matrix, or any other release of its
families (``tox run -e torch-2.7.0``), gets its Python and its requirements from
``harness.environments.pins``, and its exact pins from ``constraints/`` where they are written down.
"""

from __future__ import annotations

import configparser
import os
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from tox.config.loader.ini.factor import extend_factors
from tox.config.loader.memory import MemoryLoader
from tox.config.types import EnvList
from tox.plugin import impl
from tox.tox_env.python.pip.req_file import PythonDeps

from harness.environments import names, pins
from harness.errors import HarnessError, UsageError, candidates, unknown
from harness.records.environment import parse

ROOT = Path(__file__).parent
CONTRACT, DESK = "contract-", "testenv:"
COMPARING = ("compare", "nightly")
"""Environments that look at what all the others have measured."""
os.environ.setdefault("HARNESS_NIGHT", uuid.uuid4().hex)
"""Name of the night, for all that this tox runs: ``harness.records.manifest`` writes it down."""


@impl
def tox_extend_envs() -> Iterable[str]:
    """Make every environment of the matrix known to tox."""
    return [*names.pinned(ROOT), *names.with_elixir(ROOT)]


@impl
def tox_add_core_config(core_conf: Any, state: Any) -> None:
    """Refuse labels and environments that do not exist, before tox makes something of them.

    It takes any of the matrix' factors for an environment, ``torch`` and ``2.13.0`` as well.
    """
    labels = names.labelling(ROOT)
    for label in getattr(state.conf.options, "labels", ()):
        if label not in labels:
            _refuse(unknown("label", label, labels, "tox run -m", "tox run -m quick"))
    asked = getattr(state.conf.options, "env", None)
    for name in () if asked is None or asked.is_all or asked.is_default_list else asked:
        _require_environment(name)


@impl
def tox_add_env_config(env_conf: Any, state: Any) -> None:
    """Give an environment of a framework its interpreter, its requirements and its labels."""
    if env_conf.name in COMPARING:
        env_conf.loaders.insert(0, MemoryLoader(depends=EnvList(names.pinned(ROOT))))
    is_contract = env_conf.name.startswith(CONTRACT)
    name = env_conf.name[len(CONTRACT):] if is_contract else env_conf.name
    try:
        wanted, version = pins.requirements(name), pins.python(name)
    except HarnessError:
        return  # an environment of the developer's desk
    path = pins.constraints(ROOT, name)
    exact = [f"-c {path.relative_to(ROOT)}"] if path.exists() else []
    lines = [*wanted, *(["pytest"] if is_contract else []), *exact]
    labels = [] if is_contract else [label for label in names.COMPUTED
                                     if name in names.labelled(ROOT, label)]
    # a kept build would be that of an earlier night; measuring it once more (exec) keeps it
    is_fresh = names.is_build(name) and state.conf.options.command not in ("exec", "e")
    env_conf.loaders.insert(0, MemoryLoader(
        base_python=[f"python{version}"], deps=PythonDeps("\n".join(lines), ROOT),
        labels=labels, **({"recreate": True} if is_fresh else {})))


def _require_environment(name: str) -> None:
    """Refuse a name that is none of tox.ini and no release of a framework."""
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "tox.ini", encoding="utf-8")
    desk = [one for section in parser.sections() if section.startswith(DESK)
            for one in extend_factors(section[len(DESK):])]
    bare = name[len(CONTRACT):] if name.startswith(CONTRACT) else name
    if name in desk or name.startswith("."):  # tox's own
        return
    known = [*names.pinned(ROOT), *desk]
    try:
        pins.requirements(bare)
    except HarnessError as error:
        is_framework = parse(bare).framework in pins.PINS
        found = [candidates(bare, known), *([error.numbers] if is_framework else [])]
        _refuse(UsageError(error.what if is_framework else f"unknown environment {name!r}",
                           f"tox run -e {name}", "; ".join(filter(None, found)),
                           error.next_command))


def _refuse(error: HarnessError) -> NoReturn:
    """End tox with a message in four parts, where it would end in a traceback of its own."""
    print(f"tox: {error}", file=sys.stderr)
    raise SystemExit(error.exit_code)
