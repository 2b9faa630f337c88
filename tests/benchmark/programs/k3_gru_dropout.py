"""Fit a GRU with input and recurrent dropout on a sine wave."""
import keras
import numpy as np

keras.utils.set_random_seed(5)
t = np.linspace(0, 40, 400)
wave = np.sin(t).astype("float32")
x = np.stack([wave[i:i + 12] for i in range(320)])[..., None]
y = wave[12:332]

model = keras.Sequential([
    keras.Input((12, 1)),
    keras.layers.GRU(16, recurrent_dropout=0.2, seed=7),
    keras.layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mse")
model.fit(x, y, batch_size=64, epochs=2, shuffle=False, verbose=2)
