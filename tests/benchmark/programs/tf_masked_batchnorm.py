"""Normalise padded sequences in batches."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(4)
x = rng.normal(2.0, 1.0, size=(96, 7, 4)).astype("float32")
for row, length in zip(x, rng.integers(2, 8, size=96)):
    row[length:] = 0.0
y = x.sum(axis=(1, 2))[:, None]
model = tf.keras.Sequential([
    tf.keras.layers.Masking(0.0),
    tf.keras.layers.BatchNormalization(),
    tf.keras.layers.GlobalAveragePooling1D(),
    tf.keras.layers.Dense(1, kernel_initializer=tf.keras.initializers.Constant(0.2)),
])
model.compile(optimizer=tf.keras.optimizers.SGD(0.001), loss="mse")
model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=2)
