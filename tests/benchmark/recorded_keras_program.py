"""A training program of ten million parameters under Keras, for ``recorder.py``.

It stands for a user's own: nothing in it knows of the recorder. What it took is its last line.
"""

import argparse
import json
import resource
import time

import keras
import numpy as np
from keras import layers


def perceptron():
    """Return a model of 10.0 million parameters, and the shape of a batch of 64."""
    model = keras.Sequential([
        keras.Input((784,)), layers.Dense(2048, "relu"), layers.Dense(2048, "relu"),
        layers.Dense(2048, "relu"), layers.Dense(10, "softmax")])
    return model, (64, 784)


def convolutions():
    """Return a model of 11.4 million parameters, and the shape of 16 pictures of 64 by 64."""
    stack = [layer for filters in (64, 128, 256, 512, 768) for layer in (
        layers.Conv2D(filters, 3, padding="same", strides=2), layers.BatchNormalization(),
        layers.Activation("relu"), layers.Conv2D(filters, 3, padding="same", activation="relu"))]
    model = keras.Sequential([
        keras.Input((64, 64, 3)), *stack[:-1], layers.GlobalAveragePooling2D(),
        layers.Dense(4096, "relu"), layers.Dropout(0.2), layers.Dense(10, "softmax")])
    return model, (16, 64, 64, 3)


MODELS = {model.__name__: model for model in (perceptron, convolutions)}


class Clock(keras.callbacks.Callback):
    """Takes the time behind the first batch, which compiles."""

    began = busy = 0.0

    def on_train_batch_end(self, batch, logs=None):
        """Begin behind the first batch."""
        if batch == 0:
            Clock.began, Clock.busy = time.perf_counter(), time.process_time()


def main():
    """Train, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    model, shape = MODELS[options.model]()
    model.compile("adam", "sparse_categorical_crossentropy")
    stream = np.random.default_rng(0)
    x = np.tile(stream.standard_normal(shape, np.float32),
                (options.steps, *[1] * (len(shape) - 1)))
    y = stream.integers(0, 10, len(x))
    found = model.fit(x, y, batch_size=shape[0], shuffle=False, verbose=0, callbacks=[Clock()])
    print(json.dumps({
        "loss": found.history["loss"][-1], "parameters": model.count_params(),
        "seconds": time.perf_counter() - Clock.began, "busy": time.process_time() - Clock.busy,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    main()
