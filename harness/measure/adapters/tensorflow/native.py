"""Native runs: Keras' own initialisers and defaults, ``compile`` and ``fit``.

Inside half: standard library, NumPy and TensorFlow only; Keras 2 and 3 alike. Every
name of Keras is looked up when a run starts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from harness.errors import UnsupportedError
from harness.measure import native
from harness.measure.adapters.tensorflow.model import Network
from harness.measure.adapters.tensorflow.seeding import set_seed
from harness.records.record import Fingerprint, NativeRun
from harness.vocabulary.case import Batch, Case, Variant
from harness.vocabulary.losses import BinaryCrossentropy, Loss, MeanSquaredError

keras = tf.keras


def run(case: Case, variant: Variant, evaluation: Batch, seed: int) -> NativeRun:
    """Train once, as a user would, on the whole evaluation set.

    Raises:
        UnsupportedError: the recipe is none that a native run can take.
    """
    assert case.native is not None
    network = _start(variant, evaluation, seed)
    history = network.model.fit(list(evaluation.inputs), evaluation.targets,
                                batch_size=case.native.batch_size, epochs=case.native.epochs,
                                shuffle=True, verbose=0)
    return native.finished(case, variant, evaluation, seed, _predict(network, evaluation),
                           float(history.history["loss"][-1]))


def fingerprint(case: Case, variant: Variant, evaluation: Batch, seed: int) -> Fingerprint:
    """Return what the seed determines: weights, order of the data, random numbers."""
    assert case.native is not None
    some, size = native.first(evaluation), case.native.batch_size
    network = _start(variant, some, seed)
    weights = {name: variable.numpy() for name, variable in network.parameters.items()}
    reported = network.model.evaluate(list(some.inputs), some.targets, batch_size=size, verbose=0)
    predictions = _predict(network, some)
    _seed(seed)
    numbers = tf.random.uniform([native.FIRST]).numpy()
    _seed(seed)
    return native.fingerprint(variant, some, seed, weights, _epochs(size), numbers, predictions,
                              float(reported))


def _start(variant: Variant, evaluation: Batch, seed: int) -> Network:
    """Return a new model, initialised after seeding and compiled."""
    _seed(seed)
    network = Network(variant, [x.shape[1:] for x in evaluation.inputs])
    name, rate = native.optimizer(variant)
    network.model.compile(optimizer=getattr(keras.optimizers, name)(learning_rate=rate),
                          loss=_loss(variant.loss))
    return network


def _seed(seed: int) -> None:
    """Seed all that Keras draws from, and count its operations from the start."""
    keras.backend.clear_session()
    keras.backend.set_floatx("float32")
    set_seed(seed)


def _loss(loss: Loss) -> Any:
    if isinstance(loss, MeanSquaredError):
        return keras.losses.MeanSquaredError()
    if loss == BinaryCrossentropy(from_logits=False):
        return keras.losses.BinaryCrossentropy()
    raise UnsupportedError(f"native runs have no loss {loss!r}")


def _predict(network: Network, batch: Batch) -> np.ndarray:
    """Return the probability of the positive class, (examples, 1)."""
    outputs: np.ndarray = network.model(network.feed(batch), training=False).numpy()
    return outputs


def _epochs(batch_size: int) -> list[np.ndarray]:
    """Return the indices that each epoch of ``fit`` presents, from a model that only looks.

    Seeded, Keras 3.15.1 on TensorFlow presents every epoch in the same order, in a graph
    as well; TensorFlow 2.15.1 shuffles anew.
    """
    epochs: list[list[np.ndarray]] = []

    def observe(data: Any) -> dict[str, float]:
        epochs[-1].append(data[0].numpy().reshape(-1).astype(np.int64))
        return {"loss": 0.0}

    indices = np.arange(native.EXAMPLES, dtype=np.float32)[:, None]
    inputs = keras.Input((1,))
    observer = keras.Model(inputs, keras.layers.Flatten()(inputs))
    observer.compile(loss="mse", run_eagerly=True)
    observer.train_step = observe
    began = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append([]))
    observer.fit(indices, indices, batch_size=batch_size, epochs=native.EPOCHS, shuffle=True,
                 callbacks=[began], verbose=0)
    return [np.concatenate(batches) for batches in epochs]
