"""Reading records: from JSON that anybody may have written to values that have their types.

Outside half; the inside half only writes (``harness.records.writing``). What a record is wrong
about is an error that names the place. Whether its numbers can be true is for
``harness.store.reading.soundness``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from harness.errors import MissingRecordError, RecordError
from harness.files import read_bytes
from harness.records.native_record import FORMAT as NATIVE_FORMAT
from harness.records.native_record import NativeRecord
from harness.records.paths import is_name
from harness.records.record import (
    Drops,
    Fingerprint,
    NativeRun,
    Probes,
    Record,
    Trajectory,
    VariantRecord,
    Variants,
)
from harness.records.writing import END, VARIANTS, find_key
from harness.store.reading import schema, soundness
from harness.store.reading.parsing import AGAIN, convert, decode, encoded
from harness.words import NOT_FINITE

READABLE = (1, 2)
"""Versions that are read: 1 has no probes, invariances, fingerprints, reported metrics."""
_VARIANTS, _END = VARIANTS.encode(), END.encode()
_head = msgspec.json.Decoder(schema.Head)
_variant = msgspec.json.Decoder(schema.Variant)


def read(path: Path) -> Record:
    """Read a record; its variants are decoded when they are asked for.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is truncated, malformed, or of another format version.
    """
    return loads(read_bytes(path), str(path))


def loads(text: str | bytes, where: str) -> Record:
    """Return the record in a JSON text; ``where`` names it in errors.

    Where every variant has a line of its own, one that is damaged is an error when it is
    asked for, and the others can be read; of any other layout the whole is read at once.
    """
    data = encoded(text, where)
    laid_out = _split(data, where)
    head, lines = laid_out or (decode(_head, data, where), {})
    if head.format not in READABLE:
        raise RecordError("record of another format version", where,
                          f"format {_said(head.format)}, this harness reads "
                          f"{' and '.join(map(str, READABLE))}", "measure it again")
    if laid_out is None:
        variants = {name: variant(convert(schema.Variant, found, f"{where}, {name}"), where)
                    for name, found in named(head.variants, where).items()}
        return record(head, where, variants)

    def of_line(name: str, line: bytes) -> VariantRecord:
        found = content(line, f"{where}, {name}")
        found.key = find_key(line)
        return found

    return record(head, where, Variants(lines, of_line, find_key))


def _split(data: bytes, where: str) -> tuple[schema.Head, dict[str, bytes]] | None:
    """Return the head and the lines of the variants, or None where they have no lines."""
    start = data.find(_VARIANTS)
    if start < 0 or not data.endswith(_END):
        return None
    try:
        head = decode(_head, data[:start] + b'"variants":{}}', where)
    except RecordError:
        return None
    lines = data[start + len(_VARIANTS):-len(_END)].split(b",\n")
    found = {}
    for line in lines:
        name, _, source = line.partition(b'":')
        if not (name.startswith(b'"') and source.startswith(b"{") and source.endswith(b"}")) \
                or b"\\" in name or b"\n" in line:
            return None
        found[name[1:].decode("utf-8", "replace")] = source
    named(found, where)
    return (head, found) if len(found) == len(lines) else None


def named(found: Any, where: str) -> dict[str, Any]:
    """Return what a record holds by variant; every name is one.

    Raises:
        RecordError: there is none, or a name cannot be a variant's.
    """
    if not isinstance(found, dict):
        raise RecordError("the record must hold variants", where, next_command=AGAIN)
    for name in found:
        if not is_name("variant", name):
            raise RecordError("no name of a variant", where, repr(name)[:80])
    return found


def record(head: schema.Head, where: str, variants: Any) -> Record:
    """Return the record of the variants with what JSON says of all of them.

    Raises:
        RecordError: a name or what it says of its provenance cannot be.
    """
    _check_head(head, where)
    accepted = None if head.accepted is UNSET else head.accepted
    return Record(head.case, head.environment, head.provenance, variants, accepted)


def _check_head(head: schema.Head, where: str) -> None:
    for kind in ("case", "environment"):
        name = getattr(head, kind)
        if not is_name(kind, name):
            raise RecordError(f"{kind} must be a name such as "
                              f"{'xor' if kind == 'case' else 'torch-2.13.0'}", where,
                              repr(name)[:80])
    convert(schema.Provenance, head.provenance, f"{where}, provenance")
    accepted = None if head.accepted is UNSET else head.accepted
    if accepted is not None:
        convert(schema.Accepted, accepted, f"{where}, accepted")
    soundness.check_provenance(head.provenance, accepted, where)


def head_of(text: bytes, where: str) -> tuple[schema.Head, dict[str, str]]:
    """Return the head of a baseline, and the keys of its variants.

    Raises:
        RecordError: it is damaged.
    """
    head = decode(_head, text, where)
    keys = convert(dict[str, str], named(head.variants, where), f"{where}, variants")
    return head, keys


def content(text: bytes, where: str) -> VariantRecord:
    """Return a variant of its line.

    Raises:
        RecordError: it is damaged.
    """
    return variant(decode(_variant, text, where), where)


def native_runs(path: Path) -> NativeRecord:
    """Read a record of native runs.

    Raises:
        MissingRecordError: there is no such file.
        RecordError: it is damaged, or of another format version.
    """
    where = str(path)
    try:
        head = decode(_head, read_bytes(path), where)
    except MissingRecordError:
        raise MissingRecordError("no native runs", where) from None
    if head.format != NATIVE_FORMAT:
        raise RecordError("native runs of another format version", where,
                          f"format {_said(head.format)}, this harness reads {NATIVE_FORMAT}",
                          "measure them again")
    _check_head(head, where)
    return NativeRecord(head.case, head.environment, head.provenance,
                        {name: _runs(convert(schema.Native, found, f"{where}, {name}"), where)
                         for name, found in named(head.runs, where).items()},
                        None if head.accepted is UNSET else head.accepted)


def _runs(found: schema.Native, where: str) -> list[NativeRun]:
    said: list[Any] = [None] * len(found.seed) if found.reported_loss is None \
        else _numbers(found.reported_loss)
    columns: list[list[Any]] = [found.seed, _numbers(found.final_loss), said,
                                _numbers(found.metric), found.trained]
    if {len(column) for column in columns} != {len(found.seed)}:
        raise RecordError("columns must have a value for every seed", where)
    return [NativeRun(*row) for row in zip(*columns, strict=True)]


def variant(found: schema.Variant, where: str) -> VariantRecord:
    """Return a variant of its JSON.

    Raises:
        RecordError: something is missing, or has another length.
    """
    result = VariantRecord(found.weights_sha256)
    for reason in ("unsupported", "error"):
        if getattr(found, reason) is not UNSET:
            setattr(result, reason, getattr(found, reason))
    holds = found.probes or found.invariances or found.fingerprint or found.drops \
        or found.trajectories
    if result.unsupported is not None or result.error is not None:
        if holds is not UNSET:
            raise RecordError("what could not be measured must not hold measurements", where)
        return result
    if found.trajectories is UNSET:
        raise RecordError("a variant must hold trajectories, or say why not", where)
    result.trajectories = {precision: _trajectory(one, where)
                           for precision, one in found.trajectories.items()}
    result.probes = {precision: _probes(one, where) for precision, one in found.probes.items()}
    result.invariances = {precision: {claim: _number(value) for claim, value in one.items()}
                          for precision, one in found.invariances.items()}
    if found.fingerprint is not None:
        result.fingerprint = Fingerprint(**msgspec.structs.asdict(found.fingerprint))
    result.drops = {precision: _drops(one) for precision, one in found.drops.items()}
    return result


def _drops(found: schema.Drops) -> Drops:
    """Return what dropout does, its numbers in place of words."""
    data = msgspec.structs.asdict(found)
    numbers = ("dropped", "agreeing", "scale", "spread", "mismatch")
    return Drops(**{**data, **{name: _number(data[name]) for name in numbers}})


def _trajectory(found: schema.Trajectory, where: str) -> Trajectory:
    loss = _numbers(found.loss)
    if not loss:
        raise RecordError("loss holds no step", where)
    norms = {name: _numbers(value)
             for name in ("gradient_norm", "update_norm")
             if (value := getattr(found, name)) is not UNSET}
    envelope: dict[str, Any] | None = None if found.envelope is UNSET else {
        str(name): _numbers(value) for name, value in found.envelope.items()}
    for name, curve in {**norms, **(envelope or {})}.items():
        if len(curve) != len(loss):
            raise RecordError(f"{name} must be as long as the loss", where,
                              f"{len(curve)} against {len(loss)}")
    return Trajectory(loss=loss, metrics=_table(found.metrics),
                      reported=None if found.reported is UNSET else _table(found.reported),
                      nonfinite_from=found.nonfinite_from, envelope=envelope, **norms)


def _probes(found: schema.Probes, where: str) -> Probes:
    lengths = {len(values) for part in (found.errors, found.allowances)
               for values in part.values()}
    if lengths - {len(found.tensors)} or found.errors.keys() != found.allowances.keys():
        raise RecordError("errors and allowances must have a number for every tensor", where)
    return Probes(found.tensors, _table(found.errors), _table(found.allowances))


def _table(found: Mapping[str, list[schema.Number]]) -> dict[str, list[float]]:
    return {name: _numbers(values) for name, values in found.items()}


def _numbers(values: list[Any]) -> list[float]:
    """Return the numbers of a list, words of what is not finite among them."""
    return [_number(value) for value in values] if str in set(map(type, values)) else values


def _number(value: Any) -> float:
    return NOT_FINITE[value] if isinstance(value, str) else value


def _said(version: int | UnsetType) -> str:
    return "none" if isinstance(version, UnsetType) else str(version)
