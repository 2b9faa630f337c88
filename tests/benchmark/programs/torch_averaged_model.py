"""Evaluate a weight-averaged copy of a network with batch normalisation."""
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

torch.manual_seed(15)
x, y = torch.randn(96, 5) + 1, torch.randn(96, 1)
model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
averaged = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(3):
    model.train()
    for i in range(0, 96, 32):
        optimizer.zero_grad()
        loss = ((model(x[i:i + 32]) - y[i:i + 32]) ** 2).mean()
        loss.backward()
        optimizer.step()
        averaged.update_parameters(model)
    averaged.eval()
    with torch.no_grad():
        print("epoch %d evaluation %.6f" % (epoch, ((averaged(x) - y) ** 2).mean().item()))
