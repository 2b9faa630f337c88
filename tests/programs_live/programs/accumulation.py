"""Gradients accumulated over four micro-batches, and a part of the model that stays frozen."""

import hashlib

import torch
from torch import nn

torch.manual_seed(7)
inputs, targets = torch.randn(64, 10), torch.randn(64, 2)
model = nn.Sequential(nn.Linear(10, 20), nn.Sigmoid(), nn.Linear(20, 2))
model[0].weight.requires_grad_(False)
optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=1e-2)
for step in range(32):
    part = slice(step % 4 * 16, step % 4 * 16 + 16)
    loss = nn.functional.mse_loss(model(inputs[part]), targets[part]) / 4
    loss.backward()
    if step % 4 == 3:
        optimizer.step()
        optimizer.zero_grad()
        print(step, loss.item())
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
