"""A compiled model, a compiled step, and one compiled in place."""  # needs torch 2.2

import hashlib

import torch
from torch import nn

torch.manual_seed(14)
inputs, targets = torch.randn(32, 8), torch.randn(32, 2)
backends = ["eager", "aot_eager", "inductor"]
for backend in backends:
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Dropout(0.1), nn.Linear(16, 2))
    other = nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 2))
    other.compile(backend=backend)
    fast = torch.compile(model, backend=backend)
    optimizer = torch.optim.Adam([*model.parameters(), *other.parameters()], lr=1e-2)

    @torch.compile(backend=backend)
    def measure(outputs, targets):
        """Return a loss."""
        return nn.functional.mse_loss(outputs, targets)

    for step in range(5):
        optimizer.zero_grad()
        loss = measure(fast(inputs) + other(inputs), targets)
        loss.backward()
        optimizer.step()
        print(backend, step, loss.item())
    fast.eval()
    with torch.no_grad():
        print(measure(fast(inputs), targets).item())
    state = b"".join(value.numpy().tobytes() for module in (model, other)
                     for value in module.state_dict().values())
    print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
