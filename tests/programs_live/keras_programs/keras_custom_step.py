"""A train_step of the program's own, a schedule, clipping, a branch on a tensor; TensorFlow."""

import hashlib
import sys

import numpy as np
import tensorflow as tf

if "keras3" in sys.argv:
    import keras
else:
    from tensorflow import keras

if hasattr(keras.utils, "set_random_seed"):
    keras.utils.set_random_seed(5)
else:
    tf.random.set_seed(5)
layers = keras.layers
IS_OLD = "keras3" not in sys.argv


class Block(layers.Layer):
    """Two layers and a residual connection."""

    def __init__(self, **options):
        super().__init__(**options)
        self.inner = layers.Dense(16)
        self.norm = layers.LayerNormalization()

    def call(self, inputs):
        """Add what the layers make of the inputs, halved where it is large."""
        found = self.norm(self.inner(inputs))
        if IS_OLD and tf.reduce_max(found) > 2.0:  # AutoGraph makes a tf.cond of it
            found = found * 0.5
        return inputs + tf.nn.gelu(found) * 0.5


class Own(keras.Model):
    """A model that trains itself."""

    def __init__(self):
        super().__init__()
        self.first = layers.Dense(16)
        self.blocks = [Block(), Block()]
        self.last = layers.Dense(3)

    def call(self, inputs, training=None):
        """Return logits."""
        found = self.first(inputs)
        for block in self.blocks:
            found = block(found)
        return self.last(found)

    def train_step(self, data):
        """Take one step on a batch, with a larger loss where it is small already."""
        x, y = data
        with tf.GradientTape() as tape:
            logits = self(x, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
            loss = tf.cond(loss < 0.9, lambda: loss * 1.5, lambda: tf.identity(loss))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"own_loss": loss}


x = np.random.default_rng(0).normal(size=(96, 7)).astype("float32")
y = (x[:, 0] > 0).astype("int32") + (x[:, 1] > 0.3)
model = Own()
rate = keras.optimizers.schedules.ExponentialDecay(0.02, 4, 0.8)
model.compile(optimizer=keras.optimizers.Adam(rate, clipnorm=1.0))
found = model.fit(x, y, epochs=4, batch_size=24, verbose=0)
print([float(v) for v in found.history["own_loss"]])
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
