"""A small fit with the callback."""

import hashlib

import keras
import numpy as np

from harness.callbacks.keras import RecordingCallback

keras.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(x, x[:, :1], epochs=2, batch_size=16, validation_split=0.25, verbose=0,
          callbacks=[RecordingCallback()])
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
