"""Average two masked embeddings of one sequence and read them with a GRU."""
import keras
import numpy as np

keras.utils.set_random_seed(14)
rng = np.random.default_rng(11)
a = rng.integers(1, 30, size=(96, 8))
b = rng.integers(1, 30, size=(96, 8))
for rows in (a, b):
    for row, length in zip(rows, rng.integers(3, 9, size=96)):
        row[length:] = 0
y = (a.sum(axis=1) > b.sum(axis=1)).astype("float32")[:, None]

first, second = keras.Input((8,), dtype="int32"), keras.Input((8,), dtype="int32")
h = keras.layers.Average()([
    keras.layers.Embedding(30, 8, mask_zero=True)(first),
    keras.layers.Embedding(30, 8, mask_zero=True)(second),
])
h = keras.layers.GRU(8)(h)
model = keras.Model([first, second], keras.layers.Dense(1, activation="sigmoid")(h))
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
model.fit([a, b], y, batch_size=32, epochs=2, shuffle=False, verbose=2)
