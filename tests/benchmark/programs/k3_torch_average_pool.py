"""Train a small convolutional network with "same" average pooling."""
import keras
import numpy as np

keras.utils.set_random_seed(19)
rng = np.random.default_rng(16)
x = rng.normal(size=(64, 8, 8, 1)).astype("float32")
y = x.mean(axis=(1, 2))

model = keras.Sequential([
    keras.Input((8, 8, 1)),
    keras.layers.Conv2D(4, 3, activation="relu"),
    keras.layers.AveragePooling2D(4, strides=1, padding="same"),
    keras.layers.Flatten(),
    keras.layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
