"""A training that is saved as a whole, loaded, and goes on from there."""

import hashlib
import io

import torch
from torch import nn


class Net(nn.Module):
    """A model that is pickled by the name of its class."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 4)

    def forward(self, x, *, scale=1.0):
        return {"out": self.body(x) * scale}


def train(model, optimizer, steps):
    """Train for some steps; return the last loss."""
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(inputs, scale=0.5)["out"].square().mean()
        loss.backward()
        optimizer.step()
    return loss.item()


torch.manual_seed(21)
inputs = torch.randn(8, 4)
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
print(train(model, optimizer, 5))
file = io.BytesIO()
torch.save({"model": model, "optimizer": optimizer.state_dict()}, file)
file.seek(0)
options = {} if torch.__version__.startswith("1.") else {"weights_only": False}
saved = torch.load(file, **options)
model = saved["model"]
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
optimizer.load_state_dict(saved["optimizer"])
print(train(model, optimizer, 5), type(model).__module__)
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
