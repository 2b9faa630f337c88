"""Accumulate micro-batches of different numbers of tokens (nanochat#59)."""
import os

import torch
from torch import nn

torch.manual_seed(20)
tokens = torch.randint(1, 30, (32, 12))
for row, length in zip(tokens, torch.arange(32) % 9 + 3):
    row[length:] = 0
model = nn.Sequential(nn.Embedding(30, 16), nn.Linear(16, 30))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
reduction = os.environ.get("REDUCTION", "mean")
for step in range(4):
    optimizer.zero_grad()
    total, count = 0.0, (tokens[:, 1:] != 0).sum()
    for micro in tokens.split(8):
        logits = model(micro[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), micro[:, 1:].flatten(),
                                           ignore_index=0, reduction=reduction)
        loss = loss / 4 if reduction == "mean" else loss / count
        loss.backward()
        total += loss.item()
    optimizer.step()
    print("step %d loss %.6f" % (step, total))
