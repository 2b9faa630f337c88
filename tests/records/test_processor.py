"""What a record says of its machine."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from harness.records import processor

X86 = """processor : 0
model name : AMD EPYC
flags : fpu sse4_1 fma avx2 avx512f bf16

"""
ARM = """processor : 0
Features : fp asimd asimddp sve
CPU implementer : 0x41
CPU part : 0xd40

"""


@pytest.mark.parametrize(("machine", "text", "model", "sets"), [
    ("x86_64", X86 * 2, "AMD EPYC", ["sse4_1", "fma", "avx2", "avx512f"]),
    ("aarch64", ARM * 2, "0x41 0xd40", ["asimd", "asimddp", "sve"]),
    ("aarch64", X86 * 2, "aarch64, emulated", []),
    ("x86_64", ARM, "x86_64, emulated", []),
    ("aarch64", "", "named", []),
    ("riscv64", "isa : rv64imafdc\n", "named", []),
])
def test_a_processor_has_the_instruction_sets_of_its_own_architecture(
        machine: str, text: str, model: str, sets: list[str], tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    """Under emulation the system lists what the host can do, and none of it is there."""
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "processor", lambda: "named")
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    found = processor._cpu(path)
    assert (found["model"], found["instruction_sets"]) == (model, sets)


def test_without_a_list_of_processors_the_system_is_asked(tmp_path: Path) -> None:
    """Elsewhere than on Linux there is no such file."""
    assert processor._cpu(tmp_path / "none")["model"] == platform.processor()
