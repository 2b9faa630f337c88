"""Keep the weights of a regression non-negative by a constraint."""
import keras
import numpy as np

keras.utils.set_random_seed(11)
rng = np.random.default_rng(8)
x = rng.normal(size=(128, 6)).astype("float32")
y = (x @ np.array([[1.0], [-2.0], [0.5], [0.0], [3.0], [-1.0]])).astype("float32")

model = keras.Sequential([
    keras.Input((6,)),
    keras.layers.Dense(1, kernel_constraint=keras.constraints.NonNeg()),
])
model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
model.fit(x, y, batch_size=32, epochs=3, shuffle=False, verbose=2)
