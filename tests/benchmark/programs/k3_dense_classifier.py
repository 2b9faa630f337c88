"""Train a dense classifier with Adam, and evaluate it."""
import keras
import numpy as np

keras.utils.set_random_seed(30)
rng = np.random.default_rng(30)
x = rng.normal(size=(128, 8)).astype("float32")
y = (x[:, 0] * x[:, 1] > 0).astype("int32")
model = keras.Sequential([
    keras.Input((8,)),
    keras.layers.Dense(16, activation="relu"),
    keras.layers.Dense(2),
])
model.compile(optimizer=keras.optimizers.Adam(0.01),
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=2)
print("evaluation %.3f" % model.evaluate(x, y, batch_size=64, verbose=0))
