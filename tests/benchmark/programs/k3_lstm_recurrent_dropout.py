"""Fit an LSTM whose recurrent dropout differs from its input dropout."""
import keras
import numpy as np

keras.utils.set_random_seed(5)
rng = np.random.default_rng(1)
x = rng.normal(size=(160, 8, 4)).astype("float32")
y = x.sum(axis=(1, 2), keepdims=False)[:, None]

model = keras.Sequential([
    keras.Input((8, 4)),
    keras.layers.LSTM(12, dropout=0.0, recurrent_dropout=0.4, seed=11),
    keras.layers.Dense(1),
])
model.compile(optimizer="rmsprop", loss="mse")
model.fit(x, y, batch_size=32, epochs=2, verbose=2)
