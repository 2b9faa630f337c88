"""Optimizers of one's own: one that refines Adam, one from scratch, and one around another."""

import copy
import hashlib

import torch
from torch import nn


class Decayed(torch.optim.Adam):
    """Adam that shrinks the weights after its step."""

    def step(self, closure=None):
        result = super().step(closure)
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.mul_(1 - 1e-3)
        return result


class Signed(torch.optim.Optimizer):
    """Moves each weight by the sign of its gradient."""

    def __init__(self, parameters, lr):
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.sub_(group["lr"] * parameter.grad.sign())
        return loss


class Slow:
    """Every other step lets the weights go half the way back."""

    def __init__(self, inner, parameters):
        self.inner, self.parameters, self.count = inner, list(parameters), 0
        self.kept = [copy.deepcopy(parameter.data) for parameter in self.parameters]

    def step(self):
        self.inner.step()
        self.count += 1
        if self.count % 2 == 0:
            for parameter, kept in zip(self.parameters, self.kept):
                kept.add_(parameter.data - kept, alpha=0.5)
                parameter.data.copy_(kept)


torch.manual_seed(18)
inputs, targets = torch.randn(32, 5), torch.randn(32, 1)
for kind in (Decayed, Signed):
    model = nn.Sequential(nn.Linear(5, 10), nn.ELU(), nn.Linear(10, 1))
    inner = kind(model.parameters(), lr=1e-2)
    optimizer = Slow(inner, model.parameters())
    scheduler = torch.optim.lr_scheduler.LambdaLR(inner, lambda epoch: 0.9**epoch)
    for step in range(6):
        inner.zero_grad()
        loss = nn.functional.l1_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        scheduler.step()
    state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
    print(kind.__name__, loss.item(), hashlib.sha256(state).hexdigest(), torch.rand(1).item())
