"""Train on images read from a directory, shuffled by the loader."""
import os
import tempfile

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(6)
folder = tempfile.mkdtemp()
rng = np.random.default_rng(4)
for label, level in (("dark", 60), ("light", 190)):
    os.makedirs(os.path.join(folder, label))
    for i in range(24):
        pixels = np.clip(rng.normal(level, 30, size=(8, 8, 3)), 0, 255).astype("uint8")
        tf.io.write_file(os.path.join(folder, label, "%02d.png" % i), tf.io.encode_png(pixels))

data = keras.utils.image_dataset_from_directory(
    folder, image_size=(8, 8), batch_size=8, seed=123, shuffle=True
)
model = keras.Sequential([
    keras.Input((8, 8, 3)),
    keras.layers.Rescaling(1 / 255),
    keras.layers.Flatten(),
    keras.layers.Dense(1),
])
model.compile(optimizer=keras.optimizers.SGD(0.05),
              loss=keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(data, epochs=3, verbose=2)
