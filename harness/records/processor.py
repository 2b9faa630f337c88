"""The processor: architecture, model and instruction sets, as far as the system tells.

Inside half: standard library only.
"""

from __future__ import annotations

import os
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any

INSTRUCTION_SETS = {
    "x86_64": ("sse4_1", "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw",
               "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8"),
    "aarch64": ("neon", "asimd", "fphp", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2"),
}
"""By architecture, those by which frameworks and libraries choose their kernels."""
KEYS = {"x86_64": "flags", "aarch64": "Features"}
"""By architecture, what /proc/cpuinfo calls them."""
INFORMATION = Path("/proc/cpuinfo")


def architecture() -> str:
    """Return the architecture that this process runs on, ``x86_64`` or ``aarch64``."""
    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


@lru_cache(maxsize=None)
def instruction_sets() -> tuple[str, ...]:
    """Return the instruction sets that decide about kernels."""
    return tuple(_cpu()["instruction_sets"])


def kind() -> str:
    """Return architecture and maker of the processor, ``x86_64 GenuineIntel``."""
    makers = (line.partition(":")[2] for line in _lines(INFORMATION)
              if line.startswith("vendor_id"))
    return f"{architecture()} {next(makers, '').strip()}".strip()


def machine() -> dict[str, Any]:
    """Return system and processor."""
    return {"platform": f"{platform.system()}-{platform.machine()}", "cpu": _cpu()}


def _cpu(information: Path = INFORMATION) -> dict[str, Any]:
    """Return model, count and instruction sets of this architecture.

    An emulator may pass on the file of its host: what another architecture has is left out.
    """
    told = {key.strip(): value.strip() for key, _, value in (
        line.partition(":") for line in _lines(information))}
    part = f"{told.get('CPU implementer', '')} {told.get('CPU part', '')}".strip()
    model = told.get("model name") or part or platform.processor()
    key = KEYS.get(architecture(), "")
    if key not in told and set(KEYS.values()) & set(told):
        model = f"{architecture()}, emulated"
    flags = set(told.get(key, "").split())
    return {"model": model, "count": os.cpu_count(), "instruction_sets": [
        name for name in INSTRUCTION_SETS.get(architecture(), ()) if name in flags]}


def _lines(information: Path) -> list[str]:
    try:
        return information.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
