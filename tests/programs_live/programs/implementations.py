"""The same training by every implementation of Adam that there is."""

import hashlib
import inspect

import torch
from torch import nn

known = inspect.signature(torch.optim.Adam).parameters
options = [{}]
options += [{"foreach": True}, {"foreach": False}] if "foreach" in known else []
options += [{"fused": True}] if "fused" in known and torch.__version__ >= "2.5" else []
options += [{"capturable": False, "differentiable": False}] if "capturable" in known else []
for chosen in options:
    torch.manual_seed(10)
    inputs, targets = torch.randn(32, 6), torch.randn(32, 3)
    model = nn.Sequential(nn.Linear(6, 16), nn.Softplus(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, amsgrad=True, **chosen)
    for _ in range(6):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
    state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
    print(chosen, loss.item(), hashlib.sha256(state).hexdigest(), torch.rand(1).item())
