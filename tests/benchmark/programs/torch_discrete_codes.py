"""A discrete autoencoder: categorical codes drawn by gumbel_softmax."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(7)


class Coder(nn.Module):
    """Four codes for a picture."""

    def __init__(self, width=16, codes=6):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(width, 24), nn.ReLU(), nn.Linear(24, 4 * codes))
        self.decode = nn.Linear(4 * codes, width)
        self.codes = codes

    def forward(self, x, tau):
        logits = self.encode(x).view(len(x), 4, self.codes)
        z = F.gumbel_softmax(logits, tau=tau)
        return self.decode(z.flatten(1))


images = torch.rand(128, 16).round()
model = Coder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
tau = 1.0
for epoch in range(4):
    for i in range(0, 128, 32):
        batch = images[i : i + 32]
        loss = F.binary_cross_entropy_with_logits(model(batch, tau), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    tau = max(0.5, tau * 0.9)
    print(f"epoch {epoch}: loss {loss.item():.4f}")
