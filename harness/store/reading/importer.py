"""Reading what other programs made: records, or curves a converter knows.

Outside half.
"""

from __future__ import annotations

from pathlib import Path

from harness.files import read_bytes
from harness.records.project import Project
from harness.records.record import Record
from harness.store.reading import axon, parsing
from harness.store.reading import records as reading


def load(paths: list[Path], project: Project) -> list[Record]:
    """Return the records in files of either kind.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: a file is damaged, or of no known kind.
    """
    texts = {path: read_bytes(path) for path in paths}
    parsed = {path: parsing.parse(text, str(path)) for path, text in texts.items()}
    curves = {path: data for path, data in parsed.items() if axon.is_curve(data)}
    records = [reading.loads(texts[path], str(path)) for path in paths if path not in curves]
    return records + axon.convert(curves, project)
