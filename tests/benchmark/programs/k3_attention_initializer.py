"""Train a small classifier with multi-head attention over a short sequence."""
import keras
import numpy as np

keras.utils.set_random_seed(3)
rng = np.random.default_rng(0)
x = rng.normal(size=(128, 6, 16)).astype("float32")
y = (x.mean(axis=(1, 2)) > 0).astype("int32")

inputs = keras.Input((6, 16))
h = keras.layers.MultiHeadAttention(num_heads=4, key_dim=4)(inputs, inputs)
h = keras.layers.GlobalAveragePooling1D()(keras.layers.LayerNormalization()(inputs + h))
outputs = keras.layers.Dense(2)(h)
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.SGD(0.1),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
model.fit(x, y, batch_size=32, epochs=2, verbose=2)
