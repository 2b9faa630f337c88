"""Seed twice, and add noise from the global generator in a custom layer."""
import keras
import numpy as np


class Noise(keras.layers.Layer):
    """Adds Gaussian noise in training."""

    def call(self, inputs, training=False):
        """Returns the inputs, with noise in training."""
        if not training:
            return inputs
        return inputs + keras.random.normal(keras.ops.shape(inputs), stddev=0.3)


x = np.random.default_rng(19).normal(size=(64, 6)).astype("float32")
for run in range(2):
    keras.utils.set_random_seed(22)
    model = keras.Sequential([keras.Input((6,)), Noise(), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse", run_eagerly=True)
    model.fit(x, x[:, :1], batch_size=16, epochs=1, shuffle=False, verbose=2)
