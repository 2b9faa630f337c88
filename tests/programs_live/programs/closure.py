"""L-BFGS, which calls a closure as often as it likes."""

import hashlib

import torch
from torch import nn

torch.manual_seed(9)
inputs = torch.linspace(-2, 2, 40).unsqueeze(1)
targets = torch.sin(2 * inputs)
model = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=8,
                              line_search_fn="strong_wolfe")


def closure():
    """Return the loss, with gradients."""
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(inputs), targets)
    loss.backward()
    return loss


for step in range(8):
    print(step, optimizer.step(closure).item())
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
