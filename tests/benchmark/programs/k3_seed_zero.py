"""A small classifier whose first layer is drawn with seed 0."""
import keras
import numpy as np

keras.utils.set_random_seed(42)
rng = np.random.default_rng(0)
x = rng.normal(size=(120, 8)).astype("float32")
y = (x[:, 0] > x[:, 1]).astype("float32")
model = keras.Sequential([
    keras.layers.Dense(16, activation="relu",
                       kernel_initializer=keras.initializers.HeNormal(seed=0)),
    keras.layers.Dense(1, activation="sigmoid",
                       kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=24, epochs=3, verbose=2)
