"""Fit an autoencoder whose code is kept sparse by an activity regularizer."""
import keras
import numpy as np

keras.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(256, 12)).astype("float32")

model = keras.Sequential([
    keras.Input((12,)),
    keras.layers.Dense(16, activation="relu",
                       activity_regularizer=keras.regularizers.L1(1e-3)),
    keras.layers.Dense(12),
])
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="mse")
model.fit(x, x, batch_size=32, epochs=2, verbose=2)
