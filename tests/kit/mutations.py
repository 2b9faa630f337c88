"""Damage of every kind, from a seed: to bytes, and to what JSON says."""

from __future__ import annotations

import json
import random
from typing import Any

HOSTILE = (
    None, True, -1, 0, 1, 2**63, 1.5, -0.0, 5e-324, 1e308, -1e308, 0.5, "NaN", "Infinity",
    "-Infinity", "nan", "", "abc", "0" * 64, "\ud800", "../../../etc/passwd", "/../../x",
    "torch-2.13.0\n", "torch-2.13.0", ".", "a/b", "x" * 5000, "\x00", "\x1b]0;title\x07\x1b[2J",
    "\n::error::x", "##[error]x", "\n::add-mask::e", "\u202eevil", "<script>alert(1)</script>", [],
    {}, [[]], [0], ["NaN"], {"a": 1}, {"": ""}, [1e308] * 3, [None], list(range(30)))
"""Values to put where others belong."""
RAW = ("9" * 5000, "1e999", "-1e999", "NaN", "Infinity", "[" * 100_000, '{"a":' * 50_000, "1.",
       "0x1", "'a'", '"\\ud800"', '"\\u0000"', "1e-400", "01", "tru", "")
"""The same as text, which JSON forbids or cannot hold."""
JUNK = (b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[2J", b"\n::error::x\n", b"}", b"]", b'"',
        b",", b"9" * 5000, b"[" * 100_000, b"\r\n", b"\xe2\x80\xae")
MARK = "@@ a value of text @@"


def damage(data: bytes, chance: random.Random) -> bytes:
    """Return bytes that are damaged in one place."""
    start = chance.randrange(len(data) + 1)
    stop = min(len(data), start + chance.choice((1, 1, 2, 10, 100, 5000)))
    return chance.choice((
        lambda: data[:start],
        lambda: data[:start] + data[stop:],
        lambda: data[:stop] + data[start:],
        lambda: data[:start] + chance.choice(JUNK) + data[start:],
        lambda: data[:start] + bytes(chance.randrange(256) for _ in data[start:stop]) + data[stop:],
        lambda: data[start:] + data[:start],
        lambda: data[:start] + bytes(b ^ 1 << chance.randrange(8) for b in data[start:start + 1])
        + data[start + 1:],
        lambda: b"",
    ))()


def mutate(text: str, chance: random.Random) -> bytes:
    """Return JSON text in which one value, one name or one entry is another."""
    data = json.loads(text)
    places = _places(data, chance)
    parent, key = chance.choices(places, range(1, len(places) + 1))[0]
    value = parent[key]
    raw = None
    kind = chance.randrange(7)
    if kind == 0 and isinstance(parent, dict):
        parent[str(chance.choice([*parent, "extra", "", "../x", "a\nb", "\ud800", "x" * 500]))] = \
            parent.pop(key)
    elif kind == 1:
        del parent[key]
    elif kind == 2:
        raw, parent[key] = chance.choice(RAW), MARK
    elif kind == 3 and isinstance(value, (int, float)) and not isinstance(value, bool):
        parent[key] = value * chance.choice((-1, 0, 2, 0.5, 1.1, 1e6, 1e-6)) + chance.choice((0, 1))
    elif kind == 4 and isinstance(value, list) and value:
        chance.choice((value.reverse, value.pop, value.clear, lambda: value.append(value[0]),
                       lambda: value.insert(0, chance.choice(HOSTILE))))()
    elif kind == 5 and isinstance(value, dict) and value:
        name = chance.choice(list(value))
        chance.choice((value.clear, lambda: value.pop(name),
                       lambda: value.update({f"{name}_": value[name]})))()
    else:
        parent[key] = chance.choice(HOSTILE)
    lines = {"variants": "{\n", "runs": "{\n"} if chance.random() < 0.7 else {}
    mutated = _laid_out(data, lines) if isinstance(data, dict) else json.dumps(data)
    if raw is not None:
        mutated = mutated.replace(json.dumps(MARK), raw, 1)
    return mutated.encode("utf-8", "surrogatepass")


def _places(data: Any, chance: random.Random) -> list[tuple[Any, Any]]:
    """Return (parent, key) of one value at every depth, of a walk at random, mostly far down."""
    places, node = [], data
    while isinstance(node, (dict, list)) and node:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        inner = [key for key in keys if isinstance(node[key], (dict, list)) and node[key]]
        key = chance.choice(inner if inner and chance.random() < 0.8 else keys)
        places.append((node, key))
        node = node[key]
    return places


def _laid_out(data: dict[str, Any], lines: dict[str, str]) -> str:
    """Return JSON text as records have it: one field and one variant a line."""
    parts = []
    for key, value in data.items():
        if key in lines and isinstance(value, dict):
            inner = ",\n".join(f"{json.dumps(name)}:{_compact(one)}" for name, one in value.items())
            parts.append(f'{json.dumps(key)}:{{\n{inner}\n}}')
        else:
            parts.append(f"{json.dumps(key)}:{_compact(value)}")
    return "{" + ",\n".join(parts) + "}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
