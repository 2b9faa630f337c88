"""Train a small classifier with dropout."""
import torch
from torch import nn

torch.manual_seed(3)
x = torch.randn(96, 10)
y = (x[:, :3].sum(dim=1) > 0).long()
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Dropout(0.4), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
model.train()
for step in range(12):
    batch = slice(8 * step, 8 * step + 8)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
    loss.backward()
    optimizer.step()
    print(step, "%.6f" % loss.item())
