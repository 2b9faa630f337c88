"""Axon: Elixir's own layers, losses and training loop, Polaris' optimizers.

Inside half: standard library and NumPy. Axon itself runs in a process of its own
(``runner.exs``) on Nx's ``BinaryBackend``, which reads descriptions of the vocabulary, as
``harness.measure.adapters.description`` writes them, and answers step by step.
"""

from __future__ import annotations

import atexit
from typing import Any

from harness.errors import HarnessError
from harness.measure.adapters.axon import install
from harness.measure.adapters.axon.process import Elixir
from harness.measure.adapters.axon.training import AxonTraining
from harness.measure.adapters.task import Task, Training
from harness.records.environment import require

PACKAGES = ("numpy",)
_RUNNING: dict[str, Any] = {}
"""The version and its process, once ``start`` was called."""


def start(environment: str) -> None:
    """Start Axon at the version that an environment names.

    Raises:
        HarnessError: there is no Elixir here, or the packages cannot be had.
    """
    version = require(environment).version
    elixir = Elixir(install.elixir(), install.install(version))
    _RUNNING.update(version=version, elixir=elixir)
    atexit.register(elixir.end)


def packages() -> dict[str, str]:
    """Return the versions of the packages that decide how training behaves."""
    return install.packages(_RUNNING["version"])


def describe() -> dict[str, Any]:
    """Return the settings that could change the numbers."""
    return {**_elixir().about, "backend": "Nx.BinaryBackend", "compiler": "Nx.Defn.Evaluator",
            "exp_overflow": "infinity"}


def build(task: Task) -> Training:
    """Return the task's model, loss and optimizer in Axon."""
    return AxonTraining(task, _elixir())


def _elixir() -> Elixir:
    if not _RUNNING:
        raise HarnessError("Axon was not started", next_command="tox run -e axon-0.6.1")
    if _RUNNING["elixir"].has_ended:  # what was training then has failed; the rest goes on
        start(f"axon-{_RUNNING['version']}")
    return _RUNNING["elixir"]  # type: ignore[no-any-return]
