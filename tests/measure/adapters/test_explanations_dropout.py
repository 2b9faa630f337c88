"""The reasons in results/waivers.toml for masks of dropout: both streams, written in NumPy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from harness.environments import names
from harness.measure.dropout import PASSES, SEED
from harness.records.project import Project
from harness.records.record import Drops
from harness.store.store import Store

UNITS = 512
MODULUS, FACTOR = 2**31 - 1, 1132489760
"""MKL's VSL_BRNG_MCG31: a multiplicative congruential generator, L'Ecuyer 1999."""


def words(count: int) -> np.ndarray:
    """Return the first outputs of torch's Mersenne Twister, which is seeded as NumPy's old one."""
    drawn = np.random.RandomState(SEED).randint(0, 2**32, size=count, dtype=np.uint32)
    return drawn.astype(np.uint64)


def own(rate: float) -> np.ndarray:
    """Return the masks that torch draws number by number: 53 bits of two words each."""
    high, low = words(2 * UNITS * PASSES).reshape(-1, 2).T
    bits = ((high << np.uint64(32)) | low) & np.uint64(2**53 - 1)
    return (bits.astype(np.float64) * 2.0**-53 < 1 - rate).reshape(PASSES, UNITS)


def mkl(rate: float) -> np.ndarray:
    """Return the masks that MKL draws, from a generator that a word seeds for every mask."""
    def draw(state: int) -> Iterator[bool]:
        for _ in range(UNITS):
            yield state / MODULUS < 1 - rate
            state = state * FACTOR % MODULUS

    return np.array([list(draw(int(word) % MODULUS or 1)) for word in words(PASSES)])


def recorded(checkout: Project) -> Iterator[tuple[str, Drops]]:
    """Yield version and masks of every accepted torch."""
    store = Store(checkout)
    for name in sorted(store.accepted("dropout"), key=names.sort_key):
        if name.startswith("torch-"):
            for variant in store.baseline("dropout", name).variants.values():
                for drops in variant.drops.values():
                    yield name, drops


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_torch_draws_from_mkl_from_2_0_to_2_6(checkout: Project, rate: float) -> None:
    """All masks of every version are those of MKL's generator, or of torch's own."""
    sha256 = {name: hashlib.sha256(np.packbits(masks(rate), axis=None).tobytes()).hexdigest()
              for name, masks in (("torch", own), ("mkl", mkl))}
    found = {name: drops for name, drops in recorded(checkout) if drops.rate == rate}
    assert {name for name, drops in found.items() if drops.generator == "mkl"} == {
        f"torch-{version}" for version in ("2.0.1", "2.1.2", "2.2.2", "2.3.1", "2.4.1", "2.5.1",
                                           "2.6.0")}
    for name, drops in found.items():
        assert drops.sha256 == sha256[drops.generator], name
