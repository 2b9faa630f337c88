"""Parsing JSON that anybody may have written: into a type, or into an error that says where.

Outside half. Damaged, cut off, nested without end, numbers of thousands of digits, text that is
no UTF-8: whatever is wrong is an error, and never a traceback.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from harness.errors import RecordError

AGAIN = "measure or import it again"
_any = msgspec.json.Decoder()
Decoded = TypeVar("Decoded")


def parse(text: str | bytes, where: str) -> Any:
    """Return the value of a strict JSON text.

    Raises:
        RecordError: it is truncated, damaged, or holds bare NaN.
    """
    return decode(_any, encoded(text, where), where)


def decode(decoder: msgspec.json.Decoder[Decoded], data: bytes, where: str) -> Decoded:
    """Return what a decoder makes of JSON; whatever is wrong with it is said.

    Raises:
        RecordError: it is no JSON, or of other types.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise RecordError("not of the record's format", where, str(error)[:300], AGAIN) from None
    except (ValueError, RecursionError) as error:
        raise RecordError("not JSON: truncated or damaged, or a bare NaN in it", where,
                          str(error)[:300], AGAIN) from None


def convert(kind: Any, found: Any, where: str) -> Any:
    """Return decoded JSON as a type.

    Raises:
        RecordError: it is of another one.
    """
    try:
        return msgspec.convert(found, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise RecordError("not of the record's format", where, str(error)[:300], AGAIN) from None


def encoded(text: str | bytes, where: str) -> bytes:
    """Return a text's bytes in UTF-8.

    Raises:
        RecordError: it has no such bytes.
    """
    try:
        return text.encode("utf-8") if isinstance(text, str) else text
    except UnicodeEncodeError as error:
        raise RecordError("no text in UTF-8", where, str(error)[:300]) from None
