"""Train an embedding with SGD and momentum."""
import numpy as np
import tensorflow as tf

tf.random.set_seed(2)
rng = np.random.default_rng(1)
x = rng.integers(0, 200, size=(64, 6))
y = (x.mean(axis=1) > 100).astype("float32")[:, None]
model = tf.keras.Sequential([
    tf.keras.layers.Embedding(200, 8, embeddings_initializer=tf.keras.initializers.Constant(0.1)),
    tf.keras.layers.GlobalAveragePooling1D(),
    tf.keras.layers.Dense(1, kernel_initializer=tf.keras.initializers.Constant(0.3)),
])
model.compile(optimizer=tf.keras.optimizers.SGD(0.5, momentum=0.9),
              loss=tf.keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=2)
