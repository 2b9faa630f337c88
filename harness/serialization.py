"""Writing records: strict JSON that a program in any language can write.

Inside half: standard library and NumPy only. UTF-8; one field and one variant a line,
though any layout is read (``harness.reading``); what a variant holds is in
``harness.encoding``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from harness.encoding import encode_variant
from harness.errors import RecordError
from harness.files import read_text, write_text
from harness.record import Record, VariantRecord

FORMAT = 2
"""Version of the record format that is written."""
VARIANTS, END = '\n"variants":{\n', "\n}}\n"
"""What comes before the line of the first variant, and after that of the last."""


def write(record: Record, path: Path) -> None:
    """Write a record atomically, one variant a line."""
    write_text(path, dumps(record))


def dumps(record: Record) -> str:
    """Return a record's JSON text."""
    return lay_out({"format": FORMAT}, record, {name: variant_text(variant)
                                                for name, variant in record.variants.items()})


def reopen(path: Path, form: int = FORMAT, holds: str = "variants") -> dict[str, Any]:
    """Return the JSON data of a record that this harness wrote here, to write it once more.

    Nothing is compared by it: whoever does reads with ``harness.reading``.

    Args:
        form: version of the format.
        holds: name of what it holds by variant.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is damaged, or of another format version.
    """
    try:
        data = json.loads(read_text(path), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise RecordError("not JSON: truncated or damaged", str(path), str(error)[:300]) from None
    if not isinstance(data, dict) or data.get("format") != form:
        raise RecordError("record of another format version", str(path))
    parts = data.get("provenance"), data.get(holds)
    if not all(isinstance(part, dict) for part in parts):
        raise RecordError(f"the record must hold provenance and {holds}", str(path))
    return data


def rewrite(data: dict[str, Any], path: Path) -> None:
    """Write the JSON data of a record as ``write`` writes a record."""
    record = Record(data["case"], data["environment"], data["provenance"], {})
    write_text(path, lay_out({"format": FORMAT}, record, {
        name: _compact(variant) for name, variant in data["variants"].items()}))


def lay_out(first: dict[str, Any], record: Record, variants: dict[str, str]) -> str:
    """Return the text of a record: one field a line, and then one variant a line.

    Args:
        first: fields that tell the format.
        variants: JSON texts by name.
    """
    head: dict[str, Any] = {**first, "case": record.case, "environment": record.environment,
                            "provenance": record.provenance}
    if record.accepted is not None:
        head["accepted"] = record.accepted
    lines = ",\n".join(f"{json.dumps(name)}:{text}" for name, text in variants.items())
    return "{" + ",\n".join(f"{json.dumps(key)}:{_compact(value)}"
                            for key, value in head.items()) + f",{VARIANTS}{lines}{END}"


def variant_text(variant: VariantRecord) -> str:
    """Return the JSON text of a variant, as it stands on its line."""
    return _compact(encode_variant(variant))


def find_key(text: bytes) -> str:
    """Return the key of a variant's text: the first 16 digits of its SHA-256."""
    return hashlib.sha256(text).hexdigest()[:16]


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
