"""Classify with labels of shape (batch, 1), of which one class is ignored."""
import keras
import numpy as np

keras.utils.set_random_seed(23)
rng = np.random.default_rng(20)
x = rng.normal(size=(96, 6)).astype("float32")
y = rng.integers(-1, 4, size=(96, 1))


def loss(y_true, y_pred):
    """Cross-entropy that leaves out the label -1."""
    return keras.losses.sparse_categorical_crossentropy(
        y_true, y_pred, from_logits=True, ignore_class=-1
    )


model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=2)
