"""Segment with classes on the first axis and label smoothing."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(7)
x = rng.normal(size=(64, 5, 6)).astype("float32")
y = np.moveaxis(np.eye(3, dtype="float32")[rng.integers(0, 3, size=(64, 6))], 2, 1)
model = tf.keras.Sequential([
    tf.keras.layers.Permute((2, 1)),
    tf.keras.layers.Dense(3, kernel_initializer=tf.keras.initializers.Constant(
        np.sin(np.arange(15.0)).reshape(5, 3))),
    tf.keras.layers.Permute((2, 1)),
])
loss = tf.keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2, axis=1)
model.compile(optimizer=tf.keras.optimizers.SGD(0.2), loss=loss)
model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
