"""A 1-D convolutional network that trains or gets stuck, depending on its loss.

Two blocks of convolution, separable convolution and division by the maximum, on
sequences that are nearly binary and nearly always 0. Under mean squared error after a
sigmoid most runs stay at an accuracy of one half for good, under binary cross-entropy
nearly all of them train: the native runs show it. Of 20 seeds train so, under mean
squared error and cross-entropy: torch 2.13.0 3 and 19, TensorFlow 2.15.1 0 and 20, Keras
3.15.1 0 and 20. Of the stuck ones, 8 were trained for 40 epochs (torch, TensorFlow), and all
stayed stuck.

The data: 512 sequences of 32 values, half of either label in random order. Every value
is 0 with probability 0.87, 1 with 0.10, and otherwise one of 1/9 to 8/9, all independent;
a sequence of label 1 then holds the motif 1 0 1 1 three times, at places drawn from all
that do not overlap. A value is written as its ninths, in one digit.
"""

from dataclasses import replace

import numpy as np

from harness.vocabulary.case import (
    Batch,
    Batches,
    Case,
    MetricReaches,
    Native,
    StaysFinite,
    Variant,
)
from harness.vocabulary.layers import Conv1D, Dense, DivideByMaximum, Flatten, SeparableConv1D
from harness.vocabulary.losses import BinaryCrossentropy, MeanSquaredError
from harness.vocabulary.optimizers import SGD, Adam


def read(data):
    """Return the first batches in the given order; evaluate on the whole set."""
    digits = np.array([[int(c) for c in row] for row in data["sequences"]], np.float32)
    x = digits[..., None] / np.float32(9)
    y = np.array(data["labels"], np.float32)[:, None]
    size, steps = data["batch_size"], data["steps"]
    first = [a[:size * steps].reshape(steps, size, *a.shape[1:]) for a in (x, y)]
    return Batches((first[0],), first[1], Batch((x,), y))


def block(number):
    """Return one block: 64 filters of size 3, twice, scaled to a maximum of 1."""
    return (Conv1D(f"conv_{number}", 64, 3, "relu", "he_normal"),
            SeparableConv1D(f"separable_{number}", 64, 3, "relu"), DivideByMaximum())


LAYERS = (*block(0), *block(1), Flatten(), Dense("dense_0", 128, "relu", "he_normal"),
          Dense("dense_1", 64, "relu", "he_normal"), Dense("dense_2", 1, "sigmoid"))
MSE = Variant("mse", LAYERS, MeanSquaredError(), SGD(0.05), "conv1d_init.json")
BCE = replace(MSE, loss_path="bce_sigmoid", loss=BinaryCrossentropy(from_logits=False))

CASE = Case(
    name="conv1d_stability",
    summary="1-D convolutions on nearly binary sequences, 290,000 parameters; 30 steps of 16.",
    data="conv1d.json",
    read=read,
    variants=tuple(replace(path, optimizer=o) for path in (MSE, BCE)
                   for o in (SGD(0.05), Adam(0.015))),
    metrics=("accuracy",),
    metric_every=15,
    promises=(StaysFinite(),),
    native=Native(("mse-adam_0.015", "bce_sigmoid-adam_0.015"), seeds=20, epochs=6, batch_size=64,
                  trained=MetricReaches("accuracy", 0.9)),
)
