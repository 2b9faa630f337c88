"""Parameters that belong to no module, and a gradient that is asked for by hand."""

import hashlib

import torch

torch.manual_seed(17)
x, y = torch.randn(50, 3, dtype=torch.float64), torch.randn(50, dtype=torch.float64)
weight = torch.zeros(3, dtype=torch.float64, requires_grad=True)
bias = torch.zeros(1, dtype=torch.float64, requires_grad=True)
scale = torch.ones((), dtype=torch.complex128, requires_grad=True)
optimizer = torch.optim.SGD([weight, bias, scale], lr=0.1)
for step in range(10):
    optimizer.zero_grad()
    error = (x @ weight + bias - y) * scale
    loss = (error.abs() ** 2).mean()
    slope, = torch.autograd.grad(loss, weight, create_graph=True)
    (loss + 0.1 * slope.square().sum()).backward()
    optimizer.step()
    print(step, loss.item())
state = b"".join(value.detach().numpy().tobytes() for value in (weight, bias, scale))
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
