"""Fit a small network with RMSprop on targets of small scale."""
import numpy as np
import tensorflow as tf

tf.random.set_seed(1)
rng = np.random.default_rng(0)
x = rng.normal(size=(128, 6)).astype("float32")
y = (0.01 * x.sum(axis=1, keepdims=True)).astype("float32")
model = tf.keras.Sequential([
    tf.keras.layers.Dense(8, activation="tanh", kernel_initializer="zeros"),
    tf.keras.layers.Dense(1, kernel_initializer=tf.keras.initializers.Constant(1e-3)),
])
model.compile(optimizer=tf.keras.optimizers.RMSprop(0.001), loss="mse")
model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=2)
