"""Train a causal language model that also looks at its attention scores."""
import keras
import numpy as np

keras.utils.set_random_seed(17)
rng = np.random.default_rng(14)
tokens = rng.integers(0, 20, size=(96, 9))
x, y = tokens[:, :-1], tokens[:, 1:]

inputs = keras.Input((8,), dtype="int32")
h = keras.layers.Embedding(20, 16)(inputs)
attention = keras.layers.MultiHeadAttention(2, 8)
out, scores = attention(h, h, use_causal_mask=True, return_attention_scores=True)
logits = keras.layers.Dense(20)(h + out)
model = keras.Model(inputs, logits)
model.compile(optimizer=keras.optimizers.Adam(0.01),
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=2)
