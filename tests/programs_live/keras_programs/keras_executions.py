"""Convolutions, GELU before dropout, several steps in one call of the graph, class weights."""

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
    np.random.seed(3)
layers = keras.layers
executions = [] if "torch" in sys.argv else [("steps_per_execution", 4)]
options = dict(executions + ([("jit_compile", True)] if "jit" in sys.argv else []))
x = np.random.default_rng(0).normal(size=(192, 9, 3)).astype("float32")
y = np.random.default_rng(1).integers(0, 3, size=192)
model = keras.Sequential([
    layers.Conv1D(8, 3, padding="causal"), layers.BatchNormalization(), layers.Activation("gelu"),
    layers.Dropout(0.3), layers.Conv1D(8, 2, activation="elu"), layers.LayerNormalization(),
    layers.GlobalAveragePooling1D(), layers.Dense(16, kernel_regularizer="l2"),
    layers.Dense(3, activation="softmax")])
model.compile(optimizer=keras.optimizers.Nadam(0.005), loss="sparse_categorical_crossentropy",
              metrics=["accuracy"], **options)
found = model.fit(x, y, epochs=3, batch_size=16, verbose=0, class_weight={0: 1.0, 1: 2.0, 2: 0.5})
print({name: [float(v) for v in values] for name, values in found.history.items()})
print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
