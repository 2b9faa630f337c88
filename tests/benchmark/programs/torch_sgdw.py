"""Train with SGDW and momentum (pytorch_optimizer#519)."""
import torch
from pytorch_optimizer import SGDW
from torch import nn

torch.manual_seed(22)
x = torch.randn(128, 6)
y = torch.tanh(x @ torch.randn(6, 2))
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = SGDW(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
for step in range(15):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    print("step %d loss %.6f" % (step, loss.item()))
