"""The floor of every event: how far two runs may be apart by rounding that perturbed runs miss.

Outside half.
"""

from __future__ import annotations

import numpy as np

from harness.programs.traces.alignment import Alignment, Numbers
from harness.programs.traces.trace import GRADIENT, INITIALISATION, REPORTED, SCHEDULE, UPDATE

FLOORS = {"float64": 2.0**-44, "complex128": 2.0**-44, "float32": 2.0**-18, "complex64": 2.0**-18,
          "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Relative distances of tensors that another order of adding up gives, by element type."""
NARROW = 2.0**-3
"""The same of element types with fewer bits, such as float8_e4m3fn."""
MIXED = 1 / 8
"""Part of the floor of the coarsest type in a program that its finer tensors have at least."""
EXACT = 1e-6
"""Floor of the schedule: a number that a framework may keep in float32."""
CHOSEN = 0.02
"""The same of whole numbers that a program computes: one example in some thousands may be routed,
kept or counted otherwise."""
_WHOLE = ("int", "uint", "bool")
_MANTISSA = {"float64": 52, "complex128": 52, "float32": 23, "complex64": 23, "float16": 10,
             "bfloat16": 7}


def find(aligned: Alignment) -> Numbers:
    """Return the floor of every event: of its element type, and of weights that it is part of."""
    names = aligned.baseline.header.dtypes
    own = np.array([_floor(name) for name in names] or [0.0])[aligned.column("dtype")]
    is_number = aligned.column("size") == 0
    is_core = (aligned.channel > SCHEDULE) & (aligned.channel < REPORTED)
    coarsest = own[is_core & ~is_number].max(initial=0.0)
    gradients = own[(aligned.channel == GRADIENT) & ~is_number]
    usual = float(np.median(gradients)) if gradients.size else FLOORS["float32"]
    own = np.where(is_number, usual, own)
    is_inexact = is_core & (own > 0)
    own[is_inexact] = np.maximum(own, MIXED * coarsest)[is_inexact]
    own[is_core & (own == 0)] = CHOSEN
    own[aligned.channel == SCHEDULE] = EXACT
    own[aligned.channel == REPORTED] = np.maximum(own, EXACT)[aligned.channel == REPORTED]
    return own + _steps_of_weights(aligned)


def _steps_of_weights(aligned: Alignment) -> Numbers:
    """Return how far rounding of the weights throws updates apart, relative to these.

    An update is what the weights make of it: a last bit of a weight is much of a small update.
    How large the weights are is known from the first ones and the updates since.
    """
    norm = np.nan_to_num(aligned.column("sketch")[:, 0], nan=0.0, posinf=0.0, neginf=0.0)
    first = np.zeros(len(aligned.baseline.header.names) or 1)
    begins = aligned.channel == INITIALISATION
    first[aligned.name[begins]] = norm[begins]
    is_update = aligned.channel == UPDATE
    largest = aligned.running_maximum(np.where(is_update, norm, 0.0))
    weights = first[aligned.name] + (aligned.step + 1) * largest
    bits = np.array([_MANTISSA.get(name, 0) for name in aligned.baseline.header.dtypes] or [0])
    with np.errstate(all="ignore"):
        found = 2.0 ** -bits[aligned.column("dtype")] * weights / norm
    return np.where(is_update & (norm > 0), found, 0.0)


def _floor(dtype: str) -> float:
    return FLOORS.get(dtype, 0.0 if dtype.startswith(_WHOLE) else NARROW)


