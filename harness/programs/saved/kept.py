"""What the runs of a saved program left, read from one file of runs or baselines.

Outside half. The file may come from another machine: it is read within limits, and only what a
measurement leaves.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import RecordError
from harness.files import read_bytes
from harness.programs.runs import figures
from harness.programs.runs.figures import Figure
from harness.programs.traces import trace as traces
from harness.programs.traces.trace import Trace
from harness.records.freshness import FACTS
from harness.records.record import Record

LARGEST, WHOLE = 64 * 2**20, 256 * 2**20
"""Bytes of a file, and of all that is in it."""
_MEMBER = re.compile(r"((perturbed-\d+|repeated)/)?(trace\.npz|printed\.txt|logged\.txt|"
                     r"outputs/[^\0]+)"
                     r"|run\.json")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError,
           NotImplementedError)


@dataclass(frozen=True)
class Kept:
    """What one environment's runs of a program left.

    Args:
        facts: when, where and how it was measured, and why it was accepted.
        members: the files, by name: ``perturbed-1/trace.npz``.
    """

    path: Path
    facts: dict[str, Any]
    members: dict[str, bytes]

    @property
    def folders(self) -> list[str]:
        """The runs beside the first one: ``perturbed-1/`` and so on, ``repeated/``."""
        return sorted({name.partition("/")[0] + "/" for name in self.members
                       if name.startswith(("perturbed-", "repeated/"))})

    def head(self, program: str, environment: str) -> Record:
        """Return what is known of the measuring, as of any case's, without a variant."""
        told, accepted = self.facts.get("provenance"), self.facts.get("accepted")
        return Record(program, environment, told if isinstance(told, dict) else {}, {},
                      accepted if isinstance(accepted, dict) else None)

    def trace(self, folder: str = "") -> Trace:
        """Return the trace of a run, as recorded."""
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "trace.npz"
            path.write_bytes(self._member(f"{folder}trace.npz"))
            return traces.read(path)

    def figures(self, folder: str = "") -> list[Figure]:
        """Return what a run printed, logged and wrote."""
        prefix = f"{folder}outputs/"
        outputs = [name[len(prefix):] for name in sorted(self.members) if name.startswith(prefix)]
        printed = self._member(f"{folder}printed.txt").decode("utf-8", "replace")
        logged = self.members.get(f"{folder}logged.txt", b"").decode("utf-8", "replace")
        with tempfile.TemporaryDirectory() as name:
            for output in outputs:
                path = Path(name) / output
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.members[prefix + output])
            return figures.told(printed, Path(name), outputs, logged)

    def _member(self, name: str) -> bytes:
        if name not in self.members:
            raise RecordError("the runs of a program are incomplete", str(self.path),
                              f"no {name}", "measure it again")
        return self.members[name]


def read(path: Path) -> Kept:
    """Return what a file of runs holds.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is damaged, too large, or holds something else.
    """
    content = read_bytes(path, LARGEST)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            infos = file.infolist()
            size = sum(info.file_size for info in infos)
            strange = [info.filename for info in infos if not _MEMBER.fullmatch(info.filename)
                       or ".." in Path(info.filename).parts]
            if size > WHOLE or strange:
                raise RecordError("these are no runs of a program", str(path),
                                  f"{size} bytes; strange: {', '.join(strange[:3]) or 'none'}",
                                  "measure it again")
            members = {info.filename: file.read(info) for info in infos}
        facts = json.loads(members.pop(FACTS, b"null"))
    except _DAMAGE as error:
        raise RecordError("the runs of a program are damaged", str(path),
                          f"{type(error).__name__}: {error}"[:300], "measure it again") from None
    if not isinstance(facts, dict):
        raise RecordError("the runs of a program are incomplete", str(path), f"no {FACTS}",
                          "measure it again")
    return Kept(path, facts, members)
