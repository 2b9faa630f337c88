"""A training program of ten million parameters, or of many tensors, for ``recorder.py``.

It stands for a user's own: nothing in it knows of the recorder. What it took is its last line.
"""

import argparse
import json
import resource
import time

import torch
from torch import nn


class Transformer(nn.Module):
    """An encoder over tokens: 10.0 million parameters."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(4000, 320)
        layer = nn.TransformerEncoderLayer(320, 8, 1280, dropout=0.1, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 6), nn.Linear(320, 4000)

    def forward(self, tokens):
        """Return the logits of every place."""
        return self.head(self.encoder(self.embedding(tokens))).transpose(1, 2)


def perceptron():
    """Return a model of 10.0 million parameters, and a batch of 64."""
    layers = [nn.Linear(784, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(),
              nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 10)]
    return nn.Sequential(*layers), torch.randn(64, 784), torch.randint(0, 10, (64,))


def transformer():
    """Return a model of 10.0 million parameters, and a batch of 32 sequences of 64 tokens."""
    return Transformer(), torch.randint(0, 4000, (32, 64)), torch.randint(0, 4000, (32, 64))


def many():
    """Return a small model of 200 tensors, and a batch of 32."""
    layers = [layer for _ in range(100) for layer in (nn.Linear(16, 16), nn.Tanh())]
    return nn.Sequential(*layers), torch.randn(32, 16), torch.randint(0, 16, (32,))


MODELS = {model.__name__: model for model in (perceptron, transformer, many)}


def main():
    """Train, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    torch.manual_seed(0)
    model, inputs, targets = MODELS[options.model]()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(options.steps):
        if step == 1:  # the first step imports and allocates
            began, busy = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
    print(json.dumps({
        "loss": loss.item(), "parameters": sum(p.numel() for p in model.parameters()),
        "seconds": time.perf_counter() - began, "busy": time.process_time() - busy,
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    main()
