"""XOR: two binary inputs, a tanh layer, one logit; 1000 batches of 32.

The problem on which users of Axon 0.6.1 first saw NaN. Data, batches and initial
weights are those of the recorded Axon runs, so curves compare step by step.
"""

from dataclasses import replace

import numpy as np

from harness.vocabulary.case import (
    Batch,
    Batches,
    Case,
    LossFalls,
    MetricReaches,
    StaysFinite,
    Variant,
)
from harness.vocabulary.layers import Concatenate, Dense
from harness.vocabulary.losses import BinaryCrossentropy
from harness.vocabulary.optimizers import SGD, Adam, AdamW, ClipNorm, ClipValue, StepDecay


def read(data):
    """Return the recorded batches; evaluate on the four corners."""
    column = {name: np.asarray(data[name], np.float32)[..., None] for name in ("x1", "x2", "y")}
    corners = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], np.float32)
    return Batches(
        inputs=(column["x1"], column["x2"]),
        targets=column["y"],
        evaluation=Batch((corners[:, :1], corners[:, 1:2]), corners[:, 2:]),
    )


def model(activation, hidden="tanh"):
    """Return the layers: both inputs joined, 8 hidden units, one output."""
    return (Concatenate(), Dense("dense_0", 8, hidden), Dense("dense_1", 1, activation))


SIGMOID = Variant("bce_sigmoid", model("sigmoid"), BinaryCrossentropy(from_logits=False),
                  SGD(0.01), "xor_init0.json")
LOGITS = Variant("bce_logits", model(None), BinaryCrossentropy(from_logits=True),
                 SGD(0.01), "xor_init0.json")
PATHS = (SIGMOID, LOGITS)
OPTIMIZERS = (SGD(0.01), SGD(0.1), Adam(0.001), Adam(0.01))
NAN_INITS = (24, 7, 39)
"""Initial weights that Axon's squared gradient drives to NaN."""

CASE = Case(
    name="xor",
    summary="Two binary inputs, 8 tanh units, binary cross-entropy; 1000 steps of 32.",
    data="xor.json",
    read=read,
    variants=(
        *(replace(path, optimizer=o) for path in PATHS for o in OPTIMIZERS),
        *(replace(path, weights=f"xor_init{n}.json", note=f"init_{n}")
          for path in PATHS for n in NAN_INITS),
        replace(SIGMOID, layers=model("sigmoid", "relu"), optimizer=SGD(0.1), note="relu"),
        replace(SIGMOID, optimizer=SGD(0.1), clip=ClipNorm(0.1)),
        replace(SIGMOID, optimizer=SGD(0.1), clip=ClipValue(0.01)),
        replace(LOGITS, optimizer=SGD(StepDecay(0.1, 0.5, 250))),
        replace(LOGITS, optimizer=SGD(0.01, momentum=0.9)),
        replace(LOGITS, optimizer=SGD(0.001, weight_decay=0.1, maximize=True)),
        replace(LOGITS, optimizer=AdamW(0.01, weight_decay=0.1)),
    ),
    metrics=("accuracy",),
    metric_every=100,
    promises=(StaysFinite(), LossFalls(), MetricReaches("accuracy", 0.75)),
)
