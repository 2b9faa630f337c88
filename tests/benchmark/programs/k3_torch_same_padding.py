"""Train a convolutional network whose strided layers use "same" padding."""
import keras
import numpy as np

keras.utils.set_random_seed(20)
rng = np.random.default_rng(17)
x = rng.normal(size=(64, 9, 9, 1)).astype("float32")
y = (x.sum(axis=(1, 2, 3)) > 0).astype("int32")

model = keras.Sequential([
    keras.Input((9, 9, 1)),
    keras.layers.Conv2D(4, 2, strides=3, padding="same", activation="relu"),
    keras.layers.MaxPooling2D(2, padding="same"),
    keras.layers.Flatten(),
    keras.layers.Dense(2),
])
model.compile(optimizer=keras.optimizers.SGD(0.05),
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=2)
