"""Predict a mean and a variance with the Gaussian likelihood."""
import torch
from torch import nn

torch.manual_seed(2)
x = torch.randn(64, 5)
y = torch.stack([x.sum(dim=1), x[:, 0] - x[:, 1], x[:, 2]], dim=1)
mean, spread = nn.Linear(5, 3), nn.Sequential(nn.Linear(5, 3), nn.Softplus())
criterion = nn.GaussianNLLLoss()
optimizer = torch.optim.SGD([*mean.parameters(), *spread.parameters()], lr=0.02)
for step in range(15):
    optimizer.zero_grad()
    loss = criterion(mean(x), y, spread(x) + 0.1)
    loss.backward()
    optimizer.step()
    print(step, "%.5f" % loss.item())
