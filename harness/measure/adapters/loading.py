"""Loading an adapter: its framework is imported, and started, no sooner than this.

Inside half: standard library only.
"""

from __future__ import annotations

from typing import Any

from harness.errors import HarnessError
from harness.records.environment import require


def load(environment: str) -> Any:
    """Import and return the adapter of an environment, its framework started.

    Raises:
        HarnessError: its framework does not import or start; the cause is kept.
    """
    import importlib

    name = require(environment).adapter
    try:
        adapter = importlib.import_module(f"harness.measure.adapters.{name}")
        if hasattr(adapter, "start"):
            adapter.start(environment)
        return adapter
    except HarnessError:
        raise
    except Exception as error:
        raise HarnessError(f"the framework of {environment} does not import",
                           numbers=f"{type(error).__name__}: {error}",
                           next_command=f"tox run -r -e {environment}") from error
