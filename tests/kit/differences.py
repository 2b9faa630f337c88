"""Difference quotients, and random problems to take them of, for the reference's tests."""

import numpy as np

from harness.vocabulary.layers import (
    LSTM,
    Attention,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    Residual,
    SeparableConv1D,
)
from harness.vocabulary.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    TokenCrossentropy,
)

STEP, VOCABULARY, WIDTH = 1e-5, 5, 4
FROM_LOGITS = BinaryCrossentropy(from_logits=True)
BINARY = (
    FROM_LOGITS,
    BinaryCrossentropy(from_logits=False),
    BinaryCrossentropy(from_logits=True, positive_weight=9.0),
    BinaryCrossentropy(from_logits=False, positive_weight=0.25),
    CategoricalCrossentropy(),
    MeanSquaredError(),
)
TOKENS = (TokenCrossentropy(native=True), TokenCrossentropy(native=False),
          TokenCrossentropy(native=True, label_smoothing=0.1))
SHAPES = {
    Dense: lambda d, n: {"kernel": (n, d.units), "bias": (d.units,)},
    Embedding: lambda e, n: {"table": (e.vocabulary, e.width)},
    LSTM: lambda m, n: {"kernel": (n, 4 * m.units), "recurrent_kernel": (m.units, 4 * m.units),
                        "bias": (4 * m.units,)},
    Attention: lambda a, n: {part: (n, n) if "kernel" in part else (n,) for part in a.PARTS},
    Conv1D: lambda c, n: {"kernel": (c.size, n, c.filters), "bias": (c.filters,)},
    SeparableConv1D: lambda s, n: {"depthwise_kernel": (s.size, n, 1), "bias": (s.filters,),
                                   "pointwise_kernel": (1, n, s.filters)},
}


def draw(layers, width, random, length=1):
    """Return (parameters of one run, width of the output) of layers on inputs."""
    parameters = {}
    for layer in layers:
        if isinstance(layer, Residual):
            parameters.update(draw(layer.layers, width, random)[0])
        for part, shape in SHAPES.get(type(layer), lambda *_: {})(layer, width).items():
            parameters[f"{layer.name}.{part}"] = random.normal(size=(1, *shape))
        width *= length if isinstance(layer, Flatten) else 1
        width = getattr(layer, "units", getattr(layer, "filters", getattr(layer, "width", width)))
    return parameters, width


def differentiate(function, parameters):
    """Return the difference quotients of ``function(parameters) -> (runs,)`` by one run's values.

    Every shifted value is a run of its own.
    """
    flat = np.concatenate([value.ravel() for value in parameters.values()])
    shifts = STEP * np.eye(flat.size)
    shifted, start, quotients = np.vstack([flat + shifts, flat - shifts]), 0, {}
    runs = {}
    for name, value in parameters.items():
        stop = start + value.size
        runs[name] = shifted[:, start:stop].reshape(-1, *value.shape[1:])
        quotients[name], start = (start, stop), stop
    above, below = np.split(function(runs), 2)
    slope = (above - below) / (2 * STEP)
    return {name: slope[a:b].reshape(parameters[name].shape) for name, (a, b) in quotients.items()}


def assert_same(gradients, quotients):
    """Assert that gradients are the quotients, in order, relative to the largest one."""
    assert list(gradients) == list(quotients)
    scale = max(1, *(np.abs(value).max() for value in quotients.values()))
    for name, value in quotients.items():
        assert gradients[name].shape == value.shape, name
        np.testing.assert_allclose(gradients[name], value, rtol=1e-6, atol=2e-9 * scale,
                                   err_msg=name)


def padding(lengths, length, side):
    """Return a mask (batch, length) of rows with so many real positions."""
    positions = np.arange(length) if side == "right" else np.arange(length)[::-1]
    return (positions < np.array(lengths)[:, None]).astype(float)


def problem(loss, batch, seed, side="right"):
    """Return random logits of one run, targets and mask that fit a loss."""
    random = np.random.RandomState(seed)
    if isinstance(loss, TokenCrossentropy):
        mask = padding([random.randint(1, 5) for _ in range(batch)], 4, side)
        return (random.uniform(-4, 4, size=(1, batch, 4, VOCABULARY)),
                random.randint(0, VOCABULARY, size=(batch, 4)), mask)
    width = 2 if isinstance(loss, CategoricalCrossentropy) else 1
    return (random.uniform(-4, 4, size=(1, batch, width)),
            random.randint(0, 2, size=(batch, 1)).astype(float), None)
