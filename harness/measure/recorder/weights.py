"""Initial weights: kept, replaced by those of another run, or changed by last bits.

Inside half: standard library and NumPy only. This is the only place that changes a number of
the program's, and only when asked to.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from harness.errors import RecordError
from harness.measure.recorder import trace
from harness.measure.recorder.recording import Recording
from harness.measure.recorder.sketch import draw_signs

LAST_BITS = {"float64": 8, "float32": 8, "float16": 1, "bfloat16": 1}
"""How many units in the last place a weight is moved, by element type."""
CHUNK = 2**20
"""Elements that are moved at once: signs take eight bytes each."""


def _move(bits: np.ndarray, signs: np.ndarray, units: int) -> np.ndarray:
    """Return numbers, given as their bits, moved up or down; not across zero."""
    kind = bits.dtype.type
    magnitude = bits & kind((1 << (8 * bits.dtype.itemsize - 1)) - 1)
    moved = np.where(signs > 0, bits + kind(units), bits - kind(units))
    return np.where(magnitude > units, moved, bits)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(str(path), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise RecordError("no weights can be read from this file", str(path), str(error),
                          "record the other side with --keep FILE once more") from None


class Weights:
    """What is done to initial weights before the first forward pass.

    Args:
        perturb: seed of the change by last bits; None leaves them.
        load: file of another run's initial weights, by name.
        keep: file to write the initial weights to, as they are after all that.
    """

    def __init__(self, recording: Recording, perturb: int | None = None,
                 load: Path | None = None, keep: Path | None = None) -> None:
        self._recording, self._perturb, self._keep = recording, perturb, keep
        self._given: dict[str, np.ndarray] = {}
        self._kept: dict[str, np.ndarray] = {}
        self._taken: set[str] = set()
        if load is not None:
            self._given = _read(load)

    @property
    def is_changing(self) -> bool:
        """Whether any weight is to be replaced or changed."""
        return self._perturb is not None or bool(self._given)

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        """Return another run's values for a parameter.

        Those of that name, or else the first that has this shape and was not given away.
        """
        if not self._given:
            return None
        found = self._given.get(name)
        if found is not None and found.shape == shape:
            self._taken.add(name)
            return found
        fitting = [other for other, values in self._given.items()
                   if values.shape == shape and other not in self._taken]
        if not fitting:
            self._recording.note("weights", f"{name}: no weights of shape {list(shape)} to load")
            return None
        self._recording.note("weights", f"{name}: loaded from {fitting[0]}, of the same shape")
        self._taken.add(fitting[0])
        return self._given[fitting[0]]

    def move(self, name: str, values: np.ndarray, dtype: str = "") -> np.ndarray | None:
        """Return a parameter changed by last bits, up or down at random; zeros stay zeros.

        Args:
            values: of a floating type; bfloat16 as its bits, uint16.
            dtype: ``bfloat16`` for those.

        Returns:
            The changed values, or None where nothing is to be changed.
        """
        units = LAST_BITS.get(dtype or values.dtype.name)
        if self._perturb is None or units is None:
            return None
        seed = (zlib.crc32(name.encode()) << 32) ^ self._perturb
        flat = np.ascontiguousarray(values).reshape(-1)
        bits = flat.view(f"u{values.dtype.itemsize}").copy()
        for start in range(0, bits.size, CHUNK):
            part = bits[start:start + CHUNK]
            part[:] = _move(part, draw_signs(seed, start, part.size), units)
        return bits.view(values.dtype).reshape(values.shape)

    def keep(self, name: str, values: np.ndarray) -> None:
        """Keep a parameter as it is now, if initial weights are kept at all."""
        if self._keep is not None:
            self._kept[name] = np.array(values)

    def write(self) -> None:
        """Write the weights that were kept, and say which were given and not asked for."""
        if self._keep is not None:
            trace.write_arrays(self._keep, self._kept)
        for name, values in self._given.items():
            if name in self._taken:
                continue
            self._recording.note("weights", f"{name}: given, of shape {list(values.shape)}, but "
                                            "no parameter of this program takes it")
