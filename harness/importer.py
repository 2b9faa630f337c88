"""Reading what other programs made: records, or curves a converter knows.

Outside half.
"""

from __future__ import annotations

import json
from pathlib import Path

from harness import axon, serialization
from harness.errors import MissingRecordError, RecordError
from harness.project import Project
from harness.record import Record


def load(paths: list[Path], project: Project) -> list[Record]:
    """Return the records in files of either kind.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: a file is damaged, or of no known kind.
    """
    parsed = {path: _json(path) for path in paths}
    curves = {path: data for path, data in parsed.items() if axon.is_curve(data)}
    records = [serialization.read(path) for path in paths if path not in curves]
    return records + axon.convert(curves, project)


def _json(path: Path) -> object:
    try:
        data: object = json.loads(path.read_text(encoding="utf-8"))
        return data
    except FileNotFoundError:
        raise MissingRecordError("no such file", str(path)) from None
    except (OSError, ValueError) as error:
        raise RecordError(f"not a JSON file: {error}", str(path)) from None
