"""Upsample with a strided transposed convolution and "same" padding."""
import keras
import numpy as np

keras.utils.set_random_seed(18)
rng = np.random.default_rng(15)
small = rng.normal(size=(48, 5, 5, 2)).astype("float32")
large = np.repeat(np.repeat(small[..., :1], 2, axis=1), 2, axis=2)

model = keras.Sequential([
    keras.Input((5, 5, 2)),
    keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
    keras.layers.Conv2D(1, 3, padding="same"),
])
model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
model.fit(small, large, batch_size=16, epochs=2, shuffle=False, verbose=2)
