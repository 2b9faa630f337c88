"""Regress the angle of a vector, for inputs padded with zeros."""
import torch
from torch import nn

torch.manual_seed(10)
x = torch.randn(32, 2)
x[::8] = 0.0
target = torch.atan2(x[:, 0], x[:, 1])
model = nn.Linear(2, 2, bias=False)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(6):
    optimizer.zero_grad()
    h = model(x)
    loss = (1 - torch.cos(torch.atan2(h[:, 0], h[:, 1]) - target)).mean()
    loss.backward()
    optimizer.step()
    print(step, "%.6f" % loss.item())
