"""Two inputs, train_on_batch, test_on_batch, predict_on_batch, and a model saved on the way."""

import hashlib
import os
import sys
import tempfile

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
left, right = layers.Input((6,), name="left"), layers.Input((4,), name="right")
joined = layers.Concatenate()([layers.Dense(8, activation="relu")(left), layers.Dense(8)(right)])
joined = layers.Dropout(0.3)(layers.BatchNormalization()(joined))
model = keras.Model([left, right], layers.Dense(1, activation="sigmoid")(joined))
model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
              loss="binary_crossentropy", metrics=["accuracy"])
draw = np.random.default_rng(1)
for step in range(8):
    x = [draw.normal(size=(16, 6)).astype("float32"), draw.normal(size=(16, 4)).astype("float32")]
    y = (x[0][:, :1] + x[1][:, :1] > 0).astype("float32")
    weights = np.linspace(0.5, 1.5, 16).astype("float32")
    print(step, model.train_on_batch(x, y, sample_weight=weights))
    if step == 4:
        print(model.test_on_batch(x, y), model.predict_on_batch(x)[:2].tolist())
        path = os.path.join(tempfile.mkdtemp(), "model.keras" if "keras3" in sys.argv
                            else "model.h5")
        model.save(path)
        print(len(keras.models.load_model(path).get_weights()))
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
