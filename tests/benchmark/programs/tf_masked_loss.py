"""Tag padded sequences; the embedding masks the padding."""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(2)
x = rng.integers(1, 30, size=(64, 8))
for row, length in zip(x, rng.integers(3, 9, size=64)):
    row[length:] = 0
y = x % 3
weights = np.linspace(-1, 1, 30 * 8).reshape(30, 8).astype("float32")
model = tf.keras.Sequential([
    tf.keras.layers.Embedding(30, 8, mask_zero=True,
                              embeddings_initializer=tf.keras.initializers.Constant(weights)),
    tf.keras.layers.Dense(3, kernel_initializer=tf.keras.initializers.Constant(
        np.sin(np.arange(24.0)).reshape(8, 3))),
])
model.compile(optimizer=tf.keras.optimizers.SGD(0.1),
              loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
