"""A penalty on the gradient of the output: backward passes through backward passes, and hooks."""

import hashlib

import torch
from torch import nn

torch.manual_seed(19)
inputs, targets = torch.randn(24, 4), torch.randn(24, 1)
model = nn.Sequential(nn.Linear(4, 16), nn.Softplus(), nn.Linear(16, 1))
norms = []
model[0].weight.register_hook(lambda gradient: norms.append(gradient.norm().item()))
optimizer = torch.optim.Adamax(model.parameters(), lr=1e-2)
for step in range(8):
    optimizer.zero_grad()
    x = inputs.clone().requires_grad_()
    outputs = model(x)
    slope, = torch.autograd.grad(outputs.sum(), x, create_graph=True)
    loss = nn.functional.mse_loss(outputs, targets)
    torch.autograd.backward([loss, slope.square().mean()], retain_graph=True)
    (0.1 * slope.abs().mean()).backward()
    optimizer.step()
    print(step, loss.item(), norms[-1])
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
