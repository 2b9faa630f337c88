"""Train a dense network with batch normalisation (keras#19073)."""
import keras
import numpy as np

keras.utils.set_random_seed(12)
rng = np.random.default_rng(9)
x = rng.normal(size=(128, 10)).astype("float32")
y = np.sin(x.sum(axis=1, keepdims=True))

model = keras.Sequential([
    keras.Input((10,)),
    keras.layers.Dense(16),
    keras.layers.BatchNormalization(),
    keras.layers.ReLU(),
    keras.layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=2)
