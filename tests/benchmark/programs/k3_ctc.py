"""Read digit strings of different length with a convolution and the CTC loss."""
import keras
import numpy as np

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
signals = rng.normal(size=(64, 24, 6)).astype("float32")
labels = np.zeros((64, 5), "int32")
for i in range(64):
    n = rng.integers(2, 6)
    labels[i, :n] = rng.integers(1, 9, n)
inputs = keras.Input((24, 6))
h = keras.layers.Conv1D(16, 3, padding="same", activation="relu")(inputs)
h = keras.layers.Bidirectional(keras.layers.GRU(12, return_sequences=True))(h)
outputs = keras.layers.Dense(10)(h)
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.Adam(3e-3, clipnorm=5.0), loss=keras.losses.CTC())
history = model.fit(signals, labels, batch_size=16, epochs=4, verbose=0)
for epoch, loss in enumerate(history.history["loss"]):
    print(f"epoch {epoch + 1}: {loss:.4f}")
