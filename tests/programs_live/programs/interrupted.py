"""A forward pass that fails, inference mode, and a scripted module."""  # needs torch 1.9

import hashlib

import torch
from torch import nn


class Fragile(nn.Module):
    """Refuses large inputs."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(3, 6)
        self.head = torch.jit.script(nn.Sequential(nn.ReLU(), nn.Linear(6, 1)))

    def forward(self, x):
        x = self.body(x)
        if x.abs().max() > 20:
            raise ValueError("too large")
        return self.head(x)


torch.manual_seed(20)
inputs, targets = torch.randn(16, 3), torch.randn(16, 1)
model = Fragile()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(10):
    optimizer.zero_grad()
    try:
        model(inputs * 1000)
    except ValueError as error:
        print(error)
    loss = nn.functional.mse_loss(model(inputs), targets)
    loss.backward()
    optimizer.step()
    with torch.inference_mode():
        print(step, loss.item(), model(inputs).sum().item())
traced = torch.jit.trace(model.body, inputs)
print(traced(inputs).sum().item())
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
