"""Train with dropout that draws from TensorFlow's generators."""
import numpy as np
import tensorflow as tf

tf.keras.backend.experimental.enable_tf_random_generator()
tf.keras.utils.set_random_seed(4)
rng = np.random.default_rng(5)
x = rng.normal(size=(96, 10)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
model = tf.keras.Sequential([
    tf.keras.layers.Dense(32, activation="relu", kernel_initializer=tf.keras.initializers.Constant(
        np.sin(np.arange(320.0)).reshape(10, 32))),
    tf.keras.layers.Dropout(0.4, seed=7),
    tf.keras.layers.Dense(2, kernel_initializer=tf.keras.initializers.Constant(
        np.cos(np.arange(64.0)).reshape(32, 2))),
])
model.compile(optimizer=tf.keras.optimizers.SGD(0.05),
              loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
