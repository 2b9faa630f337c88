"""Classify with a Softmax layer on logits that are far apart."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(10)
x = (20 * rng.normal(size=(96, 4))).astype("float32")
y = rng.integers(0, 3, size=96)
model = tf.keras.Sequential([
    tf.keras.layers.Dense(3, kernel_initializer=tf.keras.initializers.Constant(
        np.sin(np.arange(12.0)).reshape(4, 3))),
    tf.keras.layers.Softmax(),
])
model.compile(optimizer=tf.keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy")
model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=2)
