"""Attend over padded tokens with the dot-product Attention layer."""
import keras
import numpy as np

keras.utils.set_random_seed(13)
rng = np.random.default_rng(10)
x = rng.integers(1, 40, size=(96, 9))
for row, length in zip(x, rng.integers(3, 10, size=96)):
    row[length:] = 0
y = (x.sum(axis=1) > 110).astype("float32")[:, None]

tokens = keras.Input((9,), dtype="int32")
h = keras.layers.Embedding(40, 12, mask_zero=True)(tokens)
h = keras.layers.Attention()([h, h])
h = keras.layers.Flatten()(h)
model = keras.Model(tokens, keras.layers.Dense(1, activation="sigmoid")(h))
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=2)
