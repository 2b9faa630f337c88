"""A regression in double precision."""
import numpy as np
import tensorflow as tf

tf.keras.backend.set_floatx("float64")
tf.random.set_seed(1)
rng = np.random.default_rng(1)
x = rng.normal(size=(80, 5))
y = np.sin(x[:, :1]) + x[:, 1:2] ** 2
model = tf.keras.Sequential([
    tf.keras.layers.Dense(16, "tanh", kernel_initializer=tf.keras.initializers.GlorotUniform(1)),
    tf.keras.layers.Dense(1, kernel_initializer=tf.keras.initializers.GlorotUniform(2)),
])
model.compile(tf.keras.optimizers.SGD(0.02), "mse")
history = model.fit(x, y, batch_size=20, epochs=5, shuffle=False, verbose=0)
print([float(v) for v in history.history["loss"]])
