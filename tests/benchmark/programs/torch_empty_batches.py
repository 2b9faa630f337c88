"""Token tagging; some short batches are all padding and have only ignored targets."""
import torch
from torch import nn

torch.manual_seed(2)
tagger = nn.Sequential(nn.Embedding(30, 12), nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 5))
optimizer = torch.optim.Adam(tagger.parameters(), lr=0.01)
loss_function = nn.CrossEntropyLoss(ignore_index=-1)
tokens = torch.randint(1, 30, (60, 8))
tags = tokens % 5
for row, length in enumerate([8, 6, 5, 0, 0, 7] * 10):
    tags[row, length:] = -1
    tokens[row, length:] = 0
total = 0.0
for step in range(20):
    rows = slice(step * 3, step * 3 + 3) if step % 7 else slice(3, 5)
    scores = tagger(tokens[rows])
    loss = loss_function(scores.flatten(0, 1), tags[rows].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    total += loss.item()
    print(f"step {step} loss {loss.item():.4f} mean {total / (step + 1):.4f}")
