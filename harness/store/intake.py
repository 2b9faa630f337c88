"""Taking a variant into the stored contents: what is it most like?

Outside half.
"""

from __future__ import annotations

import base64
import contextlib
import json
import zlib

from harness.errors import RecordError
from harness.records.record import VariantRecord
from harness.records.writing import encode_variant, find_key, variant_text
from harness.store import packing as ulps
from harness.store.contents import TEXT, Array, Content, find_curve_key, find_curves

CANDIDATES = 64
"""How many of the latest curves and texts are considered as parents."""
TRIED = 2
"""How many of the most similar curves are encoded in full."""


def add(content: Content, variant: VariantRecord) -> str:
    """Take in a variant and return its key; ``content.write`` puts it on disk.

    Raises:
        RecordError: it would not come back as it is.
    """
    text = variant_text(variant)
    key = find_key(text.encode("utf-8"))
    if _is_stored(content, key, text):
        return key
    data = encode_variant(variant)
    for curves, name, precision in find_curves(data):
        numbers = [float(value) for value in curves[name]]
        curves[name] = _add_curve(content, name, ulps.canonical(numbers, precision))
    _add_text(content, key, json.dumps(data, separators=(",", ":")).encode("utf-8"))
    if not _is_stored(content, key, text):
        content.variant(key)  # raises: why it does not come back
    return key


def _is_stored(content: Content, key: str, text: str) -> bool:
    """Return whether a variant is there and comes back; what is damaged is not there.

    Raises:
        RecordError: another variant has its key, or what is stored is not what was measured.
    """
    try:
        found = variant_text(content.variant(key)) if content.holds(key) else None
    except RecordError:
        return False
    if found not in (None, text):
        raise RecordError("what is stored of a variant is not what was measured",
                          content.where(key))
    return found is not None


def _add_text(content: Content, key: str, text: bytes) -> None:
    """Add the text of a variant, unless it is there, with the most similar as dictionary."""
    with contextlib.suppress(RecordError):  # what is damaged is stored again
        if content.holds(key) and content.text(key):
            return
    parents = content.latest(TEXT, CANDIDATES)
    found = [(_deflate(text, None), ""),
             *((_deflate(text, content.text(parent)), parent) for parent in parents)]
    data, parent = min(found, key=lambda one: len(one[0]))
    content.append({"key": key, "kind": TEXT, "parent": parent or None,
                    "data": base64.b85encode(data).decode("ascii")})


def _add_curve(content: Content, name: str, curve: Array) -> str:
    """Add a curve, unless it is there, and return its key."""
    key, precision = find_curve_key(curve), curve.dtype.name
    with contextlib.suppress(RecordError):  # what is damaged is stored again
        if content.holds(key) and content.curve(key).tobytes() == curve.tobytes():
            return key
    parents = [(parent, ulps.canonical(content.curve(parent), precision))
               for parent in content.latest(name, CANDIDATES)]
    parents = [(parent, other) for parent, other in parents if other.shape == curve.shape]
    parents.sort(key=lambda one: ulps.bits(curve, one[1]))
    found = [(ulps.encode(curve, None), ""),
             *((ulps.encode(curve, other), parent) for parent, other in parents[:TRIED])]
    (order, packing, data), parent = min(found, key=lambda one: len(one[0][2]))
    content.append({"key": key, "kind": name, "precision": precision, "steps": len(curve),
                    "parent": parent or None, "order": order, "packing": packing,
                    "data": base64.b85encode(data).decode("ascii")})
    return key


def _deflate(text: bytes, dictionary: bytes | None) -> bytes:
    packer = zlib.compressobj(9, zdict=dictionary) if dictionary else zlib.compressobj(9)
    return packer.compress(text) + packer.flush()
