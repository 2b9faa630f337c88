"""A Keras ``fit`` with callbacks, to try under two versions:

    harness try --baseline keras==3.3.3 --observed keras==3.15.1 -- python keras_fit.py
"""

import keras
import numpy as np

keras.utils.set_random_seed(0)
words = np.random.default_rng(0).integers(1, 100, size=(512, 12))
words[:, 8:] *= np.random.default_rng(1).integers(0, 2, size=(512, 1))  # some are shorter
labels = (words[:, 0] < 50).astype("float32")[:, None]
model = keras.Sequential([
    keras.layers.Embedding(100, 16, mask_zero=True), keras.layers.LSTM(24),
    keras.layers.BatchNormalization(), keras.layers.Dropout(0.2),
    keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.AdamW(0.005), loss="binary_crossentropy",
              metrics=["accuracy"])
model.fit(words, labels, epochs=6, batch_size=32, validation_split=0.25, verbose=0, callbacks=[
    keras.callbacks.ReduceLROnPlateau(patience=1), keras.callbacks.EarlyStopping(patience=4)])
loss, accuracy = model.evaluate(words, labels, verbose=0)
print(f"loss {loss:.6f} accuracy {accuracy:.4f}")
