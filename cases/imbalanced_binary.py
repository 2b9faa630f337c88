"""Imbalanced binary classification: 20 positives among 200, 40 epochs of 10 batches.

The problem on which Axon 0.6.1 lost all recall while its forward loss was right.
Data, order and initial weights are those of the recorded Axon runs.
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
from harness.vocabulary.layers import Dense, Lambda
from harness.vocabulary.losses import BinaryCrossentropy, CategoricalCrossentropy
from harness.vocabulary.optimizers import SGD, Adam


def read(data):
    """Return the batches in the recorded order; evaluate on the whole set."""
    x = np.asarray(data["X"], np.float32)
    y = np.asarray(data["y"], np.float32)[:, None]
    order = np.asarray(data["order"]).reshape(-1, data["batch_size"])
    return Batches((x[order],), y[order], Batch((x,), y))


HIDDEN = Dense("dense_0", 16, "relu")
PROBABILITIES = BinaryCrossentropy(from_logits=False)
SIGMOID = Variant("bce_sigmoid", (HIDDEN, Dense("dense_1", 1, "sigmoid")), PROBABILITIES,
                  SGD(0.1), "imbalanced_init.json")
LOGITS = replace(SIGMOID, loss_path="bce_logits", layers=(HIDDEN, Dense("dense_1", 1)),
                 loss=BinaryCrossentropy(from_logits=True))
LAMBDA = replace(SIGMOID, loss_path="bce_lambda",
                 layers=(HIDDEN, Dense("dense_1", 1), Lambda("sigmoid")))
SOFTMAX = replace(SIGMOID, loss_path="cce_softmax", loss=CategoricalCrossentropy(),
                  layers=(HIDDEN, Dense("dense_1_softmax2", 2, "softmax")))
OPTIMIZERS = (SGD(0.1), Adam(0.01))

CASE = Case(
    name="imbalanced_binary",
    summary="8 features, 16 relu units, 10 % positives; 400 steps of 20.",
    data="imbalanced.json",
    read=read,
    variants=(
        *(replace(path, optimizer=o)
          for path in (SIGMOID, LOGITS, LAMBDA, SOFTMAX) for o in OPTIMIZERS),
        *(replace(path, optimizer=o, note="weighted_9",
                  loss=replace(path.loss, positive_weight=9.0))
          for path in (SIGMOID, LOGITS) for o in OPTIMIZERS),
        *(replace(path, scale=30.0, note="scaled_30") for path in (SIGMOID, LOGITS)),
    ),
    metrics=("precision", "recall", "f1", "accuracy"),
    metric_every=50,
    promises=(StaysFinite(), LossFalls(), MetricReaches("precision", 0.5),
              MetricReaches("recall", 0.5)),
)
