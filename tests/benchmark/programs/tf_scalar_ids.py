"""Factorise a table of ratings; users and items come as vectors of ids."""
import numpy as np
import tensorflow as tf


class Factors(tf.keras.Model):
    """A rating is the product of a user's and an item's factors."""

    def __init__(self):
        super().__init__()
        self.users, self.items = (
            tf.keras.layers.Embedding(12, 4, embeddings_initializer=tf.keras.initializers.Constant(
                np.sin(np.arange(48.0) + shift).reshape(12, 4))) for shift in (0, 1))

    def call(self, inputs):
        """Returns the ratings of a batch."""
        users, items = inputs
        return tf.reduce_sum(self.users(users) * self.items(items), axis=1)


rng = np.random.default_rng(9)
users, items = rng.integers(0, 12, size=(2, 96))
ratings = np.cos(users + 2.0 * items).astype("float32")
model = Factors()
model.compile(optimizer=tf.keras.optimizers.SGD(0.5), loss="mse")
model.fit((users, items), ratings, batch_size=32, epochs=3, shuffle=False, verbose=2)
