"""Embeddings with sparse gradients, of which an optimizer updates only the rows that were read."""

import hashlib

import torch
from torch import nn

torch.manual_seed(11)
words, labels = torch.randint(0, 100, (80, 6)), torch.randint(0, 2, (80,)).float()
bag = nn.EmbeddingBag(100, 8, mode="mean", sparse=True)
head = nn.Linear(8, 1)
sparse = torch.optim.SparseAdam(list(bag.parameters()), lr=1e-2)
dense = torch.optim.SGD(head.parameters(), lr=0.1)
for epoch in range(3):
    for batch in torch.randperm(80).split(20):
        sparse.zero_grad()
        dense.zero_grad()
        logits = head(bag(words[batch])).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, labels[batch])
        loss.backward()
        sparse.step()
        dense.step()
    print(epoch, loss.item())
state = b"".join(value.numpy().tobytes() for module in (bag, head)
                 for value in module.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
