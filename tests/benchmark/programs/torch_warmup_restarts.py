"""Warm up linearly, then anneal with warm restarts."""
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, LinearLR, SequentialLR

torch.manual_seed(1)
x = torch.randn(64, 8)
y = x[:, :2].sum(dim=1, keepdim=True)
model = nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = SequentialLR(optimizer, [
    LinearLR(optimizer, start_factor=0.1, total_iters=5),
    CosineAnnealingWarmRestarts(optimizer, T_0=5),
], milestones=[5])
for epoch in range(15):
    optimizer.zero_grad()
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(epoch, "%.6f" % loss.item())
