"""Augment images by random contrast."""
import numpy as np
import tensorflow as tf

tf.random.set_seed(6)
rng = np.random.default_rng(11)
x = rng.normal(size=(48, 8, 8, 1)).astype("float32")
y = x.mean(axis=(1, 2))
model = tf.keras.Sequential([
    tf.keras.layers.RandomContrast(0.0001, seed=3),
    tf.keras.layers.Flatten(),
    tf.keras.layers.Dense(1, kernel_initializer=tf.keras.initializers.Constant(0.02)),
])
model.compile(optimizer=tf.keras.optimizers.SGD(0.01), loss="mse")
model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
