"""Train with QHAdam of pytorch_optimizer."""
import torch
from pytorch_optimizer import QHAdam
from torch import nn

torch.manual_seed(23)
x = torch.randn(96, 6)
y = x[:, :2].prod(dim=1, keepdim=True)
model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = QHAdam(model.parameters(), lr=0.01)
for step in range(12):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    print("step %d loss %.6f" % (step, loss.item()))
