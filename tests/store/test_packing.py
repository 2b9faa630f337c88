"""Curves as differences in ulps: every bit comes back, and little is left of a small difference."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from harness.store import packing
from harness.store.reading.curve import Curve

PRECISIONS = {"float32": np.uint32, "float64": np.uint64}


@st.composite
def curves(draw: st.DrawFn, count: int) -> list[NDArray[np.floating]]:
    """Draw curves of one precision and length, of any bits at all."""
    precision = draw(st.sampled_from(sorted(PRECISIONS)))
    shape = draw(array_shapes(min_dims=1, max_dims=1, max_side=40))
    elements = st.one_of(st.integers(0, int(np.iinfo(PRECISIONS[precision]).max)),
                         st.sampled_from([0, int(np.iinfo(PRECISIONS[precision]).max // 2 + 1)]))
    drawn = [draw(arrays(PRECISIONS[precision], shape, elements=elements)) for _ in range(count)]
    return [packing.canonical(one.view(precision), precision) for one in drawn]


@settings(derandomize=True, deadline=None)
@given(curves(2), st.booleans())
def test_every_curve_comes_back_to_the_bit(pair: list[NDArray[np.floating]],
                                           with_parent: bool) -> None:
    """Whatever the numbers, with a parent or without, -0.0 and infinities and NaN included."""
    curve, parent = pair[0], pair[1] if with_parent else None
    encoded = packing.encode(curve, parent)
    back = packing.decode(encoded, parent, len(curve), curve.dtype.name)
    assert back.dtype == curve.dtype and back.tobytes() == curve.tobytes()


@settings(derandomize=True, deadline=None)
@given(curves(1))
def test_neighbours_are_one_apart(one: list[NDArray[np.floating]]) -> None:
    """The next larger number has the next place, from the smallest to the largest one."""
    finite = one[0][np.isfinite(one[0])]
    with np.errstate(over="ignore"):
        following = np.nextafter(finite, np.asarray(np.inf, finite.dtype))
    steps = packing.ordinals(following) - packing.ordinals(finite)
    # -0.0 and 0.0 are two places, and one number to nextafter
    assert np.array_equal(steps, np.where((finite == 0) & np.signbit(finite), 2, 1))


def test_any_nan_is_the_same() -> None:
    """A NaN of another sign or payload is kept as NaN, in the same bits as every other."""
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
    assert len(set(packing.canonical(odd, "float64").view(np.uint64).tolist())) == 1


def test_a_few_ulps_take_a_few_bits() -> None:
    """1000 steps that differ by up to four ulps take under 5 bits a step, equal ones next to 0."""
    generator = np.random.default_rng(7)
    parent = np.exp(-np.arange(1000) / 300) + 0.01 * generator.normal(size=1000)
    curve = parent + np.spacing(parent) * generator.integers(-4, 5, 1000)
    assert len(packing.encode(curve, parent)[2]) < 1000 * 5 / 8
    assert len(packing.encode(parent, parent)[2]) < 10
    assert packing.bits(curve, parent) < packing.bits(curve, np.zeros(1000))


@pytest.mark.parametrize("encoded", [(0, "gzip", b""), (7, "zlib", b""), (0, "zlib", b"x")])
def test_what_is_no_encoding_is_refused(encoded: tuple[int, str, bytes]) -> None:
    """Unknown packings and orders, and damaged bytes, are errors."""
    with pytest.raises((ValueError, zlib.error)):
        packing.decode(encoded, None, 3, "float64")


@settings(derandomize=True, deadline=None)
@given(curves(1))
def test_a_curve_reads_like_the_list_of_its_decimals(one: list[NDArray[np.floating]]) -> None:
    """Numbers, arrays of either precision, slices and equality are those of the list."""
    listed = [float(str(value)) for value in one[0]]
    curve = Curve(one[0])
    with np.errstate(over="ignore"):
        for precision in PRECISIONS:
            assert np.array_equal(np.asarray(curve, precision), np.asarray(listed, precision),
                                  equal_nan=True)
    assert len(curve) == len(listed) and str(list(curve)) == str(listed)
    assert str(curve[1:3]) == str(listed[1:3])
    if not np.isnan(one[0]).any():
        assert curve == listed and curve == Curve(one[0]) and curve != [*listed, 0.0]


def test_a_curve_cannot_be_changed() -> None:
    """Records of several environments share it."""
    curve = Curve(np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(curve)[0] = 2
    assert curve == [1.0, 1.0, 1.0]
