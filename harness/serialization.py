"""Records as files: strict JSON that a program in any language can write.

Inside half: standard library and NumPy only. UTF-8; one field and one variant a line,
though any layout is read; what a variant holds is in ``harness.encoding``.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, MutableMapping

from harness.encoding import decode_variant, encode_variant
from harness.errors import MissingRecordError, RecordError
from harness.files import write_text
from harness.reader import Reader, parse
from harness.record import Record, VariantRecord, Variants

FORMAT = 2
"""Version of the record format that is written."""
READABLE = (1, 2)
"""Versions that are read: 1 has no probes, invariances, fingerprints, reported metrics."""
_VARIANTS, _END = '\n"variants":{\n', "\n}}\n"
_NAME = re.compile(r"^[a-z][a-z0-9_]*(-[0-9A-Za-z][0-9A-Za-z.+_]*)?$")


def write(record: Record, path: Path) -> None:
    """Write a record atomically, one variant a line."""
    write_text(path, dumps(record))


def dumps(record: Record) -> str:
    """Return a record's JSON text."""
    return lay_out({"format": FORMAT}, record, {name: variant_text(variant)
                                                for name, variant in record.variants.items()})


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
                            for key, value in head.items()) + f",{_VARIANTS}{lines}{_END}"


def variant_text(variant: VariantRecord) -> str:
    """Return the JSON text of a variant, as it stands on its line."""
    return _compact(encode_variant(variant))


def find_key(text: str) -> str:
    """Return the key of a variant's text: the first 16 digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def read(path: Path) -> Record:
    """Read and check a record; its variants are decoded when they are asked for.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is truncated, malformed, or of another format version.
    """
    return loads(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return the text of a record's file.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingRecordError("no such record", str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"unreadable record: {error}", str(path)) from None


def loads(text: str, where: str) -> Record:
    """Return the record in a JSON text; ``where`` names it in errors.

    Where every variant has a line of its own, one that is damaged is an error when it is
    asked for, and the others can be read; of any other layout the whole is read at once.
    """
    reader, laid_out = Reader(where), _split(text, where)
    data, lines = laid_out or (parse(text, where), {})
    found = reader.get(data, "format", int, "")
    if found not in READABLE:
        raise RecordError("record of another format version", where,
                          f"format {found}, this harness reads "
                          f"{' and '.join(map(str, READABLE))}", "measure it again")
    if laid_out is None:
        return decode_head(data, reader, reader.mapping(
            data, "variants", "", lambda child, path: decode_variant(child, path, reader)))

    def decode(name: str, line: str) -> VariantRecord:
        variant = decode_variant(parse(line, f"{where}, {name}"), f"variants.{name}.", reader)
        variant.key = find_key(line)
        return variant

    return decode_head(data, reader, Variants(lines, decode, find_key))


def _split(text: str, where: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Return the head and the lines of the variants, or None where they have no lines."""
    start = text.find(_VARIANTS)
    if start < 0 or not text.endswith(_END):
        return None
    try:
        head = parse(f'{text[:start]}"variants":{{}}}}', where)
    except RecordError:
        return None
    lines = text[start + len(_VARIANTS):-len(_END)].split(",\n")
    found = {}
    for line in lines:
        name, _, source = line.partition('":')
        if not (name.startswith('"') and source.startswith("{") and source.endswith("}")) \
                or "\\" in name or "\n" in line:
            return None
        found[name[1:]] = source
    return (head, found) if len(found) == len(lines) else None


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def decode_head(data: Any, reader: Reader,
                variants: MutableMapping[str, VariantRecord]) -> Record:
    """Return the record of the variants with what JSON data says of all of them.

    Raises:
        RecordError: a field is missing or of another type.
    """
    environment = reader.get(data, "environment", str, "")
    if not _NAME.match(environment):
        raise RecordError("environment must be a name such as torch-2.13.0", reader.where,
                          repr(environment)[:80])
    provenance = reader.get(data, "provenance", dict, "")
    reader.get(provenance, "data_sha256", str, "provenance.")
    return Record(
        case=reader.get(data, "case", str, ""),
        environment=environment,
        provenance=provenance,
        variants=variants,
        accepted=reader.get(data, "accepted", dict, "") if "accepted" in data else None,
    )
