"""Settings: what a framework or a library would derive from the processor, pinned.

Inside half: standard library only. A verdict belongs to a version, not to a host; so what
chooses threads, kernels and instruction sets is pinned like a package, for every
environment and in this one table. A variable of the caller goes before the table. What was
in force is kept in the record.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Iterable, Mapping

from harness.records import processor

PREFIXES = ("ATEN_", "CUBLAS_", "DNNL_", "GLIBC_TUNABLES", "KMP_", "MKL_", "NPY_", "NVIDIA_TF32_",
            "OMP_", "ONEDNN_", "OPENBLAS_", "TF_", "TORCH_ALLOW_TF32_", "XLA_FLAGS")
"""Prefixes of the variables that choose threads, instruction sets, kernels and algorithms."""
WITHOUT_EFFECT = ("TF_CLI_", "TF_CPP_")
"""Prefixes of those that change no number: Terraform's, and logs."""
AVX2 = ("avx2", "fma")
TENSORFLOW = ("tensorflow", "keras")


@dataclass(frozen=True)
class Setting:
    """One variable that is pinned.

    Args:
        families: of the environments that it is pinned in; empty for all.
        needs: instruction sets without which it is left alone.
        reason: what would happen without it.
    """

    variable: str
    value: str
    reason: str
    families: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


_ONE = "the order in which numbers are added up would depend on the machine's cores"
_KERNELS = "kernels for AVX-512 add up in another order than those for AVX2"
PINNED = (
    Setting("OMP_NUM_THREADS", "1", _ONE),
    Setting("OPENBLAS_NUM_THREADS", "1", _ONE),
    Setting("MKL_NUM_THREADS", "1", _ONE),
    Setting("TF_NUM_INTRAOP_THREADS", "1", _ONE),
    Setting("TF_NUM_INTEROP_THREADS", "1", _ONE),
    Setting("OMP_WAIT_POLICY", "passive",
            "idle threads would spin: the same numbers, but five times slower beside a busy "
            "process"),
    Setting("TF_ENABLE_ONEDNN_OPTS", "0",
            "TensorFlow 2.9 and later take oneDNN's kernels where they find AVX-512 VNNI, BF16 or "
            "AMX: another softmax, measured 7e+07 off under stress", TENSORFLOW),
    Setting("OPENBLAS_CORETYPE", "Haswell", _KERNELS, needs=AVX2),
    Setting("ATEN_CPU_CAPABILITY", "avx2", _KERNELS, ("torch",), AVX2),
    Setting("ONEDNN_MAX_CPU_ISA", "AVX2", _KERNELS, ("torch",), AVX2),
    Setting("DNNL_MAX_CPU_ISA", "AVX2", f"{_KERNELS}; the name in oneDNN before 2.5", ("torch",),
            AVX2),
    Setting("MKL_CBWR", "AVX2", _KERNELS, ("torch",), AVX2),
)
"""The table. Left out, since records agree without (measured): NumPy's own loops
(``NPY_DISABLE_CPU_FEATURES``) and libm (``GLIBC_TUNABLES``); TF32, which is a GPU's; XLA's
flags, of which an older TensorFlow refuses what a newer one knows."""


def pinned(family: str | None, instruction_sets: Iterable[str] | None = None) -> dict[str, str]:
    """Return the variables that are pinned in environments of a family.

    Args:
        family: ``torch`` of ``torch-2.13.0``; None for all of them.
        instruction_sets: of the processor; None for this machine's.
    """
    found = set(processor.instruction_sets() if instruction_sets is None else instruction_sets)
    return {setting.variable: setting.value for setting in PINNED
            if (not setting.families or family is None or family in setting.families)
            and found.issuperset(setting.needs)}


def environment(family: str, variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return a process's variables with the pinned settings added.

    Those given go first; one that is given empty pins nothing.
    """
    return {**pinned(family), **variables}


def chosen(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return those of the variables that choose threads, kernels and algorithms."""
    return {name: value for name, value in sorted(variables.items())
            if name.startswith(PREFIXES) and not name.startswith(WITHOUT_EFFECT)}
