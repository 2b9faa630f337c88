"""PyTorch: ``torch.nn`` modules, ``torch.optim``, one eager step a batch.

Inside half: standard library, NumPy and torch, 1.8 or later.
"""

from __future__ import annotations

import re
from typing import Any

import torch

from harness.measure.adapters.task import Task, Training
from harness.measure.adapters.torch.training import TorchTraining

PACKAGES = ("torch", "numpy")


def describe() -> dict[str, Any]:
    """Return the settings that could change the numbers."""
    return {
        "intraop_threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "cpu_capability": _capability(),
        "mkldnn": torch.backends.mkldnn.is_available(),
    }


def _capability() -> str | None:
    """Return the instruction sets that torch's kernels use, as it says itself."""
    ask = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", None)
    if ask is not None:
        return str(ask())
    found = re.search(r"CPU capability usage: (.+)", torch.__config__.show())
    return found.group(1).strip() if found else None


def build(task: Task) -> Training:
    """Return torch's own model, loss and optimizer of a task."""
    return TorchTraining(task)
