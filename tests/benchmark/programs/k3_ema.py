"""Keep an exponential moving average of the weights in the optimizer."""
import keras
import numpy as np

keras.utils.set_random_seed(9)
rng = np.random.default_rng(6)
x = rng.normal(size=(128, 5)).astype("float32")
y = x.sum(axis=1, keepdims=True)

model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, activation="relu"),
                          keras.layers.Dense(1)])
model.compile(
    optimizer=keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.9,
                                   ema_overwrite_frequency=4),
    loss="mse",
)
model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=2)
