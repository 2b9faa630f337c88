"""Train on padded sequences with a Masking layer before batch normalisation."""
import keras
import numpy as np

keras.utils.set_random_seed(2)
rng = np.random.default_rng(2)
x = rng.normal(loc=1.0, size=(128, 10, 3)).astype("float32")
lengths = rng.integers(3, 11, size=128)
for row, length in zip(x, lengths):
    row[length:] = 0.0
y = (lengths > 6).astype("float32")[:, None]

model = keras.Sequential([
    keras.Input((10, 3)),
    keras.layers.Masking(0.0),
    keras.layers.BatchNormalization(),
    keras.layers.LSTM(8),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="binary_crossentropy")
model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=2)
