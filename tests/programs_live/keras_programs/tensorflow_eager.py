"""Variables of TensorFlow alone, eager execution, two optimizers in turns."""

import hashlib

import numpy as np
import tensorflow as tf

tf.random.set_seed(9)
weight = tf.Variable(tf.random.normal((5, 3), seed=1), name="weight")
table = tf.Variable(tf.random.normal((20, 5), seed=2), name="table")
optimizers = [tf.keras.optimizers.Adagrad(0.05), tf.keras.optimizers.Adam(0.02)]
words = np.random.default_rng(0).integers(0, 20, size=(64, 4))
for step in range(10):
    batch = words[(step * 8) % 64:][:8]
    with tf.GradientTape() as tape:
        rows = tf.nn.dropout(tf.gather(table, batch), 0.2)
        loss = tf.reduce_mean(tf.square(tf.reduce_sum(rows, axis=1) @ weight - 1.0))
    gradients = tape.gradient(loss, [weight, table])
    optimizers[0].apply_gradients([(gradients[0], weight)])
    optimizers[1].apply_gradients([(gradients[1], table)])
    print(step, float(loss))
print(hashlib.sha256(weight.numpy().tobytes() + table.numpy().tobytes()).hexdigest())
