"""Figures: the numbers that a program prints or writes to files, as events of its trace.

Outside half. They are compared as values: text between them may differ, and a number that is
printed with three decimals says no more than three decimals.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from harness.errors import HarnessError, UsageError
from harness.files import read_bytes
from harness.programs.traces.trace import REPORTED, Trace

NUMBER = re.compile(
    r"(?<![\w.])"
    r"[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf|NaN|Inf|Infinity)"
    r"(?!\w)(?!\.\d)")
"""A number that is no part of a word or a version."""
CHANCE = re.compile(
    r"\b\d{4}[-/.]\d\d[-/.]\d\d(?:[T _]\d\d:?\d\d(?::?\d\d)?(?:[.,]\d+)?)?"
    r"(?:Z|[+-]\d\d:?\d\d)?\b"
    r"|\b\d\d?[-/.]\d\d?[-/.]\d{4}\b"
    r"|\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\b(?!\.\d)"
    r"|\b0x[0-9a-fA-F]+\b"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\btmp\w{8}\b")
"""Dates and times of day, addresses, UUIDs, temporary files: no run has those of another."""
DURATION = re.compile(
    r"(?<![\w.])\d+(?:\.\d+)?\s?(?:ns|us|µs|ms|s|min(?!\s*[-+]?\d+(?:\.\d+)?(?!\s?\w))|h)"
    r"(?:/\w+)?(?![\w=])")
"""A time that something took: ``107ms/epoch``; no ``mean 0.25 min 0.10``."""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
REWRITTEN = re.compile(r"^[^\n]*[\r\b](?=[^\r\n\b])", re.MULTILINE)
"""What a progress bar had written in a line before it wrote over it; begun at its line alone, so
that a line of a megabyte is read once."""
MOST, LINES, LONGEST = 50_000, 200_000, 100
"""Figures of a run and lines of a text, of which the first half and the last are read if there
are more; and characters of what a line is called."""
WHOLE = 64
"""Elements of an array in a file that are compared one by one; of a larger one its measures."""
TEXTS = (".txt", ".log", ".csv", ".tsv", ".jsonl", ".out", ".md", "")
KINDS = f"JSON, NumPy's .npy and .npz, and text ({', '.join(filter(None, TEXTS))})"
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Figure:
    """A number that a program told.

    Args:
        name: of what: ``printed: epoch # loss #[1]``; those of equal names are in order.
        resolution: half of what its last digit stands for; 0 of a whole number.
    """

    name: str
    value: float
    resolution: float = 0.0


def told(printed: str, folder: Path, outputs: Sequence[str], logged: str = "") -> list[Figure]:
    """Return the figures of a run, what it printed first, then what it logged.

    Args:
        folder: that it ran in.
        outputs: names of files that it writes there.

    Raises:
        HarnessError: a file is not there, or holds no figures.
    """
    found = [*_in_text(printed, "printed"), *_in_text(logged, "logged")]
    for name in outputs:
        found += _in_file(folder / name, name)
    return _ends(found, MOST)


def _ends(found: list[Kind], most: int) -> list[Kind]:
    """Return the first half and the last of so many, if there are more."""
    return found if len(found) <= most else found[:most // 2] + found[-(most // 2):]


def require_readable(outputs: Iterable[str]) -> None:
    """Refuse files whose values cannot be read.

    Raises:
        UsageError: it says which can.
    """
    for name in outputs:
        if Path(name).suffix not in (*TEXTS, ".json", ".npy", ".npz"):
            raise UsageError("the values in such a file cannot be read", name,
                             f"known: {KINDS}", "let the program write one of these as well")


def add(trace: Trace, figures: Sequence[Figure], like: Sequence[Figure],
        is_alike: bool = False) -> Trace:
    """Return a trace with figures as its last events, of the channel ``reported``.

    Args:
        like: those of the baseline; a figure that differs from its own by no more than both
            are printed with has the same value.
        is_alike: all that was recorded equals the baseline's to the bit, so that no number was
            rounded to another one of as many decimals.
    """
    if not figures:
        return trace
    header, count = trace.header, len(figures)
    names = list(dict.fromkeys([*header.names, *(figure.name for figure in figures)]))
    dtypes = list(dict.fromkeys([*header.dtypes, "number"]))
    place = {name: i for i, name in enumerate(names)}
    occurrences, values = _numbered(figures, like, is_alike)
    rows = {
        "step": np.full(count, header.updates), "channel": np.full(count, REPORTED),
        "name": np.array([place[figure.name] for figure in figures]),
        "occurrence": np.array(occurrences), "size": np.zeros(count),
        "dtype": np.full(count, dtypes.index("number")), "digest": np.zeros(count),
        "sketch": np.column_stack([np.array(values), np.zeros((count, 3))])}
    columns = {name: np.concatenate([(old := getattr(trace, name)), new.astype(old.dtype)])
               for name, new in rows.items()}
    return Trace(trace.where, msgspec.structs.replace(header, names=names, dtypes=dtypes),
                 **columns)


def _numbered(figures: Sequence[Figure], like: Sequence[Figure], is_alike: bool
              ) -> tuple[list[int], list[float]]:
    """Return for every figure how many of its name came before, and its value."""
    known: dict[tuple[str, int], Figure] = {}
    met: dict[str, int] = {}
    for figure in like:
        known[figure.name, met.setdefault(figure.name, 0)] = figure
        met[figure.name] += 1
    met, occurrences, values = {}, [], []
    for figure in figures:
        at = met.setdefault(figure.name, 0)
        met[figure.name] += 1
        other = known.get((figure.name, at))
        is_same = other is not None and not (
            is_alike and figure.resolution == other.resolution) and abs(
                figure.value - other.value) <= (figure.resolution + other.resolution) * (1 + 1e-9)
        occurrences.append(at)
        values.append(other.value if other is not None and is_same else figure.value)
    return occurrences, values


def _in_text(text: str, origin: str) -> Iterable[Figure]:
    read = "\n".join(_ends(text.split("\n"), LINES))
    plain = CHANCE.sub("", ESCAPE.sub("", REWRITTEN.sub("", read)))
    for line in DURATION.sub("", plain).splitlines():
        matches = list(NUMBER.finditer(line))
        if not matches:
            continue
        template = re.sub(r"\s+", " ", NUMBER.sub("#", line)).strip()[:LONGEST]
        for i, match in enumerate(matches):
            yield Figure(f"{origin}: {template}[{i}]", float(match[0]), _resolution(match[0]))


def _resolution(text: str) -> float:
    mantissa, _, exponent = text.lower().partition("e")
    if not any(c.isdigit() for c in text) or ("." not in mantissa and not exponent):
        return 0.0
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - decimals)


def _in_file(path: Path, name: str) -> list[Figure]:
    origin = f"output {name}"
    try:
        content = read_bytes(path)
        if path.suffix in (".npy", ".npz"):
            return list(_in_arrays(content, origin))
        text = content.decode("utf-8")
        found = list(_in_json(json.loads(text), origin) if path.suffix == ".json"
                     else _in_text(text, origin))
    except (HarnessError, ValueError, OSError) as error:
        raise HarnessError("an output of the program cannot be read", name,
                           str(error)[:300], "name a file that the program writes") from None
    if not found:
        raise HarnessError("an output of the program holds no number", name,
                           f"{len(content)} bytes", "name a file that the program writes")
    return found


def _in_json(value: Any, origin: str, path: str = "") -> Iterable[Figure]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _in_json(inner, origin, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _in_json(inner, origin, f"{path}[]")
    elif isinstance(value, (int, float)):
        yield Figure(f"{origin}: {path}"[:LONGEST], float(value))


def _in_arrays(content: bytes, origin: str) -> Iterable[Figure]:
    loaded = np.load(io.BytesIO(content), allow_pickle=False)
    arrays = {"": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    for key, array in arrays.items():
        if array.dtype.kind not in "biuf":
            continue
        flat = array.astype(np.float64).ravel()
        name = f"{origin}: {key}".rstrip(": ")
        measures = {"norm": math.sqrt(float(flat @ flat)), "mean": float(flat.mean()),
                    "least": float(flat.min()), "largest": float(flat.max())} if flat.size else {}
        for part, value in measures.items():
            yield Figure(f"{name} {part}", value)
        for value in flat if flat.size <= WHOLE else ():
            yield Figure(name, float(value))
