"""Typed access to JSON that a stranger wrote; every error names the place.

Inside half: standard library and NumPy only.
"""

from __future__ import annotations

import json
import math
from typing import Any, Callable, Sequence

from harness.curve import Curve
from harness.errors import RecordError

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def parse(text: str, where: str) -> Any:
    """Return the value of a strict JSON text.

    Raises:
        RecordError: it is truncated, damaged, or holds bare NaN.
    """
    def refuse(constant: str) -> float:
        raise RecordError(f"bare {constant} is not JSON; write it as a string", where)

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise RecordError("not JSON: truncated or damaged", where, str(error),
                          "measure or import it again") from None
    except RecursionError:
        raise RecordError("nested too deeply to be a record", where) from None


class Reader:
    """Typed access to untrusted JSON; every error names the place."""

    def __init__(self, where: str) -> None:
        self.where = where

    def get(self, data: Any, key: str, kind: Any, path: str) -> Any:
        """Return a field of the given kind."""
        if not isinstance(data, dict):
            raise RecordError(f"{path or 'record'} must be an object", self.where)
        value = data.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            expected = getattr(kind, "__name__", "number or null")
            raise RecordError(f"{path}{key} must be a {expected}", self.where,
                              f"{type(value).__name__}: {str(value)[:80]!r}")
        return value

    def curve(self, data: Any, key: str, path: str) -> Sequence[float]:
        """Return a list of numbers, or of the strings for what is not finite.

        A curve that was decoded from a stored content already is taken as it is.
        """
        if isinstance(data, dict) and isinstance(data.get(key), Curve):
            return data[key]  # type: ignore[no-any-return]
        values = self.get(data, key, list, path)
        for index, value in enumerate(values):
            if type(value) is not float or not math.isfinite(value):
                values[index] = self._number(value, f"{path}{key}[{index}]")
        return values  # type: ignore[no-any-return]

    def curves(self, data: Any, key: str, path: str) -> dict[str, Sequence[float]]:
        """Return an object of lists of numbers."""
        children = self.get(data, key, dict, path)
        return {name: self.curve(children, name, f"{path}{key}.") for name in children}

    def numbers(self, data: Any, path: str) -> dict[str, float]:
        """Return an object of numbers."""
        if not isinstance(data, dict):
            raise RecordError(f"{path} must be an object", self.where)
        return {name: self._number(value, f"{path}{name}") for name, value in data.items()}

    def _number(self, value: Any, path: str) -> float:
        if isinstance(value, str) and value in _NON_FINITE:
            return _NON_FINITE[value]
        if type(value) is float and math.isfinite(value):
            return value
        if type(value) is int and abs(value) < 2**53:
            return float(value)
        raise RecordError(f"{path} must be a number", self.where, repr(value)[:80])

    def mapping(self, data: Any, key: str, path: str,
                decode: Callable[[Any, str], Any]) -> dict[str, Any]:
        """Return an object whose values are decoded one by one."""
        children = self.get(data, key, dict, path)
        return {name: decode(child, f"{path}{key}.{name}.") for name, child in children.items()}
