"""Train with layer normalisation over time, by the root mean square alone."""
import keras
import numpy as np

keras.utils.set_random_seed(24)
rng = np.random.default_rng(21)
x = rng.normal(size=(96, 6, 6)).astype("float32")
y = (x.mean(axis=1)[:, :1] > 0).astype("float32")

model = keras.Sequential([
    keras.Input((6, 6)),
    keras.layers.LayerNormalization(axis=1, rms_scaling=True),
    keras.layers.Flatten(),
    keras.layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="binary_crossentropy")
model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=2)
