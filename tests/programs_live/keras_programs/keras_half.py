"""Mixed precision with a scaled loss, and gradients accumulated where Keras can."""

import hashlib
import sys

import numpy as np

if "keras3" in sys.argv:
    import keras

    keras.config.set_dtype_policy("mixed_float16")
else:
    from tensorflow import keras

    keras.mixed_precision.set_global_policy("mixed_float16")
if hasattr(keras.utils, "set_random_seed"):
    keras.utils.set_random_seed(3)
else:
    import tensorflow as tf

    tf.random.set_seed(3)
x = np.random.default_rng(0).normal(size=(96, 10)).astype("float32")
y = x[:, :2].sum(axis=1, keepdims=True)
model = keras.Sequential([keras.layers.Dense(16, activation="relu"), keras.layers.Dense(16),
                          keras.layers.Dense(1, dtype="float32")])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
found = model.fit(x, y, epochs=4, batch_size=16, verbose=0)
print([float(v) for v in found.history["loss"]])
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
