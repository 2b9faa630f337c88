"""Two models against each other, in one train_step with two optimizers; TensorFlow."""

import hashlib
import sys

import numpy as np
import tensorflow as tf

if "keras3" in sys.argv:
    import keras
else:
    from tensorflow import keras
if hasattr(keras.utils, "set_random_seed"):
    keras.utils.set_random_seed(7)
else:
    tf.random.set_seed(7)
layers = keras.layers


class Adversaries(keras.Model):
    """A generator and a discriminator."""

    def __init__(self):
        super().__init__()
        self.generator = keras.Sequential([layers.Dense(12, activation="relu"), layers.Dense(4)])
        self.discriminator = keras.Sequential([layers.Dense(12), layers.LeakyReLU(),
                                               layers.Dense(1)])

    def compile(self, first, second):
        """Keep two optimizers."""
        super().compile(optimizer=first)
        self.second = second

    def call(self, noise):
        """Return what the generator makes of noise."""
        return self.generator(noise)

    def train_step(self, real):
        """Train the discriminator, then the generator."""
        noise = tf.random.stateless_normal((tf.shape(real)[0], 3), seed=(1, 2))
        with tf.GradientTape() as tape:
            first = tf.reduce_mean(tf.nn.softplus(self.discriminator(self.generator(noise)))) \
                + tf.reduce_mean(tf.nn.softplus(-self.discriminator(real)))
        weights = self.discriminator.trainable_variables
        self.second.apply_gradients(zip(tape.gradient(first, weights), weights))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.softplus(-self.discriminator(self.generator(noise))))
        weights = self.generator.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"first": first, "second": loss}


model = Adversaries()
model.compile(keras.optimizers.Adam(0.01, beta_1=0.5), keras.optimizers.SGD(0.05))
data = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
found = model.fit(data, epochs=4, batch_size=16, verbose=0)
print({name: [float(v) for v in values] for name, values in found.history.items()})
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
