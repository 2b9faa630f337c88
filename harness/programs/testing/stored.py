"""The baseline of a test: traces of its runs and why they are right, in one file beside it.

Outside half. A zip that standard tools open: ``baseline.json``, and for every run the trace that
``docs/traces.md`` describes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import RecordError
from harness.files import pack, read_bytes, scratch, write_bytes
from harness.programs.traces.trace import Trace, read

FACTS, UNCHANGED, REPEATED, PERTURBED = "baseline.json", "unchanged", "repeated", "perturbed-"
"""Member with what is known of the runs; names of runs."""
LARGEST = 512 * 2**20
"""Bytes of such a file."""
_DAMAGE = (zipfile.BadZipFile, OSError, KeyError, ValueError, RuntimeError)


@dataclass(frozen=True)
class Stored:
    """A baseline.

    Args:
        runs: trace of each, by name.
        facts: reason, time and packages.
    """

    runs: Mapping[str, Trace]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def perturbed(self) -> list[Trace]:
        """Runs from weights changed by last bits."""
        return [trace for name, trace in self.runs.items() if name.startswith(PERTURBED)]


def load(path: Path) -> Stored:
    """Return the baseline in a file.

    Raises:
        MissingRecordError: there is none.
        RecordError: it is damaged, or holds no unchanged run.
    """
    content = read_bytes(path, LARGEST)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file, scratch(path.parent) as folder:
            runs = {}
            for name in sorted(file.namelist()):
                if name != FACTS and "/" not in name and name.endswith(".npz"):
                    (folder / name).write_bytes(file.read(name))
                    runs[name.removesuffix(".npz")] = read(folder / name)
            facts = json.loads(file.read(FACTS))
    except _DAMAGE as error:
        raise RecordError("the baseline of the training is damaged", str(path),
                          f"{type(error).__name__}: {error}"[:300], f"git checkout {path.name}"
                          ) from None
    if UNCHANGED not in runs or not isinstance(facts, dict):
        raise RecordError("the baseline of the training holds no unchanged run", str(path),
                          ", ".join(runs), f"git checkout {path.name}")
    return Stored(runs, facts)


def write(path: Path, runs: Mapping[str, Path], facts: Mapping[str, Any]) -> None:
    """Write a baseline; the same runs give the same bytes.

    Args:
        runs: file of the trace of each, by name.
    """
    members = {FACTS: (json.dumps(facts, indent=1) + "\n").encode()}
    members.update({f"{name}.npz": trace.read_bytes() for name, trace in runs.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, pack(members))
