"""Where a record comes from: packages, interpreter, machine, threads, data.

Inside half: standard library only.
"""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from harness import __version__

SWITCHES = ("ATEN_", "DNNL_", "MKL_", "OMP_", "ONEDNN_", "OPENBLAS_", "TF_")
"""Prefixes of the variables that choose threads, instruction sets and kernels."""
SINGLE_THREADED = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1",
    # Idle OpenMP threads sleep and do not spin: the numbers are the same, and beside
    # another busy process torch trains five times faster.
    "OMP_WAIT_POLICY": "passive",
}
"""What a worker is given, unless the caller's variables say otherwise: one thread. The order
in which numbers are added up then does not depend on the machine's cores."""
INSTRUCTION_SETS = {
    "flags": ("sse4_1", "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512vl",
              "avx512_vnni", "avx512_bf16", "amx_tile"),
    "Features": ("neon", "asimd", "asimddp", "bf16", "i8mm", "sve", "sve2"),
}
"""Those that decide kernels, by the key of /proc/cpuinfo that lists them: x86's and Arm's."""
KEYS = {"x86_64": "flags", "i686": "flags", "aarch64": "Features", "armv7l": "Features"}
"""The key that the processor's own architecture has."""


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def packages() -> dict[str, str]:
    """Return name and version of every installed distribution."""
    found = {(d.metadata["Name"] or "").lower().replace("_", "-"): d.version
             for d in metadata.distributions()}
    return {name: found[name] for name in sorted(found) if name}


def machine() -> dict[str, Any]:
    """Return system and processor."""
    return {"platform": f"{platform.system()}-{platform.machine()}", "cpu": _cpu()}


def switches() -> dict[str, str]:
    """Return the variables that choose threads, instruction sets and kernels."""
    return {name: value for name, value in sorted(os.environ.items())
            if name.startswith(SWITCHES) and not name.startswith("TF_CLI_")}  # Terraform's


def collect(data_sha256: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the provenance of what this process measures.

    Args:
        data_sha256: of the case's data file.
        settings: what the adapter says of threads and switches.
    """
    return {
        "harness": __version__,
        "recorded": now(),
        "data_sha256": data_sha256,
        "packages": packages(),
        "python": platform.python_version(),
        **machine(),
        "variables": switches(),
        "settings": settings,
    }


def _cpu(path: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """Return model, count and instruction sets, as far as the system tells.

    An emulator of another architecture shows the host's file; what that lists is not there.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    part = f"{told.get('CPU implementer', '')} {told.get('CPU part', '')}".strip()
    model, flags = told.get("model name") or part or platform.processor(), set()
    key = KEYS.get(platform.machine())
    if key in told:
        flags = set(told[key].split())
    elif set(told) & set(INSTRUCTION_SETS):
        model = f"{platform.machine()}, emulated"
    return {"model": model, "count": os.cpu_count(),
            "instruction_sets": [name for name in INSTRUCTION_SETS.get(key or "", ())
                                 if name in flags]}
