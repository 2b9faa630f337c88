"""Gradients by function transforms, for each sample."""  # needs torch 2.0

import hashlib

import torch
from torch import nn
from torch.func import functional_call, grad, vmap

torch.manual_seed(22)
inputs, targets = torch.randn(16, 3), torch.randn(16, 1)
model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)


def measure(parameters, x, y):
    """Return the loss of one sample."""
    return (functional_call(model, parameters, (x.unsqueeze(0),)).squeeze(0) - y).square().mean()


for step in range(6):
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    gradients = vmap(grad(measure), in_dims=(None, 0, 0))(parameters, inputs, targets)
    for name, parameter in model.named_parameters():
        parameter.grad = gradients[name].mean(0)
    optimizer.step()
    print(step, nn.functional.mse_loss(model(inputs), targets).item())
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
