"""Embedding with a mask, LSTM, batch normalization, callbacks, a validation split, fit."""

import hashlib
import sys

import numpy as np

if "keras3" in sys.argv:
    import keras
else:
    from tensorflow import keras

if hasattr(keras.utils, "set_random_seed"):
    keras.utils.set_random_seed(3)
else:
    import tensorflow as tf

    tf.random.set_seed(3)
    np.random.seed(3)
layers = keras.layers
model = keras.Sequential([
    layers.Embedding(50, 8, mask_zero=True), layers.LSTM(12), layers.BatchNormalization(),
    layers.Dense(8, activation="tanh"), layers.Dropout(0.2), layers.Dense(1)])
x = np.random.default_rng(0).integers(0, 50, size=(160, 10))
y = x.mean(axis=1, keepdims=True).astype("float32") / 50
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
found = model.fit(
    x, y, epochs=3, batch_size=32, validation_split=0.2, verbose=2, callbacks=[
        keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=0, min_delta=1.0),
        keras.callbacks.EarlyStopping(patience=5)])
print({name: [float(v) for v in values] for name, values in found.history.items()})
print(model.evaluate(x, y, verbose=0), model.predict(x[:3], verbose=0).tolist())
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
