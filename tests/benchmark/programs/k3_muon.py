"""Train a small network with Muon, its settings those of the first release (keras#21885)."""
import keras
import numpy as np

keras.utils.set_random_seed(21)
rng = np.random.default_rng(18)
x = rng.normal(size=(128, 12)).astype("float32")
y = np.tanh(x @ rng.normal(size=(12, 3))).astype("float32")

model = keras.Sequential([
    keras.Input((12,)),
    keras.layers.Dense(24, activation="relu"),
    keras.layers.Dense(3),
])
model.compile(loss="mse", optimizer=keras.optimizers.Muon(
    learning_rate=0.01, adam_lr_ratio=0.1, ns_steps=6, weight_decay=0.1))
model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=2)
