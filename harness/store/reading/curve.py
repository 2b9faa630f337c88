"""A stored curve: reads like the list of numbers that the record's JSON has.

Inside half: standard library and NumPy only. A comparison wants an array in the curve's
own precision and gets it without a conversion; the numbers themselves, each the shortest
decimal of its precision, are made when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


class Curve(Sequence[float]):
    """Numbers of one precision, one a step; they do not change."""

    def __init__(self, values: np.ndarray) -> None:
        """Take the numbers.

        Args:
            values: shape (steps,), float64 or float32.
        """
        self._array = values.copy()
        self._array.flags.writeable = False
        self._numbers: list[float] | None = None

    @property
    def precision(self) -> str:
        """``float64`` or ``float32``."""
        return str(self._array.dtype.name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if dtype is None:
            dtype = np.float64
        if dtype != self._array.dtype:  # as NumPy converts the list
            return np.array(self._decimals(), dtype)
        return self._array.copy() if copy else self._array

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, index: Any) -> Any:
        return self._decimals()[index]

    def __iter__(self) -> Iterator[float]:
        return iter(self._decimals())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Curve) and self._array.dtype == other._array.dtype:
            return np.array_equal(self._array, other._array)
        if isinstance(other, (Curve, list)):
            return self._decimals() == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Curve({self._decimals()})"

    def _decimals(self) -> list[float]:
        if self._numbers is None:
            self._numbers = self._array.tolist() if self._array.dtype == np.float64 \
                else [float(str(value)) for value in self._array]
        return self._numbers
