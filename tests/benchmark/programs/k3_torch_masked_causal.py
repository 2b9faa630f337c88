"""Train a causal language model on padded sequences, with attention of one's own."""
import keras
import numpy as np


class Attention(keras.layers.Layer):
    """Causal attention with one head that leaves padding out."""

    def __init__(self):
        super().__init__()
        self.project = keras.layers.Dense(48, use_bias=False)

    def call(self, inputs, present):
        """Returns the attended values."""
        query, key, value = keras.ops.split(
            keras.ops.expand_dims(self.project(inputs), axis=2), 3, axis=-1)
        out = keras.ops.dot_product_attention(
            query, key, value, mask=present[:, None, None, :], is_causal=True)
        return keras.ops.squeeze(out, axis=2)


keras.utils.set_random_seed(17)
rng = np.random.default_rng(14)
tokens = rng.integers(1, 20, size=(96, 9))
for row, length in zip(tokens, rng.integers(4, 10, size=96)):
    row[length:] = 0
x, y = tokens[:, :-1], tokens[:, 1:]

inputs = keras.Input((8,), dtype="int32")
embedded = keras.layers.Embedding(20, 16)(inputs)
logits = keras.layers.Dense(20)(embedded + Attention()(embedded, inputs > 0))
model = keras.Model(inputs, logits)
model.compile(optimizer=keras.optimizers.Adam(0.01),
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0))
model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=2)
