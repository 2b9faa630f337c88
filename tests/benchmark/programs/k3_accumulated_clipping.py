"""Accumulate four micro-batches under a clipped and decaying AdamW with a schedule."""
import keras
import numpy as np

keras.utils.set_random_seed(4)
rng = np.random.default_rng(3)
x = rng.normal(size=(256, 8)).astype("float32")
y = (x @ rng.normal(size=(8, 1))).astype("float32") * 5

model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, activation="tanh"),
                          keras.layers.Dense(1)])
schedule = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=16)
optimizer = keras.optimizers.AdamW(
    schedule, weight_decay=0.01, clipnorm=0.5, gradient_accumulation_steps=4
)
model.compile(optimizer=optimizer, loss="mse")
model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
