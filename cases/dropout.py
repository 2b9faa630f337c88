"""Dropout in training mode: which units a step drops, and what it makes of the others.

The masks differ between frameworks and versions, so the curves are those of evaluation
mode, in which dropout is the identity. What dropout does in training mode is read from the
gradients of many passes over one example (``harness.measure.dropout``): half a thousand units, each
of which the gradient of its outgoing weight tells on the way forth and the gradient of its
bias on the way back. The data are those of the imbalanced classification.
"""

from dataclasses import replace

import numpy as np

from harness.vocabulary.case import Batch, Batches, Case, DropsOut, LossFalls, StaysFinite, Variant
from harness.vocabulary.layers import Dense, Dropout
from harness.vocabulary.losses import BinaryCrossentropy
from harness.vocabulary.optimizers import SGD

STEPS = 100


def read(data):
    """Return the first batches in the recorded order; evaluate on the whole set."""
    x = np.asarray(data["X"], np.float32)
    y = np.asarray(data["y"], np.float32)[:, None]
    order = np.asarray(data["order"]).reshape(-1, data["batch_size"])[:STEPS]
    return Batches((x[order],), y[order], Batch((x,), y))


def model(rate):
    """Return the layers: 512 hidden units, of which a step drops the given share."""
    return (Dense("hidden", 512, "tanh"), Dropout(rate), Dense("output", 1))


FIFTH = Variant("bce_logits", model(0.2), BinaryCrossentropy(from_logits=True), SGD(0.001),
                "dropout_init.json", note="rate_0.2")

CASE = Case(
    name="dropout",
    summary="Dropout behind 512 tanh units, its masks read from gradients; 100 steps of 20.",
    data="imbalanced.json",
    read=read,
    variants=(FIFTH, replace(FIFTH, layers=model(0.5), note="rate_0.5")),
    metrics=("accuracy",),
    metric_every=50,
    promises=(StaysFinite(), LossFalls(), DropsOut()),
)
