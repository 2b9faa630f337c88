"""Initial weights from a stream: the published generator, exact in float32."""

from __future__ import annotations

import numpy as np

from harness.records.project import Project
from harness.vocabulary.weights import expand, splitmix64


def test_splitmix64_gives_the_published_numbers() -> None:
    """Seed 1234567 gives what the authors' C code gives (Vigna's test vector)."""
    assert splitmix64(1234567, 0, 5).tolist() == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
        16408922859458223821]


def test_the_stream_can_be_entered_anywhere() -> None:
    """Outputs do not depend on where one begins to draw."""
    assert np.array_equal(splitmix64(7, 0, 10)[4:], splitmix64(7, 4, 6))


def test_drawn_weights_fill_their_limits() -> None:
    """Values are uniform in (-limit, limit), drawn tensor after tensor, a limit of 0 gives 0."""
    data = {"stream": "splitmix64", "seed": 3,
            "limits": {"a": {"kernel": [0.5, [100, 100]], "bias": [0, [4]]},
                       "b": {"kernel": [2.0, [100, 100]]}}}
    weights = expand(data)
    kernel, other = weights["a"]["kernel"], weights["b"]["kernel"]
    assert kernel.dtype == np.float32 and kernel.shape == (100, 100)
    assert 0.49 < kernel.max() < 0.5 and -0.5 < kernel.min() < -0.49
    assert abs(kernel.std() - 0.5 / 3**0.5) < 0.005 and abs(kernel.mean()) < 0.01
    assert not weights["a"]["bias"].any()
    assert not np.array_equal(kernel * 4, other)


def test_plain_numbers_are_taken_as_they_are() -> None:
    """A file of numbers needs no stream."""
    assert expand({"a": {"bias": [0.1]}})["a"]["bias"].tolist() == [np.float32(0.1)]


def test_every_variant_has_its_weights(checkout: Project) -> None:
    """Each parameter of each variant's model has initial weights, and no two tensors are alike."""
    for case in checkout.cases():
        for variant in case.variants:
            weights = checkout.weights(variant)
            assert all(np.isfinite(value).all() for value in weights.values())
            kernels = [v.tobytes() for v in weights.values() if v.any()]
            assert len(set(kernels)) == len(kernels)
