"""Padded token sequences: a small causal decoder and an LSTM under a loss mask.

The problem on which MiniMind averaged a cross-entropy before it applied its mask, and
on which Keras divided by the padded length (tensorflow#34491). A sequence starts
anywhere and goes on in equal steps of 1, 2 or 3 around the circle of tokens 1 to 11,
so that the next token follows from the last two; token 0 is padding.
"""

from dataclasses import replace

import numpy as np

from harness.vocabulary.case import (
    AddsUp,
    Batch,
    Batches,
    Case,
    IgnoresPadding,
    LossFalls,
    MetricReaches,
    StaysFinite,
    Variant,
)
from harness.vocabulary.layers import LSTM, Attention, Dense, Dropout, Embedding, Residual
from harness.vocabulary.losses import TokenCrossentropy
from harness.vocabulary.optimizers import SGD, Adam

VOCABULARY, WIDTH, HEADS = 12, 16, 2


def read(data):
    """Return the sequences padded at the right, every position's target the next token."""
    training = pad(data["training"], data["length"])
    by_step = [x.reshape(-1, data["batch_size"], data["length"]) for x in training]
    tokens, targets, mask = by_step
    held_out, answers, real = pad(data["evaluation"], data["length"])
    return Batches((tokens,), targets, Batch((held_out,), answers, real), mask)


def pad(sequences, length):
    """Return tokens, targets and mask, each (sequences, length)."""
    tokens = np.zeros((len(sequences), length + 1), np.int64)
    for row, sequence in zip(tokens, sequences):
        row[:len(sequence)] = sequence
    mask = (tokens[:, 1:] > 0).astype(np.float32)
    return np.where(mask > 0, tokens[:, :-1], 0), tokens[:, 1:], mask


def block(number):
    """Return one block of the decoder: attention, then a hidden layer, both residual."""
    return (Residual((Attention(f"attention_{number}", HEADS),)),
            Residual((Dense(f"hidden_{number}", 32, "tanh"), Dense(f"mixed_{number}", WIDTH))))


EMBEDDING, LOGITS = Embedding("embedding", VOCABULARY, WIDTH), Dense("logits", VOCABULARY)
UNREDUCED, NATIVE = TokenCrossentropy(native=False), TokenCrossentropy(native=True)
DECODER = Variant("decoder_reduction_none", (EMBEDDING, *block(0), LOGITS), UNREDUCED, SGD(0.3),
                  "masked_init.json")
RECURRENT = replace(DECODER, loss_path="lstm_reduction_none",
                    layers=(EMBEDDING, LSTM("lstm", WIDTH), LOGITS))
DECODER_NATIVE = replace(DECODER, loss_path="decoder_native", loss=NATIVE)
RECURRENT_NATIVE = replace(RECURRENT, loss_path="lstm_native", loss=NATIVE)
OPTIMIZERS = (SGD(0.3), Adam(0.01))

CASE = Case(
    name="masked_sequences",
    summary="Next token of padded sequences: causal decoder or LSTM, width 16; 150 steps of 8.",
    data="masked.json",
    read=read,
    variants=(
        *(replace(path, optimizer=o)
          for path in (DECODER, DECODER_NATIVE, RECURRENT, RECURRENT_NATIVE)
          for o in OPTIMIZERS),
        *(replace(path, padding="left", note="left_padding") for path in (DECODER, DECODER_NATIVE)),
        replace(RECURRENT_NATIVE, loss=replace(NATIVE, label_smoothing=0.1), note="smoothed"),
        replace(DECODER, note="dropout",
                layers=(EMBEDDING, Dropout(0.2), *block(0), Dropout(0.2), LOGITS)),
        # chaotic in float32: Adam blows the key biases' gradients, which are noise, up to size
        replace(DECODER, layers=(EMBEDDING, *block(0), *block(1), LOGITS), optimizer=Adam(0.02),
                note="deep"),
    ),
    metrics=("token_accuracy",),
    metric_every=50,
    promises=(StaysFinite(), LossFalls(), MetricReaches("token_accuracy", 0.3), IgnoresPadding(),
              AddsUp()),
)
