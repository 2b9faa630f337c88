"""A gradient scaler that skips a step whose gradients overflow."""  # needs torch 2.3

import hashlib

import torch
from torch import nn

torch.manual_seed(16)
inputs, targets = torch.randn(32, 8), torch.randn(32, 2)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=3)
for step in range(12):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(inputs), targets)
    if step == 5:
        loss = loss * float("inf")
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    print(step, loss.item(), scaler.get_scale())
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
