"""Print the loss of every batch of a hand-written training loop."""
import keras
import numpy as np

keras.utils.set_random_seed(15)
rng = np.random.default_rng(12)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, activation="relu"),
                          keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
for step in range(12):
    x = rng.normal(size=(16, 4)).astype("float32")
    loss = model.train_on_batch(x, x.sum(axis=1, keepdims=True))
    print("step %d loss %.6f" % (step, float(loss)))
