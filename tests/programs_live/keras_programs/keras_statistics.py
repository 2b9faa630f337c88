"""Moving statistics of a given momentum, beside a frozen layer, a seed and a metric; fit."""

import hashlib
import sys

import numpy as np

if "keras3" in sys.argv:
    import keras
else:
    from tensorflow import keras

if hasattr(keras.utils, "set_random_seed"):
    keras.utils.set_random_seed(3)
else:
    import tensorflow as tf

    tf.random.set_seed(3)
layers = keras.layers
momentum = next((float(word[9:]) for word in sys.argv if word.startswith("momentum=")), 0.99)


class Counted(keras.Model):
    """A model that keeps more than what is trained."""

    def __init__(self):
        super().__init__()
        self.frozen = layers.Dense(5, trainable=False)
        self.norm = layers.BatchNormalization(momentum=momentum)
        self.drop = layers.Dropout(0.2, seed=1)
        self.last = layers.Dense(1)
        self.counter = keras.metrics.Mean()

    def call(self, inputs, training=None):
        """Return one number for each row."""
        found = self.norm(self.frozen(inputs), training=training)
        return self.last(self.drop(found, training=training))


model = Counted()
model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse", metrics=["mae"])
draw = np.random.default_rng(0)
x, y = draw.normal(1, 2, size=(24, 3)).astype("float32"), draw.normal(size=(24, 1))
found = model.fit(x, y, batch_size=8, epochs=1, shuffle=False, verbose=0)
print({name: [float(v) for v in values] for name, values in found.history.items()})
print(model.evaluate(x, y, verbose=0))
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
print(float(np.linalg.norm(np.array(model.norm.moving_mean))))
