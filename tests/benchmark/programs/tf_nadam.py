"""Fit a small network with Nadam."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(8)
x = rng.normal(size=(128, 5)).astype("float32")
y = np.sin(x.sum(axis=1, keepdims=True))
model = tf.keras.Sequential([
    tf.keras.layers.Dense(16, activation="tanh", kernel_initializer=tf.keras.initializers.Constant(
        np.sin(np.arange(80.0)).reshape(5, 16))),
    tf.keras.layers.Dense(1, kernel_initializer=tf.keras.initializers.Constant(
        np.cos(np.arange(16.0)).reshape(16, 1))),
])
model.compile(optimizer=tf.keras.optimizers.Nadam(0.01), loss="mse")
model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
