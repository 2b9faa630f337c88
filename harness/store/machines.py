"""Machines: which settings and which class of machine a record was measured under.

Outside half. A setting chooses another algorithm: records under two of them are not
comparable. The class of a machine (architecture, and which kernels were chosen there) only
rounds otherwise, or has a defect of its own: a baseline of another class is weaker evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from harness.environments.pins import ON_ARM
from harness.errors import IncomparableError
from harness.records import settings
from harness.records.environment import parse
from harness.records.record import Record

ONEDNN, ONEDNN_SWITCH = "oneDNN", "TF_ENABLE_ONEDNN_OPTS"
ONEDNN_DEFAULT = Version("2.9")
"""TensorFlow that takes oneDNN's kernels by itself where it finds one of ``ONEDNN_SETS``."""
ONEDNN_SETS = {"avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8"}
TENSORFLOWS = (*ON_ARM, *ON_ARM.values())
"""Distributions that are TensorFlow."""
_SWITCHES = {
    "DNNL_MAX_CPU_ISA", "GLIBC_TUNABLES", "MKL_CBWR", "MKL_DEBUG_CPU_TYPE",
    "MKL_ENABLE_INSTRUCTIONS", "MKL_NUM_THREADS", "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES", "OMP_NUM_THREADS", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS", "XLA_FLAGS"}
"""Variables that change how numbers are rounded; no other makes another class."""
_ODD = re.compile(r"[^A-Za-z0-9_]")
_LONGEST = 40
"""Characters of either half of a folder's name."""
"""What a folder's name does not hold, whatever a record says of its machine."""
_LEVELS = (("avx512", "avx512f"), ("avx2", "avx2"), ("sve", "sve"), ("neon", "asimd"))
"""Names of the levels that kernels are written for, and the instruction set of each."""


@dataclass(frozen=True)
class MachineClass:
    """What decides which kernels compute.

    Args:
        architecture: ``x86_64``, ``aarch64``.
        capability: instruction sets that the framework chose, ``avx2``; ``default`` for its
            plain code.
        switches: variables that choose otherwise than the pinned settings, ``NAME=value``.
    """

    architecture: str
    capability: str
    switches: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The class in one word, ``x86_64-avx2``, that can be a folder's name."""
        return "-".join(_ODD.sub("_", part)[:_LONGEST]
                        for part in (self.architecture, self.capability))

    def __str__(self) -> str:
        return " ".join((self.name, *self.switches))


def machine_class(provenance: Mapping[str, Any], environment: str) -> MachineClass:
    """Return the class of the machine that a record was measured on.

    Args:
        provenance: the record's.
    """
    family = parse(environment).framework
    architecture = str(provenance.get("platform", "")).rpartition("-")[2] or "unknown"
    variables = {name: value for name, value in _texts(provenance.get("variables")).items()
                 if value}
    pins = settings.pinned(family, settings.AVX2)
    switches = tuple(f"{name}={value}" for name, value in variables.items()
                     if name in _SWITCHES and value != pins.get(name))
    return MachineClass(architecture, _capability(provenance, family, variables), switches)


def _capability(provenance: Mapping[str, Any], family: str, variables: Mapping[str, str]) -> str:
    """Return what the framework says that it chose; else what there is to choose from."""
    said = _texts(provenance.get("settings")).get("cpu_capability")
    if said:
        return said.lower().replace(" ", "_")
    switch = "ATEN_CPU_CAPABILITY" if family == "torch" else "OPENBLAS_CORETYPE"
    if switch in variables:
        return "avx2" if variables[switch] == settings.pinned(family, settings.AVX2)[switch] \
            else "chosen"
    sets = _instruction_sets(provenance)
    return next((level for level, needed in _LEVELS if needed in sets), "default")


def chosen_settings(record: Record) -> dict[str, str]:
    """Return the settings of a record that choose an algorithm, ``{"oneDNN": "off"}``.

    Of a framework without such a setting there are none.
    """
    provenance = record.provenance
    packages = _texts(provenance.get("packages"))
    version = next((packages[name] for name in TENSORFLOWS if name in packages), None)
    if version is None or parse(record.environment).framework not in settings.TENSORFLOW:
        return {}
    said = _texts(provenance.get("variables")).get(ONEDNN_SWITCH) \
        or _texts(provenance.get("settings")).get(ONEDNN_SWITCH)
    if said is None:
        is_on = _is_at_least(version, ONEDNN_DEFAULT) \
            and bool(ONEDNN_SETS & _instruction_sets(provenance)) \
            and str(provenance.get("platform", "")).endswith("x86_64")
    else:
        is_on = said.lower() not in ("0", "false")
    return {ONEDNN: "on" if is_on else "off"}


def require_comparable(observed: Record, baseline: Record) -> None:
    """Refuse records that were measured under different settings.

    Raises:
        IncomparableError: a setting that both have is another one.
    """
    mine, theirs = chosen_settings(observed), chosen_settings(baseline)
    for name in mine.keys() & theirs.keys():
        if mine[name] != theirs[name]:
            raise IncomparableError(
                f"measured with {name} {mine[name]}, the baseline with it {theirs[name]}: "
                "not comparable", f"{observed.case} {observed.environment} against "
                f"{baseline.environment}",
                next_command=f"unset {ONEDNN_SWITCH}; tox run -e {observed.environment} -- --again")


def other_class(observed: Record, baseline: Record) -> str:
    """Return in words that two records are of different classes of machine; empty if not."""
    if _what_decides(observed) == _what_decides(baseline):
        return ""
    mine, theirs = (machine_class(record.provenance, record.environment)
                    for record in (observed, baseline))
    if parse(observed.environment).framework != parse(baseline.environment).framework \
            and mine.architecture == theirs.architecture:
        return ""  # two frameworks name their kernels differently
    return "" if mine == theirs else f"{mine}, the baseline {theirs}"


def _what_decides(record: Record) -> tuple[Any, ...]:
    """Return all that the class of a record's machine follows from."""
    return (parse(record.environment).framework,
            *(record.provenance.get(name) for name in ("platform", "variables", "settings", "cpu")))


def _texts(data: object) -> dict[str, str]:
    """Return those entries of a table that are text."""
    return {str(name): value for name, value in data.items() if isinstance(value, str)} \
        if isinstance(data, Mapping) else {}


def _instruction_sets(provenance: Mapping[str, Any]) -> set[str]:
    cpu = provenance.get("cpu")
    found = cpu.get("instruction_sets") if isinstance(cpu, Mapping) else None
    return {str(name) for name in found} if isinstance(found, list) else set()


def _is_at_least(version: str, bound: Version) -> bool:
    try:
        return Version(version) >= bound
    except InvalidVersion:
        return False
