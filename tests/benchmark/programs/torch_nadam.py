"""Train a small regression with NAdam."""
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(128, 6)
y = torch.sin(x.sum(dim=1, keepdim=True))
model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.NAdam(model.parameters(), lr=0.01)
for step in range(20):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    print("step %d loss %.6f" % (step, loss.item()))
