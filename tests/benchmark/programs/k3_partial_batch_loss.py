"""Report the loss of an epoch whose last batch is smaller than the others."""
import keras
import numpy as np

keras.utils.set_random_seed(8)
rng = np.random.default_rng(5)
x = rng.normal(size=(100, 6)).astype("float32")
y = x[:, :1] * 3 + np.arange(100, dtype="float32")[:, None] / 20

model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
history = model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=0)
for epoch, loss in enumerate(history.history["loss"]):
    print("epoch %d loss %.6f" % (epoch, loss))
