"""Dropout, alpha dropout and noise drawn in the forward pass, with plateaus."""

import hashlib

import torch
from torch import nn


class Noisy(nn.Module):
    """A model that draws random numbers while it trains."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 24), nn.Linear(24, 2)
        self.drop, self.alpha = nn.Dropout(0.3), nn.AlphaDropout(0.1)

    def forward(self, x):
        x = self.drop(torch.selu(self.first(x)))
        if self.training:
            x = x + 0.01 * torch.randn_like(x)
        return self.second(self.alpha(x))


torch.manual_seed(2)
inputs, labels = torch.randn(64, 8), torch.randint(0, 2, (64,))
model = Noisy()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, momentum=0.5)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
for epoch in range(12):
    model.train()
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(inputs), labels)
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        validation = nn.functional.cross_entropy(model(inputs), labels)
    scheduler.step(validation)
    print(epoch, loss.item(), validation.item(), optimizer.param_groups[0]["lr"])
state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
print(hashlib.sha256(state).hexdigest(), torch.rand(1).item())
